"""Risk and coverage: how right a model is where it may decline the samples it is least certain of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from fittingroom.arrays import Array
from fittingroom.judging.intervals import wilson_interval

COVERAGES = tuple(step / 20 for step in range(20, 0, -1))


@dataclass(frozen=True)
class RiskCoverage:
    """One point: what is answered, and how much of it is right.

    Attributes:
        coverage: share of samples answered, at least what was asked for; samples of equal confidence go together.
        n: how many that is.
        threshold: the lowest confidence that is answered.
        accuracy: of what is answered; the risk is 1 less this.
        accuracy_interval: Wilson 95 %.
    """

    coverage: float
    n: int
    threshold: float
    accuracy: float
    accuracy_interval: tuple[float, float]


def risk_coverage(
    confidence: Float64[Array, " n"] | Float32[Array, " n"],
    right: Bool[Array, " n"],
    coverages: tuple[float, ...] = COVERAGES,
) -> tuple[RiskCoverage, ...]:
    """Return the curve from answering everything down to answering only the surest.

    Args:
        confidence: of each answer: the largest probability.
        right: whether each answer is the true class.
        coverages: shares of samples to answer at least, in (0, 1].

    Example:
        >>> curve = risk_coverage(np.array([0.9, 0.8, 0.6, 0.5]), np.array([True, True, True, False]), (1.0, 0.5))
        >>> [(point.coverage, point.accuracy) for point in curve]
        [(1.0, 0.75), (0.5, 1.0)]

    Source: Y. Geifman and R. El-Yaniv, arXiv 1705.08500.
    """
    ranked = np.sort(confidence)[::-1]
    points = []
    for coverage in coverages:
        threshold = ranked[max(1, int(np.ceil(coverage * len(ranked) - 1e-9))) - 1]
        answered = confidence >= threshold
        n, hits = int(answered.sum()), int(right[answered].sum())
        points.append(RiskCoverage(n / len(ranked), n, float(threshold), hits / n, wilson_interval(hits, n)))
    return tuple(points)


def area_under_risk(confidence: Float64[Array, " n"] | Float32[Array, " n"], right: Bool[Array, " n"]) -> float:
    """Return the mean risk over all coverages 1/n to 1: small where the mistakes are the answers least certain.

    Samples of equal confidence share their mistakes evenly, so their order does not matter.

    Example:
        >>> area_under_risk(np.array([0.9, 0.8]), np.array([True, False]))
        0.25
    """
    _, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    wrong = np.bincount(group, weights=~right) / sizes
    risks = np.cumsum(np.repeat(wrong, sizes)) / np.arange(1, len(right) + 1)
    return float(risks.mean())
