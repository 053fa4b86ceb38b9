"""A verdict: what a set of predictions is worth, as plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import check_whole
from fittingroom.errors import DataError, UsageError
from fittingroom.judging.calibration import Calibration, calibration_sums
from fittingroom.judging.calibration import calibration as calibration_of
from fittingroom.judging.conformal import PredictionSets, judge_sets
from fittingroom.judging.intervals import RESAMPLES, Interval, percentile_interval, resample_counts, wilson_interval
from fittingroom.judging.scores import (
    ClassScore,
    ConfusedPair,
    RiskCoverage,
    Sums,
    area_under_risk,
    class_scores,
    class_sums,
    confusion_matrix,
    in_top,
    losses,
    most_confused,
    risk_coverage,
    squared_errors,
)
from fittingroom.judging.validation import check_names, check_predictions, hard_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fittingroom.arrays import Array

PAIRS = 10
AT_ONCE = 50_000  # samples whose scores are computed at a time: bounded memory
MEANS: Mapping[str, Callable[[Array, Array], Array]] = {  # scores that are the mean of one value a sample
    "log_loss": losses,
    "brier_score": squared_errors,
    "top_2_accuracy": lambda labels, probabilities: in_top(labels, probabilities, 2),
}


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
        classes: one score a class, in label order.
        confusion: counts by ``(true, predicted)``.
        most_confused: the ten most frequent confusions.
        resamples: of the bootstrap.
        log_loss: mean negative log-likelihood, nats.
        log_loss_interval: bootstrap.
        top_2_accuracy: share of samples whose true class is among the two most probable.
        top_2_accuracy_interval: bootstrap.
        brier_score: mean squared distance of the probabilities from the truth, 0 to 2.
        brier_score_interval: bootstrap.
        calibration: how far confidence is from accuracy, and the reliability curve.
        risk_coverage: accuracy where the least confident predictions may be left out.
        area_under_risk: mean risk over all coverages.
        prediction_sets: with one threshold for all classes, and with one for each; empty where none were asked for.
    """

    n: int
    accuracy: float
    accuracy_interval: Interval
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    most_confused: tuple[ConfusedPair, ...]
    resamples: int
    log_loss: float | None = None
    log_loss_interval: Interval | None = None
    top_2_accuracy: float | None = None
    top_2_accuracy_interval: Interval | None = None
    brier_score: float | None = None
    brier_score_interval: Interval | None = None
    calibration: Calibration | None = None
    risk_coverage: tuple[RiskCoverage, ...] = ()
    area_under_risk: float | None = None
    prediction_sets: tuple[PredictionSets, ...] = ()

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


def judge(
    labels: object,
    probabilities: object,
    class_names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    coverage: float | None = None,
    calibration: tuple[Any, Any] | None = None,
) -> Verdict:
    """Judge predictions, whoever made them.

    Args:
        labels: true classes, whole numbers ``(n,)``.
        probabilities: floats ``(n, classes)``, rows summing to 1. Of equal maxima the first counts. Or predicted
            classes alone, whole numbers ``(n,)``: what needs probabilities is left out of the verdict.
        class_names: one name a column.
        resamples: of the bootstrap; 0 leaves its intervals out and is quicker.
        coverage: judge prediction sets too, this share of which is to hold the true class; see `judging.conformal`.
        calibration: labels and probabilities of other images, which the same model has not learned from, that these
            sets are calibrated on.

    Raises:
        DataError: see `check_predictions` and `check_names`.
        UsageError: ``coverage`` without ``calibration`` or the other way round, or classes alone for it.

    Example:
        >>> verdict = judge(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), ["cat", "dog"])
        >>> verdict.accuracy, verdict.classes[1].recall
        (1.0, 1.0)
    """
    resamples = check_whole(resamples, "resamples", None, None)
    hard = hard_answers(labels, probabilities, len(class_names))
    if hard is None:
        checked, matrix = check_predictions(labels, probabilities)
        predicted = matrix.argmax(axis=1)
    else:
        (checked, predicted), matrix = hard, None
    names = check_names(class_names, len(class_names) if matrix is None else matrix.shape[1])
    sets = _sets(checked, matrix, names, coverage, calibration)
    right, confusion = predicted == checked, confusion_matrix(checked, predicted, len(names))
    sums = [class_sums(checked, predicted, len(names))]
    confidence = None if matrix is None else matrix.max(axis=1)
    if matrix is not None and confidence is not None:
        sums += [_sums_of_means(checked, matrix), calibration_sums(confidence, right)]
    drawn = _drawn(checked, sums, resamples)
    verdict = Verdict(
        n=len(checked),
        accuracy=int(right.sum()) / len(checked),
        accuracy_interval=wilson_interval(int(right.sum()), len(checked)),
        classes=class_scores(confusion, names, drawn[0] if drawn else None),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        most_confused=most_confused(confusion, names)[:PAIRS],
        resamples=resamples,
    )
    if confidence is None:
        return verdict
    once = np.ones((1, len(checked)))
    return replace(
        verdict,
        **_means(sums[1](once)[0], drawn[1] if drawn else None, len(checked)),
        prediction_sets=sets,
        calibration=calibration_of(sums[2](once)[0], drawn[2] if drawn else None),
        risk_coverage=risk_coverage(confidence, right),
        area_under_risk=area_under_risk(confidence, right),
    )


