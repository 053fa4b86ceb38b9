"""Tables of pixels as text: Kaggle's ``label,pixel1..pixel784``, and MNIST's rows without a header."""

from __future__ import annotations

import csv
import math
import re
import warnings
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np

from fittingroom.data.formats.contents import (
    Contents,
    Part,
    classes_file,
    read_class_names,
    rows_of,
    write_class_names,
)
from fittingroom.data.idx import reading
from fittingroom.errors import DataError, UsageError
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fittingroom.arrays import Array
    from fittingroom.data.formats.contents import Chunk
    from fittingroom.progress import Log

LABEL_COLUMNS = ("label", "labels", "class", "target", "y")
NUMBERED = re.compile(r"(?:pixel|px|p)?_?(\d+)$", re.IGNORECASE)  # pixel1, pixel0, 1
BY_PLACE = re.compile(r"(\d+)x(\d+)$")  # 1x1, 1x2 ... 28x28: row and column
PIXEL_BYTES = 8  # of a pixel while a table is read


class Columns(NamedTuple):
    """Where a table has what.

    Attributes:
        label: the place of the label among the columns.
        shape: height and width of an image, in pixels; the pixels are all other columns, row by row.
        header: whether the first line is names.
    """

    label: int
    shape: tuple[int, int]
    header: bool


def is_csv_folder(path: Path) -> bool:
    """Say whether a folder holds tables of pixels: files of which the first line is numbers, or names pixels."""
    return path.is_dir() and any(_is_of_pixels(one) for one in path.iterdir() if one.suffix.lower() == ".csv")


def _is_of_pixels(path: Path) -> bool:
    cells = first_cells(path)
    numbered = sum(bool(NUMBERED.match(cell) or BY_PLACE.match(cell)) for cell in cells)
    return len(cells) > 1 and 0 < numbered >= len(cells) - 2


def _has_labels(path: Path) -> bool:
    cells = first_cells(path)
    numbers = all(cell.isdigit() for cell in cells)
    return (
        math.isqrt(len(cells)) ** 2 != len(cells)
        if numbers
        else any(map(LABEL_COLUMNS.count, map(str.casefold, cells)))
    )


