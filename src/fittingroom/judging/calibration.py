"""Calibration: of the answers given with 80 % confidence, are 80 % right? And the temperature that mends it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Float64

from fittingroom.arrays import Array, Labels, Probabilities
from fittingroom.errors import DataError
from fittingroom.judging.intervals import Interval, basic_interval, weighed_counts, wilson_interval
from fittingroom.judging.scores import Sums, losses

if TYPE_CHECKING:
    from collections.abc import Callable


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


def calibration_sums(
    confidence: Float64[Array, " n"] | Float32[Array, " n"], right: Bool[Array, " n"], bins: int = BINS
) -> Sums:
    """Return what sums, for each bin, its samples, then their confidences, then the right answers: ``(rows, 3 bins)``.

    Args:
        confidence: of each answer, the largest probability.
        right: whether each answer is the true class.
        bins: of equal width over 0 to 1.

    Example:
        >>> calibration_sums(np.array([0.7]), np.array([True]), bins=2)(np.ones((1, 1)))
        array([[0. , 1. , 0. , 0.7, 0. , 1. ]])
    """
    member = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    cells, values = member * 2 + right, confidence.astype(np.float64)

    def sums(counts: Array) -> Array:
        found = weighed_counts(cells, counts, 2 * bins).reshape(len(counts), bins, 2)
        return np.hstack([found.sum(axis=2), weighed_counts(member, counts * values, bins), found[:, :, 1]])

    return sums


def calibration(sums: Float64[Array, " k"], drawn: Float64[Array, "resamples k"] | None = None) -> Calibration:
    """Return the calibration from what `calibration_sums` gives.

    Args:
        sums: over all samples.
        drawn: over resamples, for the interval; None for none.

    Example:
        >>> sums = calibration_sums(np.array([0.75, 0.75, 0.75, 0.75]), np.array([True, True, True, False]))
        >>> calibration(sums(np.ones((1, 4)))[0]).error
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


LOWEST, HIGHEST = 0.05, 20.0
_GAIN = 1e-9  # nats: where no temperature is better by more, the answers stay as they are
_FLOOR = 1e-12  # of a probability: its logarithm is taken
_GOLDEN = (5**0.5 - 1) / 2
_GRID = 41
_STEPS = 32  # each narrows the range by 0.618: to 2e-7 of its width


def tempered(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Return probabilities as confident as a model's record warrants.

    Args:
        probabilities: float ``(n, classes)``.
        temperature: above 1 lowers confidence, below 1 raises it; the order never changes.

    Example:
        >>> tempered(np.array([[0.9, 0.1]], np.float32), 2.0).round(2)
        array([[0.75, 0.25]], dtype=float32)

    Source: C. Guo and others, arXiv 1706.04599.
    """
    if temperature == 1:
        return probabilities
    logs = np.log(np.clip(probabilities.astype(np.float64), _FLOOR, 1)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def fit_temperature(labels: Labels, probabilities: Probabilities) -> float:
    """Return the temperature that gives held-out labels the least log loss, between 0.05 and 20.

    Args:
        labels: true classes of images that the model was not trained on, int ``(n,)``.
        probabilities: float ``(n, classes)``, not tempered.

    Example:
        >>> sure = np.tile(np.float32([0.99, 0.01]), (4, 1))  # right in three of four
        >>> round(fit_temperature(np.array([0, 0, 0, 1]), sure), 2)
        4.18

    Source: C. Guo and others, arXiv 1706.04599.
    """
    right = np.asarray(labels)[:, None] == np.arange(probabilities.shape[1])
    return fit_temperature_to_sets(right, probabilities)


def fit_temperature_to_sets(right: Bool[Array, "n c"], probabilities: Probabilities) -> float:
    """Return the temperature of least log loss where several classes of an image may be right.

    Args:
        right: which classes are, at least one a row.
        probabilities: float ``(n, c)``, not tempered.

    Raises:
        DataError: a row without a right class.
    """
    if not right.any(axis=1).all():
        raise DataError("A temperature needs at least one right class for each image, received an image with none.")
    logits = np.log(np.clip(probabilities.astype(np.float64), _FLOOR, 1))
    own = np.where(right, logits, -np.inf)

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float(np.mean(_log_sum(logits * scale) - _log_sum(own * scale)))

    best = _lowest(loss, np.log(LOWEST), np.log(HIGHEST))
    return float(np.exp(best)) if loss(best) < loss(0.0) - _GAIN else 1.0


def _log_sum(logs: Array) -> Array:
    top = logs.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logs - top).sum(axis=1)))


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function is lowest: the best of a grid, then golden-section search between its neighbours."""
    grid = np.linspace(low, high, _GRID)
    best = int(np.argmin([function(point) for point in grid]))
    low, high = grid[max(0, best - 1)], grid[min(_GRID - 1, best + 1)]
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if function(left) <= function(right) else (left, high)
    return float(low + high) / 2


@dataclass(frozen=True)
class Tempering:
    """What a temperature does to some predictions.

    Attributes:
        temperature: above 1 lowers confidence, below 1 raises it.
        n: samples.
        log_loss: before and after, nats.
        calibration_error: before and after.
        confidence: mean, before and after.
        curve: the reliability curve after.
        bins: of the calibration error.
    """

    temperature: float
    n: int
    log_loss: tuple[float, float]
    calibration_error: tuple[float, float]
    confidence: tuple[float, float]
    curve: tuple[ReliabilityBin, ...]
    bins: int = BINS


def tempering(labels: Labels, probabilities: Probabilities, temperature: float) -> Tempering:
    """Return log loss, calibration error and confidence before and after a temperature; the accuracy never changes.

    Args:
        labels: true classes ``(n,)``.
        probabilities: ``(n, classes)``, not tempered.
        temperature: fitted on other samples than these, or on these: the caller says which.
    """
    versions = (probabilities, tempered(probabilities, temperature))
    before, after = (_calibrated(labels, version) for version in versions)
    loss = tuple(float(losses(labels, version).mean()) for version in versions)
    return Tempering(
        temperature=temperature,
        n=len(labels),
        log_loss=(loss[0], loss[1]),
        calibration_error=(before.error, after.error),
        confidence=(before.confidence, after.confidence),
        curve=after.curve,
    )


def _calibrated(labels: Labels, probabilities: Probabilities) -> Calibration:
    right = probabilities.argmax(axis=1) == labels
    return calibration(calibration_sums(probabilities.max(axis=1), right)(np.ones((1, len(right))))[0])