def _sets(
    labels: Array, probabilities: Array | None, names: tuple[str, ...], coverage: float | None, calibration: Any
) -> tuple[PredictionSets, ...]:
    """Return prediction sets judged, with one threshold and with one a class; none where none are asked for."""
    if coverage is None and calibration is None:
        return ()
    if coverage is None or calibration is None:
        raise UsageError(
            "Prediction sets take both a coverage, such as 0.95, and answers to calibrate on: labels and probabilities "
            "of images that the model has not learned from, other ones than those judged."
        )
    if probabilities is None or hard_answers(*calibration) is not None:
        raise UsageError("Prediction sets need probabilities; these predictions are classes alone.")
    known = check_predictions(*calibration)
    if len(known[0]) == len(labels) and np.array_equal(known[1], probabilities) and np.array_equal(known[0], labels):
        raise UsageError(
            "Expected other images to calibrate prediction sets on than those judged, received the same: on these the "
            "sets hold the true class as often as was asked for whatever the model is worth."
        )
    return tuple(
        judge_sets(labels, probabilities, names, known, coverage, per_class=per_class) for per_class in (False, True)
    )


def _sums_of_means(labels: Array, probabilities: Array) -> Sums:
    """Return what sums the scores of ``MEANS`` over samples."""
    values = np.empty((len(MEANS), len(labels)))
    for start in range(0, len(labels), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        for row, one_each in zip(values, MEANS.values(), strict=True):
            row[part] = one_each(labels[part], probabilities[part])
    return lambda counts: np.asarray(counts @ values.T)


def _means(sums: Array, drawn: Array | None, n: int) -> dict[str, Any]:
    """Return the fields that are means over samples, with their intervals."""
    spreads = [None] * len(MEANS) if drawn is None else [percentile_interval(each / n) for each in drawn.T]
    values = {name: float(total / n) for name, total in zip(MEANS, sums, strict=True)}
    return values | {f"{name}_interval": spread for name, spread in zip(MEANS, spreads, strict=True)}


def score_rows(verdict: Verdict) -> list[tuple[str, float, Interval | None]]:
    """Return every score of all samples: its name in words, its value, and its interval where it has one.

    Example:
        >>> score_rows(judge(np.array([0, 1]), np.array([0, 1]), ["cat", "dog"]))[0][:2]
        ('accuracy', 1.0)
    """
    gap = verdict.calibration
    rows = [
        ("accuracy", verdict.accuracy, verdict.accuracy_interval),
        ("top-2 accuracy", verdict.top_2_accuracy, verdict.top_2_accuracy_interval),
        ("log loss", verdict.log_loss, verdict.log_loss_interval),
        ("Brier score", verdict.brier_score, verdict.brier_score_interval),
        *([(f"calibration error, {gap.bins} bins", gap.error, gap.error_interval)] if gap else []),
        *([("calibration error, root mean square, debiased", gap.rms_error_debiased, None)] if gap else []),
        ("area under the risk-coverage curve", verdict.area_under_risk, None),
    ]
    return [(name, value, interval) for name, value, interval in rows if value is not None]


def _drawn(labels: Array, sums: list[Sums], resamples: int) -> list[Array] | None:
    """Return each kind of sums over the same resamples, ``(resamples, k)``, or None where none are asked for."""
    if not resamples:
        return None
    drawn = [[each(counts) for each in sums] for counts in resample_counts(labels, resamples)]
    return [np.concatenate(each) for each in zip(*drawn, strict=True)]
