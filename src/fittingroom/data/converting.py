"""Turn a dataset from one form into another: read in chunks, checked, written beside its place, then moved there."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import check_whole
from fittingroom.data.catalog import DATASETS
from fittingroom.data.formats.contents import Contents, Part, checked, contents_of, counted_from, held_out
from fittingroom.data.formats.croissant import DESCRIPTION, write_description
from fittingroom.data.formats.format_table import read_contents, writer_for
from fittingroom.data.idx import writing
from fittingroom.data.loading import load
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import UsageError
from fittingroom.lookup import look_up
from fittingroom.progress import Log, no_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.data.formats.contents import Chunk
    from fittingroom.data.formats.format_table import Write


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        path: the file or folder.
        format_name: its format, a key of `FORMATS`.
        train: how many training images.
        test: how many test images; 0 where there is no such part.
        image_shape: height and width, in pixels.
        class_names: by label; numbers where the source names none.
        description: the Croissant file beside it.
    """

    path: Path
    format_name: str
    train: int
    test: int
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]
    description: Path


def convert_data(
    source: str | Path,
    out: str | Path,
    *,
    from_format: str | None = None,
    to_format: str | None = None,
    test: str | Path | None = None,
    hold_out: int | None = None,
    labels_from: int = 0,
    edits: str | Path | None = None,
    log: Log = no_log,
) -> Converted:
    """Turn a dataset from one form into another: pixels, labels, names of classes and order stay as they are.

    Args:
        source: a known dataset's name, or a file or folder in one of the forms of `FORMATS`.
        out: the file or folder to make, which appears whole or not at all, with a Croissant description.
        from_format: of the source; found out if left out, and refused where it may be several.
        to_format: of what is made; told by its ending if left out, four gzipped IDX files where it has none.
        test: the test part, where it is a file or folder of its own, in the same form.
        hold_out: how many images to make the test part of, every class in proportion, seed 0, where there is none.
        labels_from: the number of the first class in the source; labels count from 0 in what is made.
        edits: a file of decisions about training images, see `Dataset.edited`, carried out on what is written.
        log: takes one line for each choice that was made.

    Raises:
        UsageError: something is at ``out``, a form does not fit, or a library is not installed.
        DataError: the source is not sound, holds no grey pictures of 8 bits, or leaves open what would be a guess.

    Example:
        >>> convert_data("fashion-mnist", "fashion.npz")  # doctest: +SKIP
        Converted(path=PosixPath('fashion.npz'), format_name='npz', train=60000, test=10000, ...)
    """
    out = Path(out).expanduser()
    out = out if out.name not in ("", "..") else out.resolve()
    format_name, write, is_folder = writer_for(out, to_format)
    _check_free(out, is_folder)
    if test is not None and hold_out is not None:
        raise UsageError("Expected a test part by its path or a count to hold out, received both.")
    if edits is not None:
        _refuse_with_edits(
            {"from": from_format, "test": test, "hold-out": hold_out, "labels-from": labels_from or None}
        )
        contents = contents_of(load(source, log=log).edited(edits))
        return _written(contents, out, format_name, write, is_folder, log)
    contents = _read(source, from_format, test, check_whole(labels_from, "labels_from"), log)
    if hold_out is not None:
        contents = held_out(contents, check_whole(hold_out, "hold_out", 1, None))
    return _written(contents, out, format_name, write, is_folder, log)


def _refuse_with_edits(asked: dict[str, object]) -> None:
    given = [f"--{name}" for name, value in asked.items() if value is not None]
    if given:
        raise UsageError(
            f"Expected edits without {', '.join(given)}: edits name images of the dataset as `load` reads it. Convert "
            "it first, audit what was made, and edit that."
        )


def _read(source: str | Path, from_format: str | None, test: str | Path | None, first: int, log: Log) -> Contents:
    contents = _of_source(source, from_format, log)
    if test is not None:
        contents = _with_test(contents, Path(test).expanduser(), from_format, log)
    return checked(counted_from(contents, first), str(source))


