"""The networks that speed is measured on, and what each contender is asked to do with them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Bar:
    """A ratio that is to be held.

    Attributes:
        rival: the contender divided by.
        at_most: the ratio of ours to the rival's.
        what: what is divided.
    """

    rival: str
    at_most: float
    what: str = "epoch"


@dataclass(frozen=True)
class Job:
    """One network, trained for a few epochs by every contender.

    Attributes:
        model: an architecture's name.
        recipe: batch size and optimiser, the same for all.
        bars: ratios to hold.
        epochs: of each process; the first, with its tracing and warming up, is left out.
    """

    model: str
    recipe: Recipe
    bars: tuple[Bar, ...]
    epochs: int


JOBS: Mapping[str, Job] = MappingProxyType(
    {
        "walkthrough": Job(
            "walkthrough",
            Recipe(optimizer="rmsprop", batch_size=128),
            (Bar("keras-fit", 0.25), Bar("plain-torch", 0.85), Bar("floor", 3.0)),
            epochs=4,
        ),
        "thin-conv": Job(
            "thin-conv",
            Recipe(optimizer="adam", batch_size=256),
            (Bar("plain-torch", 1.05), Bar("keras-fit", 0.66)),
            epochs=2,
        ),
    }
)

WHOLE_OURS = "fittingroom-train"
WHOLE_BARS = (Bar("keras-script-tensorflow", 0.55, "time"), Bar("keras-script-tensorflow", 0.6, "peak memory"))
