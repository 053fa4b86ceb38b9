"""A command's table for other programs: CSV for a spreadsheet, Markdown for a page, LaTeX for a paper."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from cyclopts import Parameter

from fittingroom.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Cell: TypeAlias = str | int | float | None

Format = Annotated[
    Literal["csv", "markdown", "latex"] | None,
    Parameter(name="--format", help="Print one table and nothing else: for a spreadsheet, a page, or a paper."),
]
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def refuse_both(format: str | None, json: bool) -> None:  # noqa: A002  (the option's own name)
    """Raise where a table and a JSON object are asked for at once.

    Raises:
        UsageError: says which options.
    """
    if format is not None and json:
        raise UsageError(f"Expected --format {format} or --json, received both. Leave one out.")


def written_table(format: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:  # noqa: A002
    r"""Return rows of plain values as a table; without a line break at its end.

    CSV has every digit and empty cells for what is not known; the others have four digits and a dash. In CSV a text
    that a spreadsheet would carry out as a formula, such as a name that begins with "=", has an apostrophe before it.

    Args:
        format: "csv", "markdown" or "latex".
        columns: a name each.
        rows: a value for each column.

    Example:
        >>> print(written_table("markdown", ["class", "recall"], [["Ankle boot", 0.96], ["Bag", None]]))
        | class | recall |
        | :-- | --: |
        | Ankle boot | 0.9600 |
        | Bag | - |
    """
    return WRITERS[format](columns, rows)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *([_as_text(cell) for cell in row] for row in rows)])
    return text.getvalue().removesuffix("\n")


def _as_text(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula: names in it may come from anybody."""
    is_formula = isinstance(cell, str) and len(cell) > 1 and cell[0] in "=+-@\t\r"
    return f"'{cell}" if is_formula else cell


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    rule = ["--:" if _is_of_numbers(rows, place) else ":--" for place in range(len(columns))]
    lines = [list(columns), rule, *([_words(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(_without_bars, line))} |" for line in lines)


def _without_bars(text: str) -> str:
    return text.replace("|", "\\|")


def _latex(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    kinds = "".join("r" if _is_of_numbers(rows, place) else "l" for place in range(len(columns)))
    lines = [[_escaped(cell) for cell in line] for line in [columns, *([_words(cell) for cell in row] for row in rows)]]
    head, *body = [f"{' & '.join(line)} \\\\" for line in lines]
    parts = [f"\\begin{{tabular}}{{{kinds}}}", r"\hline", head, r"\hline", *body, r"\hline", r"\end{tabular}"]
    return "\n".join(parts)


WRITERS = {"csv": _csv, "markdown": _markdown, "latex": _latex}


def _is_of_numbers(rows: Sequence[Sequence[Cell]], place: int) -> bool:
    known = [row[place] for row in rows if row[place] is not None]
    return bool(known) and all(isinstance(cell, int | float) for cell in known)


def _words(cell: Cell) -> str:
    """Return a value in words, on one line."""
    if cell is None:
        return "-"
    return f"{cell:.4f}" if isinstance(cell, float) else " ".join(str(cell).split())


def _escaped(text: str) -> str:
    """Return a text as LaTeX shows it letter by letter."""
    return "".join(LATEX.get(letter, letter) for letter in text)
