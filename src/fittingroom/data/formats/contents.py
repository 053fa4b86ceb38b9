"""What every format is read into and written from: a train and a test part, in chunks, with the classes' names."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fittingroom.arrays import Array, Images, Labels, check_labels, check_same_length
from fittingroom.data.dataset import draw_stratified
from fittingroom.data.folder import CLASSES_FILE, read_names
from fittingroom.errors import DataError, UsageError
from fittingroom.extras import install_line
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fittingroom.data.dataset import Dataset

Chunk: TypeAlias = "tuple[Images, Labels]"
MOST_CLASSES = 1 << 16  # beyond it a number is no class's
CHUNK_BYTES = 8 << 20  # pixels held at once by a reader: 10,000 images of 28x28


@dataclass(frozen=True)
class Part:
    """One part of a dataset, read as often as it is asked for.

    Attributes:
        name: "train" or "test".
        chunks: gives images uint8 ``(k, h, w)`` and labels ``(k,)``, in the order of the source, each time from the
            beginning.
    """

    name: str
    chunks: Callable[[], Iterator[Chunk]]


@dataclass(frozen=True)
class Contents:
    """What a file or folder holds.

    Attributes:
        name: of the dataset, from the name of the file or folder.
        train: the training part; of a source without parts all of it.
        test: the test part, or None where the source has none.
        class_names: by label; None where the source does not name them.
    """

    name: str
    train: Part
    test: Part | None
    class_names: tuple[str, ...] | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that there are."""
        return (self.train,) if self.test is None else (self.train, self.test)


