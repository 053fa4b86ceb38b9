"""Several seeds of one recipe: training luck, told apart from sampling error."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.errors import UsageError
from fittingroom.judging.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Seeds:
    """The accuracies of one recipe over seeds, on the same samples.

    Attributes:
        accuracies: one a seed.
        n: samples each was judged on.
        mean: over the seeds.
        sd: over the seeds, of a sample; None for one seed.
        sampling_interval: 95 % of the mean as one proportion of n samples.
    """

    accuracies: tuple[float, ...]
    n: int
    mean: float
    sd: float | None
    sampling_interval: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.sampling_interval
        if self.sd is None:
            return f"mean {self.mean:.4f}, one seed: training luck is not known without more of them."
        return (
            f"mean {self.mean:.4f} over {len(self.accuracies)} seeds. Training luck: sd {self.sd:.4f}, from "
            f"{min(self.accuracies):.4f} to {max(self.accuracies):.4f}; training again with another seed moves the "
            f"score by that. Sampling error: {low:.4f} to {high:.4f} (95 %); another draw of {self.n:,} images moves "
            "it by that, and more seeds do not make it smaller."
        )


def over_seeds(accuracies: Sequence[float], n: int) -> Seeds:
    """Return mean, spread and sampling error of one recipe's accuracies.

    Args:
        accuracies: one a seed, at least one.
        n: samples each was judged on, the same ones.

    Raises:
        UsageError: no accuracy, or one outside 0..1.

    Example:
        >>> over_seeds([0.86, 0.88], 10_000).mean
        0.87
    """
    values = tuple(float(value) for value in accuracies)
    if not values or not all(0 <= value <= 1 for value in values):
        raise UsageError(f"Expected accuracies from 0 to 1, one a seed, received {list(values)}.")
    mean = statistics.fmean(values)
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Seeds(values, n, mean, sd, wilson_interval(round(mean * n), n))
