"""A verdict: what a set of predictions is worth, as plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import check_whole
from fittingroom.errors import DataError
from fittingroom.judging.calibration import Calibration, calibration, calibration_columns
from fittingroom.judging.intervals import RESAMPLES, Interval, percentile_interval, resampled_sums, wilson_interval
from fittingroom.judging.scores import (
    ClassScore,
    ConfusedPair,
    RiskCoverage,
    area_under_risk,
    class_columns,
    class_scores,
    confusion_matrix,
    in_top,
    losses,
    most_confused,
    risk_coverage,
    squared_errors,
)
from fittingroom.judging.validation import check_names, check_predictions, hard_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.arrays import Array

PAIRS = 10


@dataclass(frozen=True)
class Verdict:
    """What a set of predictions is worth.

    Intervals are 95 %: Wilson's for shares of samples or of a class, else from a bootstrap that draws every class as
    often as it is there (`judging.bootstrap`), None where none was asked for. Where only classes were judged, what
    needs probabilities is None or empty.

    Attributes:
        n: samples judged.
        accuracy: share of samples whose most probable class is the true one.
        accuracy_interval: Wilson 95 %, ``(low, high)``.
        log_loss: mean negative log-likelihood, nats.
        classes: one score a class, in label order.
        confusion: counts by ``(true, predicted)``.
        log_loss_interval: bootstrap.
        top_2_accuracy: share of samples whose true class is among the two most probable.
        top_2_interval: bootstrap.
        brier_score: mean squared distance of the probabilities from the truth, 0 to 2.
        brier_interval: bootstrap.
        calibration: how far confidence is from accuracy, and the reliability curve.
        risk_coverage: accuracy where the least certain samples may be declined.
        area_under_risk: mean risk over all coverages.
        most_confused: the ten most frequent confusions.
        resamples: of the bootstrap.
    """

    n: int
    accuracy: float
    accuracy_interval: Interval
    log_loss: float | None
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    log_loss_interval: Interval | None
    top_2_accuracy: float | None
    top_2_interval: Interval | None
    brier_score: float | None
    brier_interval: Interval | None
    calibration: Calibration | None
    risk_coverage: tuple[RiskCoverage, ...]
    area_under_risk: float | None
    most_confused: tuple[ConfusedPair, ...]
    resamples: int

    @property
    def calibrated(self) -> Calibration:
        """The calibration, for who needs one.

        Raises:
            DataError: only classes were judged.
        """
        if self.calibration is None:
            raise DataError("Calibration needs probabilities; these predictions are classes alone.")
        return self.calibration

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        low, high = self.accuracy_interval
        return f"accuracy {self.accuracy:.4f} (95 % {low:.4f} to {high:.4f}, n = {self.n:,})"


def judge(labels: object, probabilities: object, class_names: Sequence[str], *, resamples: int = RESAMPLES) -> Verdict:
    """Judge predictions, whoever made them.

    Args:
        labels: true classes, whole numbers ``(n,)``.
        probabilities: floats ``(n, classes)``, rows summing to 1. Of equal maxima the first counts. Or predicted
            classes alone, whole numbers ``(n,)``: what needs probabilities is left out of the verdict.
        class_names: one name a column.
        resamples: of the bootstrap; 0 leaves its intervals out and is quicker.

    Raises:
        DataError: see `check_predictions` and `check_names`.

    Example:
        >>> verdict = judge(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), ["cat", "dog"])
        >>> verdict.accuracy, verdict.classes[1].recall
        (1.0, 1.0)
    """
    resamples = check_whole(resamples, "resamples", None, None)
    hard = hard_answers(labels, probabilities, len(class_names))
    if hard is not None:
        return _judge_classes(*hard, check_names(class_names, len(class_names)), resamples)
    checked, matrix = check_predictions(labels, probabilities)
    names = check_names(class_names, matrix.shape[1])
    predicted, confidence = matrix.argmax(axis=1), matrix.max(axis=1)
    right, confusion = predicted == checked, confusion_matrix(checked, predicted, len(names))
    parts = (
        np.column_stack([losses(checked, matrix), squared_errors(checked, matrix), in_top(checked, matrix, 2)]),
        calibration_columns(confidence, right),
        class_columns(checked, predicted, len(names)),
    )
    drawn = _drawn(checked, parts, resamples)
    means = parts[0].mean(axis=0)
    spreads = [None if drawn is None else percentile_interval(column / len(checked)) for column in _columns(drawn)]
    return Verdict(
        n=len(checked),
        accuracy=int(right.sum()) / len(checked),
        accuracy_interval=wilson_interval(int(right.sum()), len(checked)),
        log_loss=float(means[0]),
        log_loss_interval=spreads[0],
        brier_score=float(means[1]),
        brier_interval=spreads[1],
        top_2_accuracy=float(means[2]),
        top_2_interval=spreads[2],
        calibration=calibration(parts[1].sum(axis=0), drawn[1] if drawn else None),
        classes=class_scores(confusion, names, drawn[2] if drawn else None),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        risk_coverage=risk_coverage(confidence, right),
        area_under_risk=area_under_risk(confidence, right),
        most_confused=most_confused(confusion, names)[:PAIRS],
        resamples=resamples,
    )


def _judge_classes(labels: Array, predicted: Array, names: tuple[str, ...], resamples: int) -> Verdict:
    """Judge predicted classes that came without probabilities."""
    right, confusion = int((predicted == labels).sum()), confusion_matrix(labels, predicted, len(names))
    drawn = _drawn(labels, (class_columns(labels, predicted, len(names)),), resamples)
    return Verdict(
        n=len(labels),
        accuracy=right / len(labels),
        accuracy_interval=wilson_interval(right, len(labels)),
        log_loss=None,
        log_loss_interval=None,
        brier_score=None,
        brier_interval=None,
        top_2_accuracy=None,
        top_2_interval=None,
        calibration=None,
        classes=class_scores(confusion, names, drawn[0] if drawn else None),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        risk_coverage=(),
        area_under_risk=None,
        most_confused=most_confused(confusion, names)[:PAIRS],
        resamples=resamples,
    )


def _drawn(labels: Array, parts: tuple[Array, ...], resamples: int) -> list[Array] | None:
    """Return each part's columns summed over the same resamples, or None where none are asked for."""
    if not resamples:
        return None
    sums = resampled_sums(labels, np.hstack(parts), resamples)
    return np.split(sums, np.cumsum([part.shape[1] for part in parts])[:-1], axis=1)


def _columns(drawn: list[Array] | None) -> list[Array]:
    return [np.zeros(0)] * 3 if drawn is None else list(drawn[0].T)
