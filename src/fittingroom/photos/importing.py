"""Make a dataset of one's own: pictures in class folders become four IDX files in MNIST's format.

A picture that is grey in fact and 28x28 is data, and goes in to the byte; any other is a photo, and is prepared. Where
the classes are Fashion-MNIST's, the network for photos says which photos it would call otherwise.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data import FILE_NAMES, Split, class_names, hold_out, write_idx
from fittingroom.data.formats.png_folders import PARTS, folder_name
from fittingroom.errors import DataError, FittingRoomError, UsageError
from fittingroom.inference.model_files import PHOTO_MODEL
from fittingroom.inference.predictor import UNSURE, open_predictor
from fittingroom.photos.explain import THUMBNAIL, contact_sheet, thumbnail
from fittingroom.photos.opening import is_picture_name
from fittingroom.photos.prepare import EDGE, prepare_photo
from fittingroom.photos.whole_photo import SIZE, whole_photo
from fittingroom.pictures import have_light_background, is_grey_of_size, read_pictures
from fittingroom.words import once_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fittingroom.inference.predictor import Predictor
    from fittingroom.photos.opening import Opened


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
MOST_CLASSES = 256  # a label is a byte in the files
CLASSES, SHEET, REPORT = "classes.txt", "contact-sheet.png", "report.txt"


@dataclass(frozen=True)
class Taken:
    """A picture that became an image.

    Attributes:
        path: of the photo.
        label: its class.
        image: uint8 ``(28, 28)``.
        before: uint8 thumbnail ``(h, w, 3)`` of the photo.
        warnings: of the preparation.
        is_data: it was 28x28 and grey, and is taken as it was.
        called: what the network for photos surely calls it, where that is not its class; otherwise empty.
    """

    path: Path
    label: int
    image: Array
    before: Array
    warnings: tuple[str, ...]
    is_data: bool = False
    called: str = ""


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
        as_data: pictures taken to the byte, because they were 28x28 and grey.
        divided: how training and testing were divided, in a few words.
        called_otherwise: a line for each photo that the network for photos surely calls otherwise than its folder.
    """

    folder: Path
    class_names: tuple[str, ...]
    train: int
    test: int
    left_out: tuple[LeftOut, ...]
    warned: int
    with_photos: tuple[int, ...]
    as_data: int
    divided: str
    called_otherwise: tuple[str, ...]

    def classes(self) -> str:
        """Say how many of the classes have photos, in a few words."""
        whose = "Fashion-MNIST's " if self.class_names == class_names else ""
        have = "has" if len(self.with_photos) == 1 else "have"
        return f"{len(self.with_photos)} of {whose}{len(self.class_names)} classes {have} photos"


