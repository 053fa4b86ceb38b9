"""The page of a class: its runs in one table, the spread, the best, and the mistakes that many made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fittingroom.errors import UsageError
from fittingroom.files import atomic_write, write_json
from fittingroom.judging import references_for
from fittingroom.pages.answers import Pictures
from fittingroom.pages.html import picture_uri, render
from fittingroom.words import counted, listed
from fittingroom.workflows.class_collection import MARKS

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.data import Dataset
    from fittingroom.workflows.class_collection import ClassReport, CollectedRun

PAGE = "class.html"
COLUMNS = (
    *("code", "name", "model", "seed", "epochs", "train_accuracy", "val_accuracy"),
    *("test_accuracy", "test_low", "test_high", "n", "looks", "marks"),
)


def write_class_page(report: ClassReport, data: Dataset, to: Path) -> Path:
    """Write the page of a class, and its JSON twin beside it.

    Args:
        report: of the class.
        data: what it worked on; its test images are drawn where many were wrong.
        to: a ``.html`` file; replaced whole.

    Raises:
        UsageError: the file is to have another ending, or its folder is not there.
        OSError: the folder cannot be written.
    """
    if to.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"Expected the page as a .html file, received '{to}'. Example: --out {PAGE}")
    if not to.parent.is_dir():
        raise UsageError(f"{to.parent}: expected the folder that the page goes into, found no such folder. Make it.")
    twin = to.with_suffix(".json")
    images = Pictures(data.test.pictures(index for index, *_ in report.hardest))
    write_json(twin, report.to_dict())
    atomic_write(to, class_page(report, images, twin.name))
    return to


def class_page(report: ClassReport, pictures: Pictures, twin: str = "class.json") -> str:
    """Return the page as HTML, for one file that needs nothing from outside.

    Args:
        report: every number on it.
        pictures: the images that most runs got wrong; empty where they cannot be had.
        twin: the name of the file that holds every number.
    """
    counting = [row for row in report.runs if row.counts]
    shown = [row.accuracy for row in counting if row.accuracy is not None]
    return render(
        "class.html.j2",
        report=report,
        rows=counting,
        low=min(shown, default=0.0) - 0.02,
        high=max(shown, default=1.0) + 0.02,
        headline=headline(report),
        best=best_sentence(report),
        marks=MARKS,
        references=references_for(report.dataset),
        uris={index: picture_uri(image) for index, image in pictures.judged.items()},
        has_names=any(row.name for row in report.runs),
        twin=twin,
    )


def headline(report: ClassReport) -> str:
    """Return how many rows there are, runs and what was handed in instead, and how many count.

    Example:
        >>> from fittingroom.workflows.class_collection import ClassReport, CollectedRun
        >>> headline(ClassReport("tiny", "0" * 16, ("a", "b"), (CollectedRun(error="damaged"),)))
        '1 row, of which none counts: 1 cannot be judged.'
    """
    rows = report.runs
    count, broken = sum(row.counts for row in rows), sum(bool(row.error) for row in rows)
    untested = sum(not row.error and any(kind == "not tested" for kind, _ in row.marks) for row in rows)
    doubtful = len(rows) - count - broken - untested
    others = [
        f"{number} {words}"
        for number, words in (
            (broken, "cannot be judged"),
            (untested, "not yet tested"),
            (doubtful, "doubtful"),
        )
        if number
    ]
    counts = f"{count} count" if count != 1 else "1 counts"
    which = "all count" if count == len(rows) else f"of which {counts if count else 'none counts'}"
    return f"{counted(len(rows), 'row' if broken else 'run')}, {which}{': ' + listed(others) if others else ''}."


def best_sentence(report: ClassReport) -> str:
    """Return what is to be said of the highest test accuracy; empty where nothing counts."""
    best = next((row for row in report.runs if row.code == report.best and row.counts), None)
    if best is None or best.accuracy is None or report.test is None:
        return ""
    n = len(report.test.accuracies)
    told = f"The highest test accuracy is {best.accuracy:.4f}, of {best.name or best.code}."
    if n == 1:
        return told
    same = len(report.like_best)
    apart = (
        f"{same} of the other {n - 1} cannot be told apart from it" if same else "All others can be told apart from it"
    )
    return (
        f"{told} {apart} by McNemar's test, corrected for {counted(n - 1, 'comparison')}. The highest of {n} is lucky "
        "too: on other images it would most likely be lower. A network is chosen by images that were held out, never "
        "by this."
    )


def spread_sentence(report: ClassReport) -> str:
    """Return mean and spread of the test accuracies that count; empty where none does."""
    test = report.test
    if test is None:
        return ""
    low, high = min(test.accuracies), max(test.accuracies)
    sd = "" if test.sd is None else f", standard deviation {test.sd:.4f}"
    return f"Mean {test.mean:.4f}{sd}, from {low:.4f} to {high:.4f}, n = {len(test.accuracies)}."


def plain_rows(report: ClassReport) -> list[list[Any]]:
    """Return a row a run for `COLUMNS`, for a spreadsheet."""
    return [_plain_row(row) for row in report.runs]


def _plain_row(row: CollectedRun) -> list[Any]:
    low, high = row.interval or (None, None)
    tested = row.accuracy if row.split == "test" else None
    is_test = row.split == "test"
    return [
        *(row.code, row.name, row.model, row.seed, row.epochs, row.train_accuracy, row.val_accuracy),
        *(tested, low if is_test else None, high if is_test else None, row.n if is_test else None, row.looks),
        words_of(row),
    ]


def words_of(row: CollectedRun) -> str:
    """Return a row's marks, or why it cannot be judged, as one text."""
    return row.error or "; ".join(words for _, words in row.marks)
