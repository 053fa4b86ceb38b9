"""Scores of predictions: of all, of each class, of what is confused, of what is answered where some may be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from fittingroom.arrays import Array, Labels, Probabilities
from fittingroom.judging.intervals import Interval, percentile_interval, weighed_counts, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_SMALLEST = float(np.finfo(np.float32).tiny)


def losses(labels: Labels, probabilities: Probabilities) -> Float64[Array, " n"]:
    """Return each sample's negative log of the probability given to its true class, in nats.

    Probabilities are floored at the smallest normal float32, so that a certain mistake costs 87 and not infinity.

    Example:
        >>> losses(np.array([0]), np.array([[0.5, 0.5]])).round(4)
        array([0.6931])
    """
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(true, _SMALLEST, 1)))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean of `losses`, in nats: 0 is perfect, log(classes) is what equal shares score.

    Example:
        >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
        0.6931
    """
    return float(losses(labels, probabilities).mean())


def squared_errors(labels: Labels, probabilities: Probabilities) -> Float64[Array, " n"]:
    """Return each sample's squared distance from its true class: 0 is perfect, 2 is sure and wrong.

    Their mean is the Brier score.

    Example:
        >>> squared_errors(np.array([0]), np.array([[0.5, 0.5]]))
        array([0.5])

    Source: G. W. Brier, Monthly Weather Review 78 (1950), 1-3.
    """
    rows = probabilities.astype(np.float64)
    true = rows[np.arange(len(labels)), labels]
    return np.asarray((rows**2).sum(axis=1) - true**2 + (1 - true) ** 2)


def in_top(labels: Labels, probabilities: Probabilities, k: int) -> Bool[Array, " n"]:
    """Say of each sample whether its true class is among the k most probable; of equal ones the first count.

    Example:
        >>> in_top(np.array([1, 2]), np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]), 2)
        array([ True, False])
    """
    true = probabilities[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(probabilities.shape[1]) < np.asarray(labels)[:, None]
    before = (probabilities > true) | ((probabilities == true) & earlier)
    return np.asarray(before.sum(axis=1) < k)


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> Int64[Array, "c c"]:
    """Return the counts by ``(true, predicted)``.

    Example:
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class.

    Attributes:
        name: the class.
        n: how many samples truly belong to it.
        predicted: how many samples were given to it.
        recall: share of its own samples that were found; None where ``n`` is 0.
        recall_interval: Wilson 95 %, or None.
        precision: share of what was given to it that belongs there; None where ``predicted`` is 0.
        f1: harmonic mean of the two, ``2 hits / (n + predicted)``; None where both counts are 0.
        precision_interval: stratified bootstrap 95 %; None where there is no precision, or none was asked for.
        f1_interval: the same, of F1.
    """

    name: str
    n: int
    predicted: int
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    f1: float | None
    precision_interval: Interval | None = None
    f1_interval: Interval | None = None


Sums: TypeAlias = "Callable[[Array], Array]"  # from how often each sample counts (rows, n) to sums (rows, k)


def class_sums(labels: Labels, predicted: Labels, classes: int) -> Sums:
    """Return what sums, for each class, what was given to it, and then what of that belongs: ``(rows, 2 c)``.

    Args:
        labels: true classes ``(n,)``.
        predicted: given ones ``(n,)``.
        classes: how many there are.

    Example:
        >>> sums = class_sums(np.array([0, 1]), np.array([0, 0]), 2)
        >>> sums(np.array([[1.0, 1.0], [1.0, 3.0]]))
        array([[2., 0., 1., 0.],
               [4., 0., 1., 0.]])
    """
    cells = np.asarray(predicted, np.int64) * 2 + (np.asarray(labels) == predicted)

    def sums(counts: Array) -> Array:
        found = weighed_counts(cells, counts, 2 * classes).reshape(len(counts), classes, 2)
        return np.hstack([found.sum(axis=2), found[:, :, 1]])

    return sums


def class_scores(
    confusion: Int64[Array, "c c"], class_names: Sequence[str], drawn: Float64[Array, "resamples k"] | None = None
) -> tuple[ClassScore, ...]:
    """Return one score a class, in label order.

    Args:
        confusion: counts by ``(true, predicted)``.
        class_names: by label.
        drawn: of `class_sums` over resamples, for the intervals; None for none.
    """
    return tuple(_score(name, index, confusion, drawn) for index, name in enumerate(class_names))


def _score(name: str, index: int, confusion: Array, drawn: Array | None) -> ClassScore:
    hits = int(confusion[index, index])
    n, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
    intervals = (None, None) if drawn is None else _intervals(n, drawn[:, index], drawn[:, len(confusion) + index])
    return ClassScore(
        name=name,
        n=n,
        predicted=predicted,
        recall=hits / n if n else None,
        recall_interval=wilson_interval(hits, n) if n else None,
        precision=hits / predicted if predicted else None,
        f1=2 * hits / (n + predicted) if n + predicted else None,
        precision_interval=intervals[0] if predicted else None,
        f1_interval=intervals[1] if n + predicted else None,
    )


def _intervals(n: int, given: Array, hits: Array) -> tuple[Interval | None, Interval | None]:
    undefined = np.full(len(given), np.nan)
    precision = np.divide(hits, given, out=undefined.copy(), where=given > 0)
    f1 = np.divide(2 * hits, n + given, out=undefined, where=n + given > 0)
    return percentile_interval(precision), percentile_interval(f1)


@dataclass(frozen=True)
class ConfusedPair:
    """One class taken for another.

    Attributes:
        true: the class that it is.
        predicted: the class predicted.
        count: how often.
        share: of all samples of the true class, in (0, 1].
    """

    true: str
    predicted: str
    count: int
    share: float


def most_confused(
    confusion: Int64[Array, "c c"], class_names: Sequence[str], min_count: int = 1
) -> tuple[ConfusedPair, ...]:
    """Return the pairs of classes that are confused, the most frequent first; of equal ones in label order.

    Args:
        confusion: counts by ``(true, predicted)``.
        class_names: by label.
        min_count: leaves out pairs confused less often.

    Example:
        >>> most_confused(np.array([[8, 2], [1, 9]]), ["cat", "dog"])[0]
        ConfusedPair(true='cat', predicted='dog', count=2, share=0.2)
    """
    counts = np.array(confusion, np.int64)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")
    pairs = [(int(flat) // len(counts), int(flat) % len(counts)) for flat in order]
    return tuple(
        ConfusedPair(
            class_names[true],
            class_names[predicted],
            int(counts[true, predicted]),
            float(counts[true, predicted] / total),
        )
        for true, predicted in pairs
        if counts[true, predicted] >= max(1, min_count) and (total := totals[true])
    )


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
    """Return the curve from answering everything down to answering only the most confident.

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
