"""Edits: what a person decided about training images, in a CSV file: keep, exclude, or relabel.

The first line names the dataset by its fingerprint, so that a file is never applied to other data. The column `edit`
stands before the others, so that a line that a crash cut short lacks columns and is noticed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fittingroom.errors import DataError
from fittingroom.files import atomic_write, read_text
from fittingroom.lookup import suggest
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EDITS = "edits.csv"  # in a run's folder: a copy of the file that it was trained with
HEAD = re.compile(r"# fittingroom edits 1, dataset (?P<name>.*), fingerprint (?P<fingerprint>[0-9a-f]{16})")
COLUMNS = ("index", "split", "edit", "given", "suggested", "score", "reason", "tags")
NEEDED = ("index", "edit")
VERBS = "keep, exclude, relabel CLASS, or nothing"


@runtime_checkable
class Editable(Protocol):
    """What edits have to know of a `Dataset`."""

    @property
    def name(self) -> str:
        """The known dataset's, or the folder's."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits that name the content of its files."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """By label."""

    @property
    def train(self) -> Any:
        """The training split, with its labels and indices."""


@dataclass(frozen=True, eq=False)
class Edits:
    """Decisions about training images, checked against their dataset.

    Attributes:
        name: of the file.
        text: of the file, as it was read.
        fingerprint: of the dataset that they are for.
        kept: positions in the file of training images that were looked at and stay as they are.
        excluded: positions of those that are left out.
        relabelled: the new label by position.
    """

    name: str
    text: str
    fingerprint: str
    kept: tuple[int, ...]
    excluded: tuple[int, ...]
    relabelled: Mapping[int, int]

    @property
    def sha256(self) -> str:
        """64 hex digits that name the content of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return what a run keeps of them: file, sha256, excluded and relabelled (how many)."""
        return {
            "file": self.name,
            "sha256": self.sha256,
            "excluded": len(self.excluded),
            "relabelled": len(self.relabelled),
        }


def edits_words(facts: Mapping[str, Any]) -> str:
    """Return what `Edits.facts` says in words.

    Example:
        >>> edits_words({"file": "edits.csv", "sha256": "3f" * 32, "excluded": 1, "relabelled": 2})
        '1 image excluded and 2 relabelled by edits.csv (SHA-256 3f3f3f3f)'
    """
    excluded = counted(int(facts.get("excluded") or 0), "image")
    mark = str(facts.get("sha256"))[:8]
    return f"{excluded} excluded and {facts.get('relabelled') or 0} relabelled by {facts.get('file')} (SHA-256 {mark})"


