"""Make a dataset of one's own: photos in class folders become four IDX files in MNIST's format."""

from __future__ import annotations

import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data import FILE_NAMES, Split, class_names, hold_out, write_idx
from fittingroom.errors import DataError, FittingRoomError, UsageError
from fittingroom.photos.explain import THUMBNAIL, contact_sheet, thumbnail
from fittingroom.photos.opening import is_picture_name
from fittingroom.photos.prepare import prepare_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def folder_name(label: str) -> str:
    """Return a class's name as a folder's name.

    Example:
        >>> folder_name("T-shirt/top")
        'T-shirt-top'
    """
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", label).strip(". ") or "-"


def free_name(folder: Path, name: str) -> Path:
    """Return a path in a folder that is not taken: the name, or the name with a number.

    Example:
        >>> free_name(Path("no-such-folder"), "a.png").name
        'a.png'
    """
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path


TRAIN_TO_TEST = 6  # as in MNIST: six training images for each test image
FEWEST = 7  # photos: below that there is no such split
SHOWN = 8  # photos of a class on the contact sheet
CLASSES, SHEET, REPORT = "classes.txt", "contact-sheet.png", "report.txt"


@dataclass(frozen=True)
class Taken:
    """A photo that became an image.

    Attributes:
        path: of the photo.
        label: its class.
        image: uint8 ``(28, 28)``.
        before: uint8 thumbnail ``(h, w, 3)`` of the photo.
        warnings: of the preparation.
    """

    path: Path
    label: int
    image: Array
    before: Array
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A photo that did not.

    Attributes:
        path: of the photo.
        reason: why, in one sentence.
    """

    path: Path
    reason: str


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        folder: with the four files, ``classes.txt``, ``contact-sheet.png`` and ``report.txt``.
        class_names: by label.
        train: images for training.
        test: images for testing.
        left_out: photos without an image, and why.
        warned: photos with an image and a warning.
        with_photos: labels that images have; fewer than names where a dataset's own classes are not all there.
    """

    folder: Path
    class_names: tuple[str, ...]
    train: int
    test: int
    left_out: tuple[LeftOut, ...]
    warned: int
    with_photos: tuple[int, ...]

    def classes(self) -> str:
        """Say how many of the classes have photos, in a few words."""
        whose = "Fashion-MNIST's " if self.class_names == class_names else ""
        have = "has" if len(self.with_photos) == 1 else "have"
        return f"{len(self.with_photos)} of {whose}{len(self.class_names)} classes {have} photos"


def import_photos(folder: Path, out: Path, log: Callable[[str], None]) -> Imported:
    """Turn a folder of photos in class folders into a dataset in MNIST's format.

    Args:
        folder: holds a folder for each class, with its photos.
        out: a folder to make; it appears whole or not at all.
        log: takes one line for the user.

    Raises:
        UsageError: ``out`` is not empty, or too few photos could be used.
        DataError: no class folders.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: expected a new or an empty folder for the dataset, found something there.")
    photos, names = photos_by_class(folder)
    _check_writable(out)
    there = sorted({label for _, label in photos})
    log(f"{len(photos):,} photos in {len(there)} classes: {', '.join(names[label] for label in there)}")
    taken, left_out = _prepared(photos, log)
    if len(taken) < FEWEST:
        raise UsageError(
            f"{folder}: expected at least {FEWEST} photos in which an article can be found, received {len(taken)} of "
            f"{len(photos)}. " + " ".join(one.reason for one in left_out[:2])
        )
    train, test = _split(taken)
    warned = sum(bool(one.warnings) for one in taken)
    labels = tuple(sorted({one.label for one in taken}))
    imported = Imported(out, names, len(train), len(test), tuple(left_out), warned, labels)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        made = Path(temporary) / "dataset"
        made.mkdir(mode=0o755)
        _write(made, train, test, taken, imported)
        if out.exists():
            out.rmdir()
        made.rename(out)
    return imported


def _check_writable(out: Path) -> None:
    """Raise before hundreds of photos are prepared where the folder cannot be made."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-"):
            return
    except OSError as error:
        raise UsageError(
            f"{out}: expected a place to make a folder in, received: {error.strerror}. Choose another --out."
        ) from error


