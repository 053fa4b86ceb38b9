"""How far a score could be off by the luck of which images were drawn."""

from __future__ import annotations

import math
import statistics
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Int64

from fittingroom.arrays import Array, Labels
from fittingroom.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Args:
        successes: how many were right, in ``0..n``.
        n: how many there were, at least 1.
        confidence: of the two-sided interval, in (0, 1).

    Returns:
        ``(low, high)``, fractions in [0, 1].

    Raises:
        UsageError: ``n`` below 1, or ``successes`` outside ``0..n``.

    Example:
        >>> low, high = wilson_interval(8683, 10_000)
        >>> f"{low:.4f} {high:.4f}"
        '0.8615 0.8748'

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UsageError(f"An interval needs 0 <= successes <= n and n >= 1, received {successes} of {n}.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


RESAMPLES = 1000
CONFIDENCE = 0.95
_CELLS = 4_000_000  # of the matrix of counts held at once: 32 MB

Interval = tuple[float, float]


def resampled_sums(
    labels: Labels, values: Float64[Array, "n k"], resamples: int = RESAMPLES, seed: int = 0
) -> Float64[Array, "resamples k"]:
    """Return the sums of values over resamples, each with as many samples of every class as there are.

    Args:
        labels: the strata, whole numbers ``(n,)``.
        values: what is summed, a column a quantity.
        resamples: how many.
        seed: of the draws, so that the same predictions give the same intervals.

    Raises:
        UsageError: fewer than one resample.

    Example:
        >>> resampled_sums(np.array([0, 0, 1]), np.array([[1.0], [1.0], [5.0]]), 2)
        array([[7.], [7.]])
    """
    return np.concatenate([counts @ values for counts in resample_counts(labels, resamples, seed)])


def resample_counts(labels: Labels, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Float64[Array, "rows n"]]:
    """Yield how often each sample is in a resample, some resamples at a time, so that memory stays bounded.

    Args:
        labels: the strata, whole numbers ``(n,)``: each class is drawn as often as it is there.
        resamples: how many in all.
        seed: of the draws.

    Raises:
        UsageError: fewer than one resample.

    Example:
        >>> [counts.sum(axis=1).tolist() for counts in resample_counts(np.array([0, 0, 1]), 2)]
        [[3.0, 3.0]]
    """
    if resamples < 1:
        raise UsageError(f"resamples: expected at least 1, received {resamples}.")
    generator, n = np.random.default_rng(seed), len(labels)
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    starts, spans = (np.cumsum(sizes) - sizes)[labels[order]], sizes[labels[order]]
    at_once = max(1, _CELLS // n)
    for begin in range(0, resamples, at_once):
        rows = min(at_once, resamples - begin)
        drawn = starts + (generator.random((rows, n)) * spans).astype(np.int64)
        counts = np.empty((rows, n))
        counts[:, order] = weighed_counts(drawn, None, n)
        yield counts


def weighed_counts(
    cells: Int64[Array, "rows n"] | Int64[Array, " n"], weights: Float64[Array, "rows n"] | None, size: int
) -> Float64[Array, "rows size"]:
    """Return how much weight falls into each cell, a row at a time.

    Args:
        cells: of each sample, from 0 and below ``size``; one row for all where there is no other.
        weights: of each sample; None for 1 each.
        size: how many cells there are.

    Example:
        >>> weighed_counts(np.array([0, 1, 1]), np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 5.0]]), 2)
        array([[1., 2.],
               [2., 5.]])
    """
    rows = len(cells) if weights is None else len(weights)
    places = (cells + size * np.arange(rows)[:, None]).ravel()
    found = np.bincount(places, None if weights is None else weights.ravel(), rows * size)
    return np.asarray(found.reshape(rows, size), np.float64)


def percentile_interval(drawn: Float64[Array, " resamples"], confidence: float = CONFIDENCE) -> Interval | None:
    """Return the middle of the resampled values; those that are not defined (NaN) are left out, None if all are.

    Example:
        >>> percentile_interval(np.arange(101.0), confidence=0.5)
        (25.0, 75.0)
    """
    known = drawn[~np.isnan(drawn)]
    if not known.size:
        return None
    low, high = np.quantile(known, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def basic_interval(estimate: float, drawn: Float64[Array, " resamples"], confidence: float = CONFIDENCE) -> Interval:
    """Return the interval mirrored at the estimate, from 0 up: for a score that resampling makes larger by itself.

    Example:
        >>> basic_interval(10.0, np.arange(10.0, 15.0), confidence=0.5)
        (7.0, 9.0)

    Source: A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application (1997), section 5.2.
    """
    low, high = np.quantile(drawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return max(0.0, 2 * estimate - float(high)), max(0.0, 2 * estimate - float(low))


def student_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Return Student's interval of the mean of a few independent values; None for fewer than two.

    Args:
        values: one a seed, say.
        confidence: of the two-sided interval, in (0, 1).

    Example:
        >>> low, high = student_interval([0.86, 0.87, 0.88])
        >>> f"{low:.4f} {high:.4f}"
        '0.8452 0.8948'

    Source: Student, Biometrika 6 (1908), 1-25.
    """
    if len(values) < 2:
        return None
    mean, sd = statistics.fmean(values), statistics.stdev(values)
    half = student_quantile(len(values) - 1, confidence) * sd / math.sqrt(len(values))
    return mean - half, mean + half


def student_quantile(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return the t that a variable of Student's distribution stays within, on both sides of 0, with this probability.

    Args:
        freedom: degrees of freedom, at least 1.
        confidence: the probability, in (0, 1).

    Example:
        >>> round(student_quantile(4), 3)
        2.776

    Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # halvings: below what a float tells apart
        middle = (low + high) / 2
        low, high = (middle, high) if _student_within(middle, freedom) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def student_tail(t: float, freedom: int) -> float:
    """Return the probability that a variable of Student's distribution is at least t.

    Args:
        t: any number, infinite ones too.
        freedom: degrees of freedom, at least 1.

    Example:
        >>> round(student_tail(2.776, 4), 3)
        0.025
    """
    within = _student_within(math.atan(abs(t) / math.sqrt(freedom)), freedom)
    return (1 - within) / 2 if t >= 0 else (1 + within) / 2


def _student_within(angle: float, freedom: int) -> float:
    """Return the probability that ``|t| < sqrt(freedom) * tan(angle)``."""
    is_odd, total = freedom % 2, 0.0
    term = math.cos(angle) if is_odd else 1.0
    for power in range(is_odd, freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * math.cos(angle) ** 2
    within = math.sin(angle) * total
    return 2 / math.pi * (angle + within) if is_odd else within
