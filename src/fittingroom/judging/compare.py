"""Two or more models on the same samples: which is better, and whether that can be told at this size.

The comparison is paired: only the samples on which one is right and the other wrong say anything. With more than two
models every pair is compared, p-values are corrected after Holm, and intervals are widened after Bonferroni.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import UsageError
from fittingroom.judging.intervals import (
    CONFIDENCE,
    RESAMPLES,
    Interval,
    percentile_interval,
    resampled_sums,
    student_interval,
    wilson_interval,
)
from fittingroom.judging.validation import check_predictions
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jaxtyping import Float64


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

    @property
    def mean_interval(self) -> Interval | None:
        """95 % of the mean over other seeds, on these same samples, by Student's t; None for one seed."""
        return student_interval(self.accuracies)

    def __str__(self) -> str:
        low, high = self.sampling_interval
        if self.sd is None:
            return f"mean {self.mean:.4f}, one seed: the variation between seeds is not known without more of them."
        return (
            f"mean {self.mean:.4f} over {counted(len(self.accuracies), 'seed')}. Variation between seeds: sd "
            f"{self.sd:.4f}, from {min(self.accuracies):.4f} to {max(self.accuracies):.4f}; training with another seed "
            f"changes the score by that much. Sampling error: {low:.4f} to {high:.4f} (95 %); another sample of "
            f"{counted(self.n, 'image')} would change it by that much, and more seeds do not make it smaller."
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


LEVEL = 1 - CONFIDENCE


@dataclass(frozen=True)
class Comparison:
    """One model beside another on the same samples.

    Attributes:
        first: a name.
        second: another.
        n: samples.
        accuracy: of the first and of the second.
        only_first: samples on which the first alone is right.
        only_second: samples on which the second alone is right.
        difference: accuracy of the second less that of the first.
        interval: of the difference: paired stratified bootstrap, 95 % over all comparisons made.
        p_value: McNemar's exact test, two-sided.
        adjusted_p_value: corrected after Holm for the number of comparisons.
        comparisons: how many were made.
        better: the name of the better, or None where they cannot be told apart.
    """

    first: str
    second: str
    n: int
    accuracy: tuple[float, float]
    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p_value: float
    adjusted_p_value: float
    comparisons: int
    better: str | None

    def __str__(self) -> str:
        low, high = (100 * edge for edge in self.interval)
        rest = f"n = {self.n:,}, {p_words(self.adjusted_p_value)}"
        if self.better is None:
            return (
                f"{self.first} and {self.second} cannot be told apart at this size: {100 * self.difference:+.2f} "
                f"points (95 % {low:+.2f} to {high:+.2f}), {rest}"
            )
        worse = self.first if self.better == self.second else self.second
        if self.better == self.first:
            low, high = -high, -low
        than = f" than {worse}" if self.comparisons > 1 else ""
        points = f"{100 * abs(self.difference):.2f} points (95 % {low:.2f} to {high:.2f})"
        return f"{self.better} is better{than}: {points}, {rest}"


def p_words(p_value: float) -> str:
    """Return a p-value as it is to be read.

    Example:
        >>> p_words(0.0312), p_words(1e-30)
        ('p = 0.031', 'p < 0.0001')
    """
    return f"p = {p_value:.2g}" if p_value >= 1e-4 else "p < 0.0001"


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Args:
        only_first: samples on which the first alone is right.
        only_second: samples on which the second alone is right.

    Example:
        >>> mcnemar(1, 5), mcnemar(0, 0)
        (0.21875, 1.0)

    Source: Q. McNemar, Psychometrika 12 (1947), 153-157; exact, from the binomial distribution at one half.
    """
    n, count, total = only_first + only_second, 1, 0
    for k in range(min(only_first, only_second) + 1):
        total += count
        count = count * (n - k) // (k + 1)
    return float(min(Fraction(1), Fraction(2 * total, 2**n)))


def holm(p_values: Float64[Array, " m"]) -> Float64[Array, " m"]:
    """Return p-values corrected for their number: the smallest times m, the next times m - 1, never falling.

    Example:
        >>> holm(np.array([0.04, 0.01, 0.03])).round(2).tolist()
        [0.06, 0.03, 0.06]

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def compare(
    labels: object, probabilities: Mapping[str, object], *, resamples: int = RESAMPLES
) -> tuple[Comparison, ...]:
    """Compare models that answered about the same samples, every pair of them.

    Args:
        labels: true classes, whole numbers ``(n,)``.
        probabilities: floats ``(n, classes)`` by the model's name, two or more.
        resamples: of the bootstrap.

    Raises:
        UsageError: fewer than two models.
        DataError: see `check_predictions`.

    Example:
        >>> print(compare([0, 1], {"a": np.eye(2), "b": np.eye(2)})[0])
        a and b cannot be told apart at this size: +0.00 points (95 % +0.00 to +0.00), n = 2, p = 1
    """
    if len(probabilities) < 2:
        raise UsageError(f"A comparison needs two or more models, received {len(probabilities)}.")
    checked = {name: check_predictions(labels, values) for name, values in probabilities.items()}
    true = next(iter(checked.values()))[0]
    right = {name: values.argmax(axis=1) == true for name, (_, values) in checked.items()}
    pairs = list(combinations(right, 2))
    gains = np.column_stack([right[second] * 1.0 - right[first] for first, second in pairs])
    drawn = resampled_sums(true, gains, resamples) / len(true)
    found = [_pair(pair, right, drawn[:, row], len(pairs)) for row, pair in enumerate(pairs)]
    corrected = holm(np.array([each.p_value for each in found]))
    return tuple(_decided(each, float(value)) for each, value in zip(found, corrected, strict=True))


def differing(first: Array, second: Array, labels: Array) -> Array:
    """Return where exactly one of two models is right, the most confident disagreement first, int64 ``(k,)``.

    Args:
        first: probabilities ``(n, classes)``.
        second: probabilities ``(n, classes)``.
        labels: true classes ``(n,)``.
    """
    answers = first.argmax(axis=1), second.argmax(axis=1)
    places = np.flatnonzero((answers[0] == labels) != (answers[1] == labels))
    confidence = np.minimum(first.max(axis=1), second.max(axis=1))[places]
    return np.asarray(places[np.argsort(-confidence, kind="stable")])


def _pair(names: tuple[str, str], right: Mapping[str, Array], drawn: Array, comparisons: int) -> Comparison:
    first, second = (right[name] for name in names)
    only = int((first & ~second).sum()), int((second & ~first).sum())
    interval = percentile_interval(drawn, 1 - LEVEL / comparisons)
    p_value = mcnemar(*only)
    return Comparison(
        *names,
        n=len(first),
        accuracy=(float(first.mean()), float(second.mean())),
        only_first=only[0],
        only_second=only[1],
        difference=(only[1] - only[0]) / len(first),
        interval=interval or (0.0, 0.0),
        p_value=p_value,
        adjusted_p_value=p_value,
        comparisons=comparisons,
        better=None,
    )


def _decided(found: Comparison, p_value: float) -> Comparison:
    """Name the better where test and interval agree that there is one."""
    low, high = found.interval
    told_apart = p_value < LEVEL and (low > 0 or high < 0)
    better = (found.second if found.difference > 0 else found.first) if told_apart else None
    return replace(found, adjusted_p_value=p_value, better=better)
