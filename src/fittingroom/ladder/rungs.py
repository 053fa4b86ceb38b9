"""The rungs: what each is to reach, in how long, and with how many seeds it is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One row of the ladder; its recipe is the file of its name in `fittingroom.recipes`.

    Attributes:
        name: of the rung and of its recipe.
        accuracy: on the test set that the mean over the seeds is to reach, without averaging over views.
        at_most_seconds: of training on two AVX2 cores, or None for any time.
        seeds: how many; they are 0, 1, 2 and so on.
        at_most_parameters: of the network, or None for any number.
    """

    name: str
    accuracy: float
    at_most_seconds: float | None
    seeds: int = 5
    at_most_parameters: int | None = None


RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung("walkthrough", 0.862, 3.0, seeds=10),
        Rung("90", 0.90, 8.0),
        Rung("92", 0.92, 30.0),
        Rung("93", 0.93, 90.0),
        Rung("94", 0.94, 360.0),
        Rung("95", 0.95, 3600.0, seeds=1),
        Rung("small", 0.94, None, seeds=1, at_most_parameters=100_000),
        Rung("best", 0.9555, None, seeds=1, at_most_parameters=300_000),
    )
}