def first_cells(path: Path) -> list[str]:
    """Return the first line of a table, whatever it is; empty where it is none.

    Args:
        path: of the table.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            return [cell.strip() for cell in next(csv.reader(file), [])]
        except csv.Error:  # a cell of more than 131,072 letters
            return []


def read_csv(path: Path, log: Log) -> Contents:
    """Return the contents of a table of labels and pixels, or of a folder with the tables of both parts.

    Args:
        path: of a ``.csv`` file; where its name says "train", a file beside it that says "test" is the test part. Or
            of a folder that holds two such.
        log: takes one line for each choice that was made.

    Raises:
        DataError: columns that are neither, pixels that are no bytes, labels that are words.
    """
    train, test = csv_pair(path, log)
    if test is not None and not _has_labels(test):
        log(f"{test}: has no labels, so it is not the test part.")
        test = None
    for file in filter(None, (train, test)):
        if not read_columns(file).header:
            log(f"{file}: has no names of columns; the first is taken as the label, as in MNIST's tables.")
    name = path.stem.removesuffix("_train").removesuffix("-train") or path.stem
    test_part = None if test is None else Part("test", partial(_chunks, test))
    return Contents(name, Part("train", partial(_chunks, train)), test_part, read_class_names(path))


def csv_pair(path: Path, log: Log, ending: str = ".csv") -> tuple[Path, Path | None]:
    """Return the file of the training images and that of the test images, which may be missing.

    Args:
        path: of one file, or of a folder of two.
        log: told of a second file that was found by its name.
        ending: of the files.

    Raises:
        DataError: a folder in which the names do not tell which files are meant.
    """
    if path.is_dir():
        inside = sorted(one for one in path.iterdir() if one.suffix.lower() == ending)
        trains = [one for one in inside if "train" in one.name.lower()]
        if len(trains) != 1 and len(inside) != 1:
            names = ", ".join(one.name for one in inside) or "none"
            raise DataError(
                f"{path}: expected one {ending} file whose name says 'train', and one that says 'test', found {names}. "
                "Name the files: the training part, and --test PATH."
            )
        path = (trains or inside)[0]
    other = path.with_name(re.sub("train", "test", path.name, count=1))
    if other == path or not other.is_file():
        return path, None
    log(f"{path}: the test part is taken from {other.name} beside it.")
    return path, other


def read_columns(path: Path) -> Columns:
    """Return where a table has its label and its pixels, from its first line.

    Args:
        path: of the table.

    Raises:
        DataError: the columns are no label and the pixels of an image.
    """
    with reading(path), _opened(path) as file:
        next(_decoded(file, path), "")
    cells = first_cells(path)
    if not any(cells):
        raise DataError(f"{path}: expected a table of labels and pixels, received an empty line first.")
    return _without_header(path, len(cells)) if all(cell.isdigit() for cell in cells) else _named(path, cells)


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _decoded(file: TextIO, path: Path) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text in UTF-8, received other bytes.") from error


def _without_header(path: Path, count: int) -> Columns:
    if math.isqrt(count) ** 2 == count:
        side = math.isqrt(count)
        raise DataError(
            f"{path}: expected a label and the pixels of a picture, received {counted(count, 'column')}, which are "
            f"the pixels of {side}x{side} without a label."
        )
    return Columns(0, _square(path, count - 1), header=False)


def _named(path: Path, names: Sequence[str]) -> Columns:
    labels = [index for index, name in enumerate(names) if name.casefold() in LABEL_COLUMNS]
    pixels = [name for index, name in enumerate(names) if index not in labels]
    other = next((name for name in pixels if not (NUMBERED.match(name) or BY_PLACE.match(name))), None)
    if len(labels) != 1 or other is not None or not pixels:
        found = f"a column {other!r}" if other is not None else f"{counted(len(labels), 'label column')}"
        raise DataError(
            f"{path}: expected one column called {' or '.join(LABEL_COLUMNS[:3])} and columns of pixels (pixel1, "
            f"pixel2 ... or 1x1, 1x2 ...), found {found}."
        )
    places = [BY_PLACE.match(name) for name in pixels]
    if all(places):
        return Columns(labels[0], _shape_by_place(path, pixels), header=True)
    numbers = [int(match[1]) for name in pixels if (match := NUMBERED.match(name))]
    if numbers != list(range(numbers[0], numbers[0] + len(pixels))) or numbers[0] > 1:
        raise DataError(f"{path}: expected pixels in order, pixel1, pixel2 and so on, found another order of columns.")
    return Columns(labels[0], _square(path, len(pixels)), header=True)


def _square(path: Path, count: int) -> tuple[int, int]:
    side = math.isqrt(max(count, 0))
    if not side or side * side != count:
        raise DataError(
            f"{path}: expected a label and the pixels of a square picture, received {counted(count, 'column')} of "
            "pixels. For others the names of the columns must tell: 1x1, 1x2 and so on, row and column."
        )
    return side, side


def _shape_by_place(path: Path, names: Sequence[str]) -> tuple[int, int]:
    height, width = (int(size) for size in names[-1].split("x"))
    if list(names) != pixel_names(height, width, by_place=True):
        raise DataError(f"{path}: expected pixels in order, 1x1, 1x2 to {names[-1]}, found another order of columns.")
    return height, width


def pixel_names(height: int, width: int, *, by_place: bool) -> list[str]:
    """Return the names of the columns of pixels.

    Args:
        height: of an image.
        width: of an image.
        by_place: by row and column, as a table of images that are not square needs it.

    Example:
        >>> pixel_names(1, 2, by_place=True), pixel_names(1, 2, by_place=False)
        (['1x1', '1x2'], ['pixel1', 'pixel2'])
    """
    if by_place:
        return [f"{row}x{column}" for row in range(1, height + 1) for column in range(1, width + 1)]
    return [f"pixel{index}" for index in range(1, height * width + 1)]


def _chunks(path: Path) -> Iterator[Chunk]:
    columns = read_columns(path)
    height, width = columns.shape
    step = max(1, rows_of(height * width) // PIXEL_BYTES)
    with reading(path), _opened(path) as file:
        lines = _decoded(file, path)
        if columns.header:
            next(lines)
        number = 1 + columns.header
        while rows := list(islice(lines, step)):
            filled = [(at, row) for at, row in enumerate(rows, number) if row.strip()]
            if filled:
                yield _images_of(_numbers(filled, path), columns, path, [at for at, _ in filled])
            number += len(rows)


def _numbers(rows: Sequence[tuple[int, str]], path: Path) -> Array:
    """Return lines, each with its number, as whole numbers ``(rows, columns)``."""
    try:
        with warnings.catch_warnings(action="error"):  # NumPy takes 12.7 for 12, with a warning
            lines = [row for _, row in rows]
            return np.loadtxt(lines, np.int64, delimiter=",", quotechar='"', ndmin=2, comments=None)
    except (ValueError, OverflowError, Warning) as error:
        at, why = next(chain(_faults(rows), [(rows[0][0], "no table of whole numbers")]))
        raise DataError(
            f"{path}, line {at:,}: expected a label and pixels as whole numbers, received {why}."
        ) from error


def _faults(rows: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are no whole numbers, or as many as the first."""
    width = None
    for at, row in rows:
        cells = row.rstrip("\r\n").split(",")
        width = len(cells) if width is None else width
        bad = next((cell for cell in cells if not re.fullmatch(r"\s*[+-]?\d{1,18}\s*", cell)), None)
        if bad is not None:
            yield at, repr(bad[:40])
        elif len(cells) != width:
            yield at, f"{counted(len(cells), 'column')} after {width}"


