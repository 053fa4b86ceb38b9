"""Calibration: of the answers given with 80 % confidence, are 80 % right?

The confidence of an answer is its largest probability. Bins are of equal width, each open below and closed above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from fittingroom.arrays import Array
from fittingroom.judging.bootstrap import Interval, basic_interval
from fittingroom.judging.intervals import wilson_interval

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers of one range of confidence.

    Attributes:
        low: of the range, not in it (0 is).
        high: of the range, in it.
        n: answers.
        confidence: their mean; None where n is 0.
        accuracy: share of them that is right; None where n is 0.
        accuracy_interval: Wilson 95 %; None where n is 0.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None


@dataclass(frozen=True)
class Calibration:
    """How far confidence is from accuracy.

    Attributes:
        bins: how many, of equal width over 0 to 1.
        error: expected calibration error: the mean gap over the answers, each bin's |confidence - accuracy|.
        error_interval: basic bootstrap 95 %, which allows for the chance gaps that every bin has; None if not asked.
        rms_error: root of the mean squared gap.
        rms_error_debiased: the same less what chance alone gives; 0 where chance explains it all.
        squared_error_debiased: its square before the root, below 0 where the gaps are smaller than chance gives.
        confidence: mean over all answers; above the accuracy where the model is too sure.
        curve: the bins, for the reliability curve.

    Source: C. Guo and others, arXiv 1706.04599; de-biased: A. Kumar and others, arXiv 1909.10155.
    """

    bins: int
    error: float
    error_interval: Interval | None
    rms_error: float
    rms_error_debiased: float
    squared_error_debiased: float
    confidence: float
    curve: tuple[ReliabilityBin, ...]


def calibration_columns(
    confidence: Float64[Array, " n"] | Float32[Array, " n"], right: Bool[Array, " n"], bins: int = BINS
) -> Float64[Array, "n k"]:
    """Return what to sum over samples: for each bin its count, its confidences, its right answers; ``k`` is 3 bins.

    Example:
        >>> calibration_columns(np.array([0.7]), np.array([True]), bins=2)
        array([[0. , 1. , 0. , 0.7, 0. , 1. ]])
    """
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    member = np.searchsorted(edges, confidence)[:, None] == np.arange(bins)
    return np.hstack([member * 1.0, member * confidence[:, None].astype(np.float64), member * right[:, None]])


def calibration(sums: Float64[Array, " k"], drawn: Float64[Array, "resamples k"] | None = None) -> Calibration:
    """Return the calibration from the sums of `calibration_columns`.

    Args:
        sums: over all samples.
        drawn: over resamples, for the interval; None for none.

    Example:
        >>> columns = calibration_columns(np.array([0.75, 0.75, 0.75, 0.75]), np.array([True, True, True, False]))
        >>> calibration(columns.sum(axis=0)).error
        0.0
    """
    n, confidence, hits = sums.reshape(3, -1)
    used = n > 0
    gaps = (confidence[used] - hits[used]) / n[used]
    share, accuracy = n[used] / n.sum(), hits[used] / n[used]
    chance = accuracy * (1 - accuracy) / np.maximum(n[used] - 1, 1)
    error, squared = float(share @ np.abs(gaps)), float(share @ (gaps**2 - chance))
    return Calibration(
        bins=len(n),
        error=error,
        error_interval=None if drawn is None else basic_interval(error, _errors(drawn)),
        rms_error=math.sqrt(float(share @ gaps**2)),
        rms_error_debiased=math.sqrt(max(0.0, squared)),
        squared_error_debiased=squared,
        confidence=float(confidence.sum() / n.sum()),
        curve=tuple(_bin(index, len(n), *row) for index, row in enumerate(sums.reshape(3, -1).T.tolist())),
    )


def _errors(sums: Float64[Array, "resamples k"]) -> Float64[Array, " resamples"]:
    """Return the expected calibration error of each row: the sizes of the bins cancel."""
    n, confidence, hits = np.split(sums, 3, axis=1)
    return np.asarray(np.abs(confidence - hits).sum(axis=1) / n.sum(axis=1))


def _bin(index: int, bins: int, n: float, confidence: float, hits: float) -> ReliabilityBin:
    low, high = index / bins, (index + 1) / bins
    if not n:
        return ReliabilityBin(low, high, 0, None, None, None)
    return ReliabilityBin(low, high, int(n), confidence / n, hits / n, wilson_interval(int(hits), int(n)))
