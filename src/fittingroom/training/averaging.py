"""Averages of the weights over the steps: a running average to use at the end, or to go on from."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fittingroom.training.recipe import Recipe


@dataclass(frozen=True)
class Averaging:
    """A running average of the weights.

    Attributes:
        state: tensors by name; saved in a checkpoint.
        after_step: called with the step, counted from 1, after each update.
        use: whether the average, not the weights themselves, is what is evaluated and kept.
    """

    state: Mapping[str, Tensor]
    after_step: Callable[[int], None] | None
    use: bool


def make_averaging(weights: Tensor, recipe: Recipe) -> Averaging:
    """Return the recipe's averaging of a vector of weights.

    ``ema``: average = decay * average + (1 - decay) * weights. ``lookahead``: the same, and then the weights are set to
    the average (M. Zhang and others, arXiv 1907.08610). The average starts from the first weights.

    Args:
        weights: all parameters, float ``(p,)``.
        recipe: its averaging, averaging_decay and averaging_every.
    """
    if recipe.averaging == "none":
        return Averaging({}, None, use=False)
    average = weights.clone()
    used = resolved(recipe)
    every, share = int(used.averaging_every or 1), 1 - float(used.averaging_decay or 0.0)
    looks_ahead = recipe.averaging == "lookahead"

    def after_step(step: int) -> None:
        if step % every == 0:
            average.lerp_(weights, share)
            if looks_ahead:
                weights.copy_(average)

    return Averaging({"average": average}, after_step, use=not looks_ahead)


@contextmanager
def averaged(weights: Tensor, averaging: Averaging) -> Iterator[None]:
    """Put the average in the weights' place for as long as the block lasts, where it is to be used."""
    if not averaging.use:
        yield
        return
    own = weights.clone()
    with torch.no_grad():
        weights.copy_(averaging.state["average"])
        try:
            yield
        finally:
            weights.copy_(own)