def photos_by_class(folder: Path) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """Return the photos with their labels, and the class names.

    Where every folder's name is a class of Fashion-MNIST ("T-shirt-top" for "T-shirt/top"), the labels and all ten
    names are that dataset's, so that its models can be asked; otherwise the folders are sorted by name.

    Raises:
        DataError: no such folder, or no class folders with pictures in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder with a folder of photos for each class, found no such folder.")
    inside = {
        one.name: sorted(path for path in one.iterdir() if path.is_file() and is_picture_name(path))
        for one in sorted(folder.iterdir())
        if one.is_dir() and not one.name.startswith(".")
    }
    inside = {name: paths for name, paths in inside.items() if paths}
    if not inside:
        raise DataError(f"{folder}: expected a folder of photos for each class, found no folder with pictures in it.")
    known = {folder_name(name).casefold(): label for label, name in enumerate(class_names)}
    if all(name.casefold() in known for name in inside):
        labels, names = {name: known[name.casefold()] for name in inside}, class_names
    else:
        labels, names = {name: label for label, name in enumerate(inside)}, tuple(inside)
    return [(path, labels[name]) for name, paths in inside.items() for path in paths], names


def _prepared(photos: Sequence[tuple[Path, int]], log: Callable[[str], None]) -> tuple[list[Taken], list[LeftOut]]:
    """Prepare the photos on all cores; only the small images are kept."""
    taken, left_out = [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, one in enumerate(pool.map(lambda photo: _one(*photo), photos), 1):
            if isinstance(one, Taken):
                taken.append(one)
            else:
                left_out.append(one)
            if number % 200 == 0:
                log(f"{number:,} of {len(photos):,} photos")
    return taken, left_out


def _one(path: Path, label: int) -> Taken | LeftOut:
    try:
        prepared = prepare_photo(path)
    except FittingRoomError as error:
        return LeftOut(path, str(error))
    if not prepared.is_found:
        return LeftOut(path, f"{path}: {prepared.warnings[-1]}")
    return Taken(path, label, prepared.image, thumbnail(prepared.steps[0].picture, THUMBNAIL), prepared.warnings)


def _split(taken: Sequence[Taken]) -> tuple[Split, Split]:
    labels = np.array([one.label for one in taken], np.uint8)
    whole = Split("train", np.stack([one.image for one in taken]), labels, np.arange(len(taken)))
    rest, held = hold_out(whole, max(1, round(len(taken) / (TRAIN_TO_TEST + 1))), seed=0)
    return rest, held


def _write(folder: Path, train: Split, test: Split, taken: Sequence[Taken], imported: Imported) -> None:
    arrays = (train.images, train.labels, test.images, test.labels)
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        write_idx(folder / name, array)
    (folder / CLASSES).write_text("\n".join(imported.class_names) + "\n", "utf-8")
    (folder / REPORT).write_text("\n".join(_report(train, test, taken, imported)) + "\n", "utf-8")
    rows = [
        (imported.class_names[label], [one for one in taken if one.label == label][:SHOWN])
        for label in imported.with_photos
    ]
    sheet = contact_sheet([(name, [(one.before, one.image) for one in ones]) for name, ones in rows])
    sheet.save(folder / SHEET)


def _report(train: Split, test: Split, taken: Sequence[Taken], imported: Imported) -> Iterator[str]:
    yield f"{len(taken)} photos became images, {len(imported.left_out)} were left out."
    yield f"{imported.classes()}."
    yield f"{len(train)} for training and {len(test)} for testing, split within each class, seed 0."
    yield ""
    yield "class: training, testing"
    for label, name in enumerate(imported.class_names):
        yield f"{name}: {(train.labels == label).sum()}, {(test.labels == label).sum()}"
    yield ""
    yield "Which photo each image is, by split and position:"
    for split in (train, test):
        place = partial("{} {}: {}".format, "test" if split is test else "train")
        yield from (place(position, taken[index].path) for position, index in enumerate(split.indices))
    yield ""
    yield "Left out:"
    yield from (one.reason for one in imported.left_out)
    yield ""
    yield "Taken, with a warning:"
    yield from (f"{one.path}: {'; '.join(one.warnings)}" for one in taken if one.warnings)