def import_photos(folder: Path, out: Path, log: Callable[[str], None], *, gzipped: bool = False) -> Imported:
    """Turn a folder of pictures in class folders into a dataset in MNIST's format.

    Args:
        folder: holds a folder for each class, with its pictures; or two folders of such, ``train`` and ``test``, which
            then are the two parts of the dataset.
        out: a folder to make; it appears whole or not at all.
        log: takes one line for the user.
        gzipped: write the four files gzipped, as Fashion-MNIST's own are.

    Raises:
        UsageError: ``out`` is not empty, or too few photos could be used.
        DataError: no class folders.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: expected a new or an empty folder for the dataset, found something there.")
    parts = parts_of(folder, log)
    photos, names = photos_by_class(*parts)
    _check_writable(out)
    there = sorted({label for _, label in photos})
    log(f"{len(photos):,} photos in {len(there)} classes: {', '.join(names[label] for label in there)}")
    taken, left_out = _prepared(photos, log, _label_checker() if names == class_names else None)
    if len(taken) < FEWEST:
        raise UsageError(
            f"{folder}: expected at least {FEWEST} photos in which an article can be found, received {len(taken)} of "
            f"{len(photos)}. " + " ".join(once_each((one.reason for one in left_out), "photo")[:2])
        )
    train, test = _split(taken) if len(parts) == 1 else _split_as_laid_out(taken, parts)
    warned = sum(bool(one.warnings) for one in taken)
    labels = tuple(sorted({one.label for one in taken}))
    divided = "split within each class, seed 0" if len(parts) == 1 else "as their folders train and test divide them"
    as_data = sum(one.is_data for one in taken)
    otherwise = tuple(f"{one.path}: {one.called}, in folder {names[one.label]}" for one in taken if one.called)
    imported = Imported(out, names, len(train), len(test), tuple(left_out), warned, labels, as_data, divided, otherwise)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        made = Path(temporary) / "dataset"
        made.mkdir(mode=0o755)
        _write(made, train, test, taken, imported, ".gz" if gzipped else "")
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


def parts_of(folder: Path, log: Callable[[str], None]) -> tuple[Path, ...]:
    """Return the two folders of a layout with a train and a test part, else the folder alone.

    Args:
        folder: of class folders, or of the two parts.
        log: takes one line for each other folder beside the two parts, which is not read.
    """
    inside = _folders_in(folder)
    found = [next((one for one in inside if one.name.casefold() in names), None) for names in PARTS]
    train, test = found
    if train is None or test is None or _pictures_in(train) or _pictures_in(test):
        return (folder,)
    for other in inside:
        if other not in found and any(map(_pictures_in, _folders_in(other))):
            log(f"{other}: not read, since a dataset has a train and a test part.")
    return train, test


def _folders_in(folder: Path) -> list[Path]:
    inside = folder.iterdir() if folder.is_dir() else ()
    return sorted((one for one in inside if one.is_dir() and not one.name.startswith(".")), key=_by_number)


def _by_number(folder: Path) -> tuple[int, str]:
    """Sort what is a number as one: 2 before 10."""
    return (int(folder.name) if folder.name.isdecimal() else -1), folder.name


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and is_picture_name(path))


def photos_by_class(*folders: Path) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """Return the pictures with their labels, and the class names.

    Where every folder's name is a class of Fashion-MNIST ("T-shirt-top" for "T-shirt/top"), the labels and all ten
    names are that dataset's, so that its models can be asked; otherwise the folders are sorted by name, or number.

    Args:
        folders: of class folders; several have their classes in common.

    Raises:
        DataError: no such folder, no class folders with pictures in it, or more classes than a label can tell.
    """
    inside: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise DataError(
                f"{folder}: expected a folder with a folder of photos for each class, found no such folder."
            )
        for one in _folders_in(folder):
            inside.setdefault(one.name, []).extend(_pictures_in(one))
    inside = {name: inside[name] for name in sorted(inside, key=lambda name: _by_number(Path(name))) if inside[name]}
    if not inside:
        raise DataError(
            f"{folders[0]}: expected a folder of photos for each class, found no folder with pictures in it. Two parts "
            "are read from folders named train and test."
        )
    if len(inside) > MOST_CLASSES:
        raise DataError(f"{folders[0]}: expected at most {MOST_CLASSES} classes, found {len(inside)} folders.")
    known = {folder_name(name).casefold(): label for label, name in enumerate(class_names)}
    if all(name.casefold() in known for name in inside):
        labels, names = {name: known[name.casefold()] for name in inside}, class_names
    else:
        labels, names = {name: label for label, name in enumerate(inside)}, tuple(inside)
    return [(path, labels[name]) for name, paths in inside.items() for path in paths], names


def _label_checker() -> Predictor | None:
    """Return the network for photos; None where ONNX Runtime, which asks it, is not installed."""
    return open_predictor(PHOTO_MODEL) if find_spec("onnxruntime") is not None else None


def _prepared(
    photos: Sequence[tuple[Path, int]], log: Callable[[str], None], checker: Predictor | None
) -> tuple[list[Taken], list[LeftOut]]:
    """Prepare the photos on all cores; only the small images are kept."""
    taken, left_out = [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, one in enumerate(pool.map(lambda photo: _one(photo[0], photo[1], checker), photos), 1):
            if isinstance(one, Taken):
                taken.append(one)
            else:
                left_out.append(one)
            if number % 200 == 0:
                log(f"{number:,} of {len(photos):,} photos")
    return taken, left_out


def _one(path: Path, label: int, checker: Predictor | None) -> Taken | LeftOut:
    try:
        if is_grey_of_size(path, (EDGE, EDGE)):
            image = read_pictures(path)[0]
            notes = ("its background is light",) if have_light_background(image[None])[0] else ()
            return Taken(path, label, image, np.stack([image] * 3, axis=-1), notes, is_data=True)
        prepared = prepare_photo(path, with_steps=False)
    except FittingRoomError as error:
        return LeftOut(path, str(error))
    if not prepared.is_found:
        return LeftOut(path, f"{path}: {prepared.warnings[-1]}")
    before = thumbnail(prepared.photo.pixels, THUMBNAIL)
    called = "" if checker is None else _called_otherwise(prepared.photo, label, checker)
    return Taken(path, label, prepared.image, before, prepared.warnings, called=called)


def _called_otherwise(photo: Opened, label: int, checker: Predictor) -> str:
    """Return what the network for photos calls a photo where it is sure, and that is not its class."""
    probabilities, scores = checker.ask(whole_photo(photo, checker.image_shape or SIZE)[None])
    best = int(probabilities[0].argmax())
    if scores[0] > checker.threshold:
        return f"none of the classes ({scores[0]:.2f})"
    confidence = float(probabilities[0, best])
    return f"{class_names[best]} ({confidence:.0%})" if best != label and confidence >= UNSURE else ""


def _split(taken: Sequence[Taken]) -> tuple[Split, Split]:
    labels = np.array([one.label for one in taken], np.uint8)
    whole = Split("train", np.stack([one.image for one in taken]), labels, np.arange(len(taken)))
    rest, held = hold_out(whole, max(1, round(len(taken) / (TRAIN_TO_TEST + 1))), seed=0)
    return rest, held


def _split_as_laid_out(taken: Sequence[Taken], parts: Sequence[Path]) -> tuple[Split, Split]:
    """Divide as the pictures were divided, into the folders train and test."""
    splits = []
    for name, part in zip(("train", "test"), parts, strict=True):
        places = np.array([index for index, one in enumerate(taken) if one.path.is_relative_to(part)], np.int64)
        if not len(places):
            raise UsageError(f"{part}: expected at least one picture that can be used, received none.")
        labels = np.array([taken[index].label for index in places], np.uint8)
        splits.append(Split(name, np.stack([taken[index].image for index in places]), labels, places))
    return splits[0], splits[1]


def _write(folder: Path, train: Split, test: Split, taken: Sequence[Taken], imported: Imported, ending: str) -> None:
    arrays = (train.images, train.labels, test.images, test.labels)
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        write_idx(folder / f"{name}{ending}", array)
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
    yield f"{imported.as_data} of them were 28x28 and grey, and were taken to the byte."
    yield f"{len(train)} for training and {len(test)} for testing, {imported.divided}."
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
    yield ""
    yield f"Surely called otherwise by {PHOTO_MODEL}; are they in the right folder?"
    yield from imported.called_otherwise
