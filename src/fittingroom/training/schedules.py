"""Learning-rate schedules: functions from the share of the training that is over to a factor of the peak rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fittingroom.lookup import look_up
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from fittingroom.training.recipe import Recipe

Schedule = Callable[[float], float]
ONE_CYCLE_RISE = 0.3


def constant(progress: float) -> float:
    """Return 1 throughout.

    Args:
        progress: share of the steps already taken, 0 to 1.
    """
    del progress
    return 1.0


def linear(progress: float) -> float:
    """Fall in a straight line from 1 to 0.

    Args:
        progress: share of the steps already taken, 0 to 1.

    Example:
        >>> linear(0.25)
        0.75
    """
    return 1.0 - progress


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (I. Loshchilov and F. Hutter, arXiv 1608.03983).

    Args:
        progress: share of the steps already taken, 0 to 1.

    Example:
        >>> round(cosine(0.5), 9)
        0.5
    """
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def one_cycle(progress: float) -> float:
    """Rise in a straight line to 1 over the first 30 %, then fall in a straight line to 0 (L. Smith, arXiv 1708.07120).

    Args:
        progress: share of the steps already taken, 0 to 1.

    Example:
        >>> one_cycle(0.0), one_cycle(0.3), one_cycle(1.0)
        (0.0, 1.0, 0.0)
    """
    if progress < ONE_CYCLE_RISE:
        return progress / ONE_CYCLE_RISE
    return (1.0 - progress) / (1.0 - ONE_CYCLE_RISE)


SCHEDULES: Mapping[str, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "one_cycle": one_cycle,
}


def with_warmup(schedule: Schedule, share: float) -> Schedule:
    """Return the schedule, multiplied by a straight rise from 0 to 1 over the first share of the training.

    Args:
        schedule: what to multiply.
        share: of all steps, 0 to 1; 0 returns the schedule itself.

    Example:
        >>> with_warmup(constant, 0.5)(0.25)
        0.5
    """
    if share <= 0:
        return schedule
    return lambda progress: schedule(progress) * min(1.0, progress / share)


def learning_rate_at(recipe: Recipe, steps_an_epoch: int) -> Callable[[int], float]:
    """Return the function that gives the learning rate of a step.

    Args:
        recipe: its learning rate, schedule, warm-up and epochs.
        steps_an_epoch: batches in an epoch.

    Returns:
        A function of the step, counted from 0 over the whole training. Where the rate starts at zero the step's
        middle is taken, so that no step is wasted on a rate of exactly 0.
    """
    schedule = with_warmup(look_up(recipe.schedule, SCHEDULES, "schedule"), recipe.warmup / recipe.epochs)
    steps = recipe.epochs * steps_an_epoch
    peak = float(resolved(recipe).learning_rate)
    shift = 0.5 if schedule(0.0) == 0.0 else 0.0
    return lambda step: peak * schedule((step + shift) / steps)