def write_edits(path: Path, data: Editable, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a file of edits to be completed, whole or not at all.

    Args:
        path: of the file; one that is there is replaced.
        data: that it is for.
        rows: values by the names of `COLUMNS`, and of columns of the user's own; what is missing is left empty.

    Raises:
        OSError: the file cannot be written.
    """
    atomic_write(path, edits_text(data, rows))


def edits_text(data: Editable, rows: Iterable[Mapping[str, object]]) -> str:
    """Return a file of edits as `write_edits` writes it.

    Args:
        data: that it is for.
        rows: see there.
    """
    several = list(rows)
    own = dict.fromkeys(name for row in several for name in row if name not in COLUMNS)
    text = io.StringIO()
    text.write(f"# fittingroom edits 1, dataset {' '.join(data.name.split())}, fingerprint {data.fingerprint}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *own])
    writer.writerows([row.get(name, "") for name in (*COLUMNS, *own)] for row in several)
    return text.getvalue()


def read_rows(path: Path, data: Editable) -> list[dict[str, str]]:
    """Return the rows of a file of edits as they stand, by the names of their columns, undecided ones too.

    Args:
        path: of the file.
        data: the dataset.

    Raises:
        DataError: as `read_edits`: a file that cannot be followed is not to be written on.
    """
    text = read_text(path).removeprefix("\ufeff")
    parse_edits(path, text, data)
    return [row for _, row in _rows(path, text.partition("\n")[2])]


def read_edits(path: str | Path, data: Editable) -> Edits:
    """Return the edits in a file, checked against the dataset that they are to change.

    Args:
        path: of the file, as `write_edits` writes it and a person or a spreadsheet completed it: commas, semicolons or
            tabs; only the columns ``index`` and ``edit`` are needed. An edit is ``keep``, ``exclude``,
            ``relabel CLASS`` (a class's name or number), or empty for undecided, which changes nothing.
        data: the dataset.

    Raises:
        DataError: no such file, one of another dataset, or a line that cannot be followed: its number is named.
    """
    path = Path(path)
    return parse_edits(path, read_text(path).removeprefix("\ufeff"), data)


def parse_edits(path: Path, text: str, data: Editable) -> Edits:
    """Return the edits in a text, as `read_edits` does for a file.

    Args:
        path: of the file that it is from, which need not be on this machine.
        text: its content.
        data: the dataset.

    Raises:
        DataError: edits of another dataset, or a line that cannot be followed.
    """
    first, _, body = text.partition("\n")
    head = HEAD.match(first.strip().strip('"'))
    if head is None:
        raise DataError(
            f"{path}: expected edits of this program, whose first line is '# fittingroom edits 1, dataset NAME, "
            f"fingerprint FINGERPRINT', found '{first.strip()[:60]}'."
        )
    if head["fingerprint"] != data.fingerprint:
        raise DataError(
            f"{path}: expected edits of the data {data.fingerprint} ({data.name}), found those of "
            f"{head['fingerprint']} ({head['name']}). Pass the dataset that was audited."
        )
    return _checked(path, text, _rows(path, body), data)


def _rows(path: Path, body: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows with the numbers of their lines, by the names of their columns."""
    header = body.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(body), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num + 1, cells) for cells in reader]
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num + 1}: expected comma-separated values, received a line that was cut short "
            f"or has a stray quote ({error}). Complete the line, or delete it."
        ) from error
    names = [cell.strip().casefold() for cell in lines[0][1]] if lines else []
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise DataError(
            f"{path}, line 2: expected the columns {', '.join(COLUMNS)}, found no {' and no '.join(missing)}."
        )
    rows = []
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            raise DataError(
                f"{path}, line {number}: expected {counted(len(names), 'value')}, found {len(cells)}: the line was cut "
                "short, or a value has a comma without quotes. Complete the line, or delete it."
            )
        rows.append((number, dict(zip(names, (cell.strip() for cell in cells), strict=True))))
    return rows


def _checked(path: Path, text: str, rows: list[tuple[int, dict[str, str]]], data: Editable) -> Edits:
    places = {int(index): place for place, index in enumerate(data.train.indices)}
    seen: dict[int, int] = {}
    kept: list[int] = []
    excluded: list[int] = []
    relabelled: dict[int, int] = {}
    for number, row in rows:
        where = f"{path}, line {number}"
        verb, _, target = row["edit"].partition(" ")
        if not verb:
            continue
        if row.get("split", "train").casefold() not in ("train", ""):
            raise DataError(
                f"{where}: expected edits of training images only, found one of a {row['split']} image. Scores are "
                "comparable only while everybody has the same test images: empty its edit."
            )
        index = _index(row["index"], places, where)
        if index in seen:
            raise DataError(f"{where}: expected each image once, found {index} in line {seen[index]} too. Delete one.")
        seen[index] = number
        given = int(data.train.labels[places[index]])
        _check_given(row.get("given", ""), given, data.class_names, where)
        if verb.casefold() == "relabel":
            label = _label(target.strip(), data.class_names, where)
            if label != given:
                relabelled[index] = label
            else:
                kept.append(index)
        elif verb.casefold() in ("keep", "exclude") and not target:
            (kept if verb.casefold() == "keep" else excluded).append(index)
        else:
            raise DataError(f"{where}: expected the edit {VERBS}, found '{row['edit'][:60]}'.")
    return Edits(path.name, text, data.fingerprint, tuple(kept), tuple(excluded), relabelled)


def _index(text: str, places: Mapping[int, int], where: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) not in places:
        raise DataError(
            f"{where}: expected the index of a training image, 0 to {max(places, default=0):,}, found '{text[:60]}'."
        )
    return int(text)


def _check_given(text: str, given: int, names: Sequence[str], where: str) -> None:
    """Raise where a line's own word for the label that the image has is another: the indices have slipped."""
    if text and text not in (names[given], str(given)):
        raise DataError(
            f"{where}: expected the given label {names[given]}, found '{text[:60]}'. The columns of this file were "
            "sorted apart from each other, or it belongs to other data."
        )


def _label(text: str, names: Sequence[str], where: str) -> int:
    by_name = {name.casefold(): label for label, name in enumerate(names)}
    if text.casefold() in by_name:
        return by_name[text.casefold()]
    if text.isascii() and text.isdigit() and int(text) < len(names):
        return int(text)
    raise DataError(f"{where}: expected a class to relabel to, found '{text[:60]}'. {suggest(text, names)}")
