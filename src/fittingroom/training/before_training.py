"""What can be seen before a training: the batch as the network gets it, and which learning rate suits."""

from __future__ import annotations

import itertools
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from fittingroom.arrays import Array
from fittingroom.errors import TrainingError, UsageError
from fittingroom.mapped_arrays import pieces
from fittingroom.models.front import pixel_scale
from fittingroom.progress import Log, no_log
from fittingroom.training.augment import Generators
from fittingroom.training.batching import make_batcher, on_device
from fittingroom.training.recipe import resolved
from fittingroom.training.trainer import session_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from fittingroom.training.plan import TrainingPlan
    from fittingroom.training.step import Session

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 200
SMOOTHING = 0.9  # share of the running mean that stays at a step
WORSE = 4.0  # times the lowest loss, at which the test ends
FEWEST = 10  # steps
FALLEN = 0.9  # of the way to the lowest loss


class RateCurve(NamedTuple):
    """The loss at growing learning rates.

    Attributes:
        rates: one a step, growing.
        losses: of each step's batch.
        smoothed: their running mean, corrected for its start.
        suggestion: the smallest rate at which nine tenths of the fall are reached; two digits.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float


def find_rate(model: object, plan: TrainingPlan, log: Log = no_log) -> RateCurve:
    """Train with a learning rate that grows at each step, and say where the loss falls; the model is left as it was.

    A learning-rate range test (L. Smith, arXiv 1506.01186). The suggestion is the smallest rate at which the running
    mean of the loss has come down nine tenths of the way to its lowest: for the recipes `walkthrough`, `90` and `92`
    within a factor of three of the rates that validation images chose.

    Args:
        model: a Keras model or torch module.
        plan: what to train on and how; the recipe's own rate and schedule are not used.
        log: takes one line for the user.

    Raises:
        UsageError: a compiled model's optimiser has a schedule, which nothing else may set.
        TrainingError: the loss falls at no rate.
    """
    with session_for(model, plan, log) as (session, *_), torch.no_grad(), _rate_of(session) as set_rate:
        session.remember()
        try:
            rates, losses, smoothed = _losses(session, plan.seed, set_rate)
        finally:
            session.roll_back()
    if len(smoothed) < FEWEST or min(smoothed) > 0.99 * smoothed[0]:
        raise TrainingError(
            f"The loss does not fall at any learning rate from {LOWEST:g} to {rates[-1]:.2g}. Look at the data and the "
            "model first: are the labels those of the images?"
        )
    return RateCurve(rates, losses, smoothed, float(f"{rates[_where_most_has_fallen(smoothed)]:.1e}"))


def _losses(
    session: Session, seed: int, set_rate: Callable[[float], None]
) -> tuple[list[float], list[float], list[float]]:
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    for step, (rate, (epoch, rows)) in enumerate(
        zip(np.geomspace(LOWEST, HIGHEST, STEPS), _batches(session, seed), strict=False)
    ):
        set_rate(float(rate))
        loss = float(session.take_step(rows, session.data.labels.index_select(0, rows), epoch, step)[0])
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        value = mean / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(loss) or (step > FEWEST and value > WORSE * min(smoothed)):
            break
        rates.append(float(rate))
        losses.append(loss)
        smoothed.append(value)
    return rates, losses, smoothed


def _batches(session: Session, seed: int) -> Iterator[tuple[int, Tensor]]:
    """Yield whole batches for ever, in the order of a training."""
    size = session.recipe.batch_size
    for epoch in itertools.count(1):
        parts = session.data.order(seed, epoch).split(size)  # type: ignore[no-untyped-call]
        yield from ((epoch, rows) for rows in parts if len(rows) == size or len(parts) == 1)


@contextmanager
def _rate_of(session: Session) -> Iterator[Callable[[float], None]]:
    """Give the function that sets the rate of the steps to come, and put it back after the block."""
    if not session.owns_rate:
        rate = session.rate

        def set_recipes(value: float) -> None:
            session.rate = lambda step: value  # noqa: ARG005

        yield set_recipes
        session.rate = rate
        return
    optimizer = session.functional.model.optimizer
    before = float(optimizer.learning_rate)

    def set_owners(value: float) -> None:
        try:
            optimizer.learning_rate = value
        except TypeError as error:
            raise UsageError(
                f"Model '{session.functional.name}' is compiled with a learning-rate schedule, which cannot be set. "
                "Compile it with a number, or pass it without compiling it."
            ) from error

    try:
        yield set_owners
    finally:
        set_owners(before)


def _where_most_has_fallen(losses: list[float]) -> int:
    """Return the first place at which the loss has come down ``FALLEN`` of the way to its lowest."""
    lowest = int(np.argmin(losses))
    level = losses[0] - FALLEN * (losses[0] - losses[lowest])
    return next(place for place, loss in enumerate(losses) if loss <= level)


def augmented_batches(plan: TrainingPlan, epochs: int = 4, most: int = 8) -> list[Array]:
    """Return the first images of a training as they are, and as the network gets them in each epoch.

    The first epoch's are those of the training's first batch, to the bit, with the same seed. In later epochs the
    network gets other images first; here are the same ones, as they may come then.

    Args:
        plan: what to train on and how.
        epochs: how many.
        most: how many images.

    Returns:
        ``1 + epochs`` arrays ``(k, h, w)``, pixels in 0..255: uint8 as they are, float32 as they come.
    """
    recipe = resolved(plan.recipe)
    data = on_device(plan.images, plan.labels, torch.device("cpu"), int(plan.labels.max()) + 1, "training", plan.rows)
    generators = Generators(torch.Generator().manual_seed(plan.seed + 1), torch.Generator().manual_seed(plan.seed + 2))
    batcher = make_batcher(data.images, data.image_shape, torch.float32, recipe, generators)
    rows = data.order(plan.seed, 1)[: recipe.batch_size]
    labels = data.labels.index_select(0, rows)
    scale = pixel_scale(recipe.pixels)
    places = rows[:most].numpy()
    places = places if plan.rows is None else plan.rows[places]
    shown = [np.array(next(pieces(plan.images, most, places)))]
    for epoch in range(1, epochs + 1):
        inputs, _ = batcher(rows, labels, epoch)
        shown.append(inputs[:most].numpy() / scale)
    return shown