def _images_of(numbers: Array, columns: Columns, path: Path, lines: Sequence[int]) -> Chunk:
    height, width = columns.shape
    if numbers.shape[1] != height * width + 1:
        expected = counted(height * width + 1, "column")
        raise DataError(f"{path}, line {lines[0]:,}: expected {expected}, received {numbers.shape[1]}.")
    pixels = np.delete(numbers, columns.label, axis=1)
    wrong = np.flatnonzero(((pixels < 0) | (pixels > 255)).any(axis=1))
    if wrong.size:
        row = pixels[wrong[0]]
        value = row[(row < 0) | (row > 255)][0]
        raise DataError(f"{path}, line {lines[wrong[0]]:,}: expected pixels in 0..255, received {value}.")
    return pixels.astype(np.uint8).reshape(-1, height, width), numbers[:, columns.label]


def write_csv(contents: Contents, out: Path) -> None:
    """Write one table of labels and pixels, with a header and the columns in Kaggle's order.

    Args:
        contents: of one part, checked.
        out: the file to make; class names go into ``NAME.classes.txt`` beside it.

    Raises:
        UsageError: there are two parts, which one table does not tell apart.
    """
    check_one_part(contents, out, "csv")
    _write_table(contents.train, out)
    write_class_names(classes_file(out), contents.class_names)


def check_one_part(contents: Contents, out: Path, format_name: str) -> None:
    """Raise where two parts would go into one file.

    Raises:
        UsageError: there is a test part.
    """
    if contents.test is not None:
        raise UsageError(
            f"{out.name}: one file holds one part, and {contents.name} has train and test. Name a folder, which gets "
            f"both, instead: --to {format_name} {out.stem}"
        )


def write_csv_folder(contents: Contents, out: Path) -> None:
    """Write ``train.csv``, ``test.csv`` where there is a test part, and ``classes.txt``.

    Args:
        contents: checked.
        out: an empty folder.
    """
    for part in contents.parts:
        _write_table(part, out / f"{part.name}.csv")
    write_class_names(out / "classes.txt", contents.class_names)


def _write_table(part: Part, path: Path) -> None:
    with path.open("wb") as file:
        for number, (images, labels) in enumerate(part.chunks()):
            count, height, width = images.shape
            if number == 0:
                file.write(",".join(["label", *pixel_names(height, width, by_place=height != width)]).encode() + b"\n")
            cells = _CELLS[images.reshape(count, -1)]
            for label, row in zip(labels.tolist(), cells, strict=True):
                file.write(b"%d%s\n" % (label, row.tobytes().replace(b"\0", b"")))


_CELLS = np.array([f",{value}" for value in range(256)], "S4")  # shorter ones end in zero bytes
