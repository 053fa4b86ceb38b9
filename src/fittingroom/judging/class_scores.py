"""What a model is worth on each class: recall, precision, F1, with their counts and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Int64

from fittingroom.arrays import Array, Labels
from fittingroom.judging.bootstrap import Interval, percentile_interval
from fittingroom.judging.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def class_columns(labels: Labels, predicted: Labels, classes: int) -> Float64[Array, "n k"]:
    """Return what to sum over samples: for each class what was given to it, and what of that belongs; ``k`` is 2 c.

    Example:
        >>> class_columns(np.array([0, 1]), np.array([0, 0]), 2)
        array([[1., 0., 1., 0.], [1., 0., 0., 0.]])
    """
    given = np.asarray(predicted)[:, None] == np.arange(classes)
    return np.hstack([given, given & (np.asarray(labels) == predicted)[:, None]]).astype(np.float64)


def class_scores(
    confusion: Int64[Array, "c c"], class_names: Sequence[str], drawn: Float64[Array, "resamples k"] | None = None
) -> tuple[ClassScore, ...]:
    """Return one score a class, in label order.

    Args:
        confusion: counts by ``(true, predicted)``.
        class_names: by label.
        drawn: `class_columns` summed over resamples, for the intervals; None for none.
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
