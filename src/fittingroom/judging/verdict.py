"""A verdict: what a set of predictions is worth, as plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import DataError
from fittingroom.judging.intervals import wilson_interval
from fittingroom.judging.scores import check_predictions, confusion_matrix, log_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.arrays import Array


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
    """

    name: str
    n: int
    predicted: int
    recall: float | None
    recall_interval: tuple[float, float] | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True)
class Verdict:
    """What a set of predictions is worth.

    Attributes:
        n: samples judged.
        accuracy: share of samples whose most probable class is the true one.
        accuracy_interval: Wilson 95 %, ``(low, high)``.
        log_loss: mean negative log-likelihood, nats.
        classes: one score a class, in label order.
        confusion: counts by ``(true, predicted)``.
    """

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    log_loss: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        low, high = self.accuracy_interval
        return f"accuracy {self.accuracy:.4f} (95 % {low:.4f} to {high:.4f}, n = {self.n:,})"


def judge(labels: object, probabilities: object, class_names: Sequence[str]) -> Verdict:
    """Judge predictions, whoever made them.

    Args:
        labels: true classes, whole numbers ``(n,)``.
        probabilities: floats ``(n, classes)``, rows summing to 1. Of equal maxima the first counts.
        class_names: one name a column.

    Raises:
        DataError: see `check_predictions`; or another number of names than columns.

    Example:
        >>> verdict = judge(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), ["cat", "dog"])
        >>> verdict.accuracy, verdict.classes[1].recall
        (1.0, 1.0)
    """
    checked, matrix = check_predictions(labels, probabilities)
    if matrix.shape[1] != len(class_names):
        raise DataError(f"Expected a name for each of {matrix.shape[1]} classes, received {len(class_names)} names.")
    confusion = confusion_matrix(checked, matrix.argmax(axis=1), len(class_names))
    right = int(np.trace(confusion))
    return Verdict(
        n=len(checked),
        accuracy=right / len(checked),
        accuracy_interval=wilson_interval(right, len(checked)),
        log_loss=log_loss(checked, matrix),
        classes=tuple(_class_score(name, index, confusion) for index, name in enumerate(class_names)),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def _class_score(name: str, index: int, confusion: Array) -> ClassScore:
    hits = int(confusion[index, index])
    n, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
    return ClassScore(
        name=name,
        n=n,
        predicted=predicted,
        recall=hits / n if n else None,
        recall_interval=wilson_interval(hits, n) if n else None,
        precision=hits / predicted if predicted else None,
        f1=2 * hits / (n + predicted) if n + predicted else None,
    )
