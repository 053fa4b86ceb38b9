"""A verdict as a person reads it: each class, the scores with their intervals, what stands beside them, the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fittingroom.cli.output import emit, say, table
from fittingroom.judging import beside, check_gates, warning

if TYPE_CHECKING:
    from fittingroom.judging import Gate, Verdict

FailUnder = Annotated[
    tuple[str, ...],
    Parameter(
        name="--fail-under",
        help="Exit with 1 where a score is lower: accuracy=0.88, recall.Shirt=0.6; can be given again.",
    ),
]
MOSTLY = 0.9  # of the samples, for the line about declining the rest


def show(verdict: Verdict, title: str, dataset: str, fingerprint: str) -> None:
    """Print a verdict.

    Args:
        verdict: to print.
        title: what was judged: "Test", "Validation", a file.
        dataset: its name; decides what stands beside the score.
        fingerprint: of the data, or "" where it is not known.
    """
    emit(_class_table(verdict))
    emit("\n" + table(["score", "value", "95 %"], _rows(verdict)))
    if verdict.most_confused:
        pair = verdict.most_confused[0]
        emit(f"\nMost confused: {pair.true} taken for {pair.predicted}, {pair.count} times ({pair.share:.1%}).")
    data = f", data {fingerprint}" if fingerprint else ""
    emit(f"\n{title} {verdict}{data}")
    if beside(dataset):
        emit(beside(dataset))
    if doubt := warning(verdict.accuracy, dataset):
        say(doubt)


def gates_passed(verdict: Verdict, gates: tuple[Gate, ...]) -> bool:
    """Print on stderr why a verdict fails its gates, if it does, and say whether it passes."""
    reasons = check_gates(verdict, gates)
    for reason in reasons:
        say(f"fittingroom: {reason}")
    return not reasons


def _class_table(verdict: Verdict) -> str:
    rows = [
        (score.name, score.n, *(_share(value) for value in (score.recall, score.precision, score.f1)))
        for score in verdict.classes
    ]
    return table(["class", "n", "recall", "precision", "F1"], rows)


def _rows(verdict: Verdict) -> list[tuple[str, ...]]:
    gap = verdict.calibration
    answered = min((point for point in verdict.risk_coverage if point.coverage >= MOSTLY), key=lambda one: one.n)
    return [
        ("accuracy", f"{verdict.accuracy:.4f}", _interval(verdict.accuracy_interval)),
        ("top-2 accuracy", f"{verdict.top_2_accuracy:.4f}", _interval(verdict.top_2_interval)),
        ("log loss", f"{verdict.log_loss:.4f}", _interval(verdict.log_loss_interval)),
        ("Brier score", f"{verdict.brier_score:.4f}", _interval(verdict.brier_interval)),
        (f"calibration error, {gap.bins} bins", f"{gap.error:.4f}", _interval(gap.error_interval)),
        ("the same, root mean square, de-biased", f"{gap.rms_error_debiased:.4f}", ""),
        (
            f"accuracy on the surest {answered.coverage:.0%}",
            f"{answered.accuracy:.4f}",
            _interval(answered.accuracy_interval),
        ),
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"