def _with_test(contents: Contents, path: Path, from_format: str | None, log: Log) -> Contents:
    """Return contents whose test part is a file or folder of its own."""
    other = read_contents(path, from_format, log)
    if other.test is not None:
        raise UsageError(f"{path}: expected one part, the test images, found a train and a test part.")
    if other.class_names is not None and other.class_names != contents.class_names:
        expected, received = (
            ", ".join(names or ("none named",)) for names in (contents.class_names, other.class_names)
        )
        raise UsageError(f"{path}: expected the classes of {contents.name} ({expected}), received others ({received}).")
    if contents.test is not None:
        log(f"{contents.name}: its own test part is not read; {path} is the test part, as you asked.")
    return replace(contents, test=Part("test", other.train.chunks))


def _of_source(source: str | Path, from_format: str | None, log: Log) -> Contents:
    known = isinstance(source, str) and (source in DATASETS or source in KIN)
    if known and from_format is None:
        return contents_of(load(source, log=log))
    path = Path(source).expanduser()
    if isinstance(source, str) and not path.exists() and os.sep not in source and not path.suffix:
        look_up(source, {**DATASETS, **KIN}, "dataset")
    return read_contents(path, from_format, log)


def _check_free(out: Path, is_folder: bool) -> None:
    """Raise where something would be overwritten."""
    if is_folder and out.is_dir() and not any(out.iterdir()):
        return
    for path in (out,) if is_folder else (out, _described(out)):
        if path.exists() or path.is_symlink():
            what = "a new or an empty folder" if is_folder else "a new name"
            raise UsageError(f"{path}: expected {what}, found something there. Nothing is overwritten.")


def _described(out: Path) -> Path:
    return out.with_suffix(f".{DESCRIPTION}")


class _Tally:
    """What is counted while the parts are written."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.image_shape = (0, 0)
        self.lowest, self.highest = np.iinfo(np.int64).max, -1

    def over(self, part: Part | None) -> Part | None:
        """Return a part that is counted while it is read to its end."""
        return None if part is None else Part(part.name, lambda: self._counted(part))

    def _counted(self, part: Part) -> Iterator[Chunk]:
        self.counts[part.name] = 0
        for images, labels in part.chunks():
            self.counts[part.name] += len(labels)
            self.image_shape = (images.shape[1], images.shape[2])
            self.lowest = min(self.lowest, int(labels.min()))
            self.highest = max(self.highest, int(labels.max()))
            yield images, labels


def _written(contents: Contents, out: Path, format_name: str, write: Write, is_folder: bool, log: Log) -> Converted:
    tally = _Tally()
    train = tally.over(contents.train)
    counted = replace(contents, train=train or contents.train, test=tally.over(contents.test))
    with _made_whole(out, is_folder) as place:
        write(counted, place)
        names = contents.class_names or tuple(map(str, range(tally.highest + 1)))
        description = place / DESCRIPTION if is_folder else _described(place)
        folder = place if is_folder else place.parent
        write_description(folder, description, contents.name, tally.counts, tally.image_shape, names)
    if tally.lowest == 1 and contents.class_names is None:
        log(f"{out}: no image has label 0. If the labels of the source count from 1, say --labels-from 1.")
    where = out / DESCRIPTION if is_folder else _described(out)
    counts = (tally.counts["train"], tally.counts.get("test", 0))
    return Converted(out, format_name, *counts, tally.image_shape, names, where)


@contextmanager
def _made_whole(out: Path, is_folder: bool) -> Iterator[Path]:
    """Lend a place to write to, on the same disk; what was made there appears under its name where all went well."""
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent)
    with work as name:
        place = Path(name) / out.name
        if is_folder:
            place.mkdir(mode=0o755)
        with writing(out):
            yield place
            _move(place, out, is_folder)


def _move(place: Path, out: Path, is_folder: bool) -> None:
    if is_folder:
        if out.is_dir():
            out.rmdir()
        place.rename(out)
        return
    for path in sorted(place.parent.iterdir(), key=lambda one: one.name == out.name):  # the file itself last
        path.rename(out.parent / path.name)