def library(name: str, format_name: str) -> Any:
    """Return a library of the extra ``formats``.

    Args:
        name: of the module.
        format_name: what it is needed for, for the message.

    Raises:
        UsageError: it is not installed.

    Example:
        >>> library("no_such_module", "Parquet")
        Traceback (most recent call last):
        fittingroom.errors.UsageError: Parquet needs no_such_module, which is not installed. Install it: ...
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UsageError(
            f"{format_name} needs {package}, which is not installed. Install it: {install_line('formats')}"
        ) from error


def rows_of(image_bytes: int) -> int:
    """Return how many images of a size are held at once.

    Args:
        image_bytes: of one image.

    Example:
        >>> rows_of(28 * 28)
        10699
    """
    return max(1, CHUNK_BYTES // max(1, image_bytes))


def part_of_arrays(name: str, images: Array, labels: Array) -> Part:
    """Return arrays in memory as a part.

    Args:
        name: "train" or "test".
        images: uint8 ``(n, h, w)``.
        labels: ``(n,)``.
    """
    step = rows_of(images[:1].nbytes)

    def chunks() -> Iterator[Chunk]:
        for start in range(0, len(images), step):
            yield images[start : start + step], labels[start : start + step]

    return Part(name, chunks)


def contents_of(data: Dataset) -> Contents:
    """Return a dataset in memory as contents.

    Args:
        data: as `load` gives it.
    """
    train = part_of_arrays("train", data.train.images, data.train.labels)
    test = part_of_arrays("test", data.test.images, data.test.labels)
    return Contents(data.name, train, test, data.class_names)


def gathered(part: Part) -> Chunk:
    """Return a whole part as two arrays, for the formats that are written at once.

    Args:
        part: to read.

    Returns:
        uint8 ``(n, h, w)`` and labels ``(n,)``.
    """
    images, labels = zip(*part.chunks(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def checked(contents: Contents, where: str) -> Contents:
    """Return contents whose chunks are checked while they are read.

    Args:
        contents: as a reader gave them.
        where: the source, for messages.

    Raises:
        DataError: (while they are read) no images, images of several sizes, pixels that are only 0 and 1, labels
            below 0 or without a name.
    """
    shapes: set[tuple[int, int]] = set()

    def guarded(part: Part) -> Part:
        return Part(part.name, lambda: _guarded(part, contents.class_names, f"{where}, {part.name}", shapes))

    test = None if contents.test is None else guarded(contents.test)
    return Contents(contents.name, guarded(contents.train), test, contents.class_names)


def _guarded(part: Part, names: tuple[str, ...] | None, where: str, shapes: set[tuple[int, int]]) -> Iterator[Chunk]:
    count, brightest = 0, 0
    for images, labels in part.chunks():
        if images.dtype != np.uint8 or images.ndim != 3 or not images.size:
            raise DataError(f"{where}: expected images (n, height, width), received {images.dtype} {images.shape}.")
        check_same_length(images, labels, where)
        shapes.add((images.shape[1], images.shape[2]))
        if len(shapes) > 1:
            sizes = " and ".join(f"{height}x{width}" for height, width in sorted(shapes))
            raise DataError(f"{where}: expected images of one size, received {sizes} pixels.")
        numbers = _numbered(labels, names, where, count)
        count, brightest = count + len(images), max(brightest, int(images.max()))
        yield images, numbers
    if not count:
        raise DataError(f"{where}: expected at least one image, received none.")
    if brightest == 1:
        raise DataError(
            f"{where}: expected pixels in 0..255, received only 0 and 1, which are nearly black. If 1 means white, "
            "multiply them by 255 first."
        )


def _numbered(labels: Array, names: tuple[str, ...] | None, where: str, before: int) -> Labels:
    at = f"{where}, from image {before:,} on"
    if int(np.max(labels)) >= MOST_CLASSES:
        raise DataError(f"{at}: expected labels below {MOST_CLASSES:,}, received {np.max(labels)}.")
    try:
        return check_labels(labels, None if names is None else len(names), at)
    except DataError as error:
        from_1 = names is not None and int(np.max(labels)) == len(names)
        hint = " If they count from 1, say --labels-from 1." if from_1 else ""
        raise DataError(f"{str(error).partition(' If they count')[0]}{hint}") from error


def counted_from(contents: Contents, first: int) -> Contents:
    """Return contents with labels counted from 0 that the source counts from another number.

    Args:
        contents: as a reader gave them.
        first: the number of the first class in the source.
    """
    if not first:
        return contents

    def shifted(part: Part) -> Part:
        return Part(part.name, lambda: ((images, labels.astype(np.int64) - first) for images, labels in part.chunks()))

    test = None if contents.test is None else shifted(contents.test)
    return Contents(contents.name, shifted(contents.train), test, contents.class_names)


def held_out(contents: Contents, count: int) -> Contents:
    """Return contents of which some training images are the test part, every class in proportion, seed 0.

    The labels are read once for the draw; the images are not kept.

    Args:
        contents: without a test part, checked.
        count: how many images to hold out, 1 to n - 1.

    Raises:
        UsageError: there is a test part already, or nothing would be left.
    """
    if contents.test is not None:
        raise UsageError(f"{contents.name}: has a test part already, so none is held out.")
    labels = np.concatenate([labels for _, labels in contents.train.chunks()])
    if not 0 < count < len(labels):
        raise UsageError(
            f"Expected to hold out 1 to {len(labels) - 1} of {counted(len(labels), 'image')}, not {count}."
        )
    is_held = np.zeros(len(labels), bool)
    is_held[draw_stratified(labels, count, np.random.default_rng(0))] = True
    train = Part("train", lambda: _where(contents.train, ~is_held))
    return Contents(contents.name, train, Part("test", lambda: _where(contents.train, is_held)), contents.class_names)


def _where(part: Part, is_wanted: Array) -> Iterator[Chunk]:
    start = 0
    for images, labels in part.chunks():
        wanted = is_wanted[start : start + len(labels)]
        start += len(labels)
        if wanted.any():
            yield images[wanted], labels[wanted]


def classes_file(path: Path) -> Path:
    """Return where the class names of a single file are written, and looked for first.

    Example:
        >>> from pathlib import Path
        >>> classes_file(Path("hats.csv")).name
        'hats.classes.txt'
    """
    return path.with_suffix(f".{CLASSES_FILE}")


def read_class_names(path: Path) -> tuple[str, ...] | None:
    """Return the class names that lie beside a file, or in a folder; None where there are none.

    Args:
        path: of the file, whose own names go before those of its folder, or of the folder.

    Raises:
        DataError: a file of names that is no text, or in which two names are the same.
    """
    places = [path / CLASSES_FILE] if path.is_dir() else [classes_file(path), path.parent / CLASSES_FILE]
    found = next((place for place in places if place.is_file()), None)
    return None if found is None else read_names(found)


def write_class_names(path: Path, names: Sequence[str] | None) -> None:
    """Write class names, a line each; nothing where there are none.

    Args:
        path: of the file to make.
        names: by label.

    Raises:
        DataError: a name that a line cannot hold, or two that are the same.
    """
    if names is None:
        return
    if len(set(names)) < len(names):
        raise DataError(f"{path.name}: expected a name for each class, each another, received {', '.join(names)}.")
    for name in names:
        if name.strip() != name or not name or len(name.splitlines()) != 1:
            raise DataError(f"{path.name}: expected class names of one line each, received {name!r}. Rename the class.")
    path.write_text("".join(f"{name}\n" for name in names), "utf-8")
