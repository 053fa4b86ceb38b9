"""A verdict as a person reads it: each class, the scores with their intervals, what stands beside them, the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from fittingroom.cli.formats import written_table
from fittingroom.cli.output import emit, log, table
from fittingroom.judging import check_gates, references_for, references_line, score_rows, too_good_warning
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.judging import PredictionSets, QualityGate, Verdict


FailUnder = Annotated[
    tuple[str, ...],
    Parameter(
        name="--fail-under",
        help="Exit with 1 where a score is lower: accuracy=0.88, recall.Shirt=0.6; can be given again.",
    ),
]


MOSTLY = 0.9  # of the samples, for the line about leaving out the rest


def show(verdict: Verdict, title: str, dataset: str, fingerprint: str, seed: int | None = None, more: str = "") -> None:
    """Print a verdict.

    Args:
        verdict: to print.
        title: what was judged: "Test", "Validation", a file.
        dataset: its name; decides what stands beside the score.
        fingerprint: of the data, or "" where it is not known.
        seed: of the run, or None where it is not known.
        more: a line before the score; empty for none.
    """
    emit(_class_table(verdict))
    emit("\n" + table(["score", "value", "95 %"], _rows(verdict)))
    if verdict.most_confused:
        pair = verdict.most_confused[0]
        times = f"{counted(pair.count, 'time')} ({pair.share:.1%})"
        emit(f"\nMost confused: true label {pair.true}, predicted {pair.predicted}: {times}.")
    if more:
        emit(f"\n{more}")
    if verdict.prediction_sets:
        emit(f"\n{set_tables(verdict.prediction_sets)}")
    emit(f"\n{score_line(verdict, title, fingerprint, seed)}")
    show_references(verdict, dataset)


SCORE_COLUMNS = ("score", "class", "value", "low", "high", "n")


def show_as(format: str, verdict: Verdict, dataset: str) -> None:  # noqa: A002  (the option's own name)
    """Print every score of a verdict as one table, and on stderr why it is too good to be true, if it is.

    Args:
        format: see `fittingroom.cli.formats`.
        verdict: to print.
        dataset: its name.
    """
    rows: list[list[Any]] = [
        [name, "all", value, *(interval or (None, None)), verdict.n] for name, value, interval in score_rows(verdict)
    ]
    for score in verdict.classes:
        rows += [
            ["recall", score.name, score.recall, *(score.recall_interval or (None, None)), score.n],
            ["precision", score.name, score.precision, *(score.precision_interval or (None, None)), score.predicted],
            ["F1", score.name, score.f1, *(score.f1_interval or (None, None)), score.n],
        ]
    for sets in verdict.prediction_sets:
        name = f"coverage of {sets.asked:g} sets, {_KINDS[sets.per_class]}"
        rows.append([name, "all", sets.coverage, *sets.coverage_interval, sets.n])
        rows += [
            [name, one["name"], one["coverage"], *_ends(one["coverage_interval"]), one["n"]] for one in sets.classes
        ]
    emit(written_table(format, SCORE_COLUMNS, rows))
    if doubt := too_good_warning(verdict.accuracy, dataset):
        log(doubt)


def score_line(verdict: Verdict, title: str, fingerprint: str, seed: int | None = None) -> str:
    """Return the score with its interval, n, seed and data, as far as they are known."""
    seeded = "" if seed is None else f", seed {seed}"
    data = f", data {fingerprint}" if fingerprint else ""
    return f"{title} {verdict}{seeded}{data}"


def show_references(verdict: Verdict, dataset: str) -> None:
    """Print what stands beside a score, and on stderr why it is too good to be true, if it is."""
    if references_line(dataset):
        emit(references_line(dataset))
    if doubt := too_good_warning(verdict.accuracy, dataset):
        log(doubt)


def known_of(verdict: Verdict, dataset: str) -> dict[str, Any]:
    """Return what stands beside a score as JSON values: known scores, and a warning or None."""
    known = [{"who": each.who, "accuracy": each.accuracy} for each in references_for(dataset)]
    return {"references": known, "warning": too_good_warning(verdict.accuracy, dataset)}


def gates_passed(verdict: Verdict, gates: tuple[QualityGate, ...]) -> bool:
    """Print on stderr why a verdict fails its gates, if it does, and say whether it passes."""
    reasons = check_gates(verdict, gates)
    for reason in reasons:
        log(f"fittingroom: {reason}")
    return not reasons


_KINDS = {False: "one threshold", True: "one a class"}


def set_tables(found: Sequence[PredictionSets]) -> str:
    """Return what prediction sets are worth as two tables: over all images, and by class."""
    first = found[0]
    heading = ["thresholds", "hold the true class", "95 %", "expected", "classes a set", "of 1", "of 2", "of more"]
    rows = [
        (
            _KINDS[sets.per_class],
            f"{sets.coverage:.4f}",
            _interval(sets.coverage_interval),
            _interval(sets.expected),
            f"{sets.mean_size:.3f}",
            f"{sets.sizes[0]:,}",
            f"{sum(sets.sizes[1:2]):,}",
            f"{sets.larger:,}",
        )
        for sets in found
    ]
    columns = [f"{what}, {_KINDS[sets.per_class]}" for sets in found for what in ("hold it", "classes")]
    by_class = [
        (rows_of[0]["name"], *(_number(one[key]) for one in rows_of for key in ("coverage", "mean_size")))
        for rows_of in zip(*(sets.classes for sets in found), strict=True)
    ]
    return (
        f"Prediction sets, {100 * first.asked:g} % of which are to hold the true class; calibrated on "
        f"{counted(first.calibrated_on, 'image')} that were held out:\n"
        f"{table(heading, rows)}\n"
        "Expected: between what the share lies by chance; it is larger where a set that would be empty got the most "
        "probable class.\n\n"
        f"{table(['true class', *columns], by_class)}"
    )


def _ends(interval: Any) -> tuple[Any, Any]:
    return (None, None) if interval is None else (interval[0], interval[1])


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}"


def _class_table(verdict: Verdict) -> str:
    rows = [
        (score.name, score.n, *(_share(value) for value in (score.recall, score.precision, score.f1)))
        for score in verdict.classes
    ]
    return table(["class", "n", "recall", "precision", "F1"], rows)


def _rows(verdict: Verdict) -> list[tuple[str, ...]]:
    rows = score_rows(verdict)
    surest = [point for point in verdict.risk_coverage if point.coverage >= MOSTLY]
    if surest:  # none where classes alone were judged
        answered = min(surest, key=lambda point: point.n)
        name = f"accuracy at {answered.coverage:.0%} coverage"
        rows.append((name, answered.accuracy, answered.accuracy_interval))
    return [(name, f"{value:.4f}", _interval(interval)) for name, value, interval in rows]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"
