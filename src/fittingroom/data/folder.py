"""Any dataset in this format: a folder with four IDX files, and perhaps the names of its classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fittingroom.arrays import Array, check_labels, check_same_length
from fittingroom.data.catalog import DATASETS, FILE_NAMES, fingerprint
from fittingroom.data.dataset import Dataset, Split
from fittingroom.data.idx import decode, read_raw, reading
from fittingroom.data.verified import sha256_of
from fittingroom.errors import DataError, DataNotFoundError

if TYPE_CHECKING:
    from fittingroom.data.catalog import KnownDataset


TORCHVISION_ROOTS = ("data", "datasets", ".", "~/data", "~/datasets")


@dataclass(frozen=True)
class Place:
    """A folder to look in.

    Attributes:
        words: which it is, for the reader.
        folder: where it is; it need not exist.
    """

    words: str
    folder: Path


def foreign_places(known: KnownDataset) -> tuple[Place, ...]:
    """Return where other libraries keep this dataset, in the order in which to look.

    Args:
        known: the dataset.
    """
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / known.keras_folder
    torchvision = [Path(root).expanduser() / known.torchvision_folder / "raw" for root in TORCHVISION_ROOTS]
    places = [("Keras", keras), *(("torchvision", folder) for folder in torchvision)]
    if known.clone_folder is not None:
        places.append(("the original repository", Path(known.clone_folder)))
    if known.debian is not None:
        places.append(("Debian", Path("/", known.debian.folder)))
    return tuple(Place(f"the folder {folder} of {owner}", folder) for owner, folder in places)


def spellings(name: str) -> tuple[str, ...]:
    """Return the names under which people have an IDX file.

    Args:
        name: as in `FILE_NAMES`.

    Example:
        >>> spellings("train-images-idx3-ubyte")[:2]
        ('train-images-idx3-ubyte.gz', 'train-images-idx3-ubyte')
        >>> spellings("train-images-idx3-ubyte")[2:]
        ('train-images.idx3-ubyte.gz', 'train-images.idx3-ubyte')
    """
    dotted = name.replace("-idx", ".idx")
    return (f"{name}.gz", name, f"{dotted}.gz", dotted)


def candidates(folder: Path, name: str) -> tuple[Path, ...]:
    """Return what a folder holds under any spelling of a file's name.

    Args:
        folder: to look in; it need not exist.
        name: as in `FILE_NAMES`.

    Raises:
        DataError: the folder cannot be searched.
    """
    with reading(folder):
        return tuple(path for spelling in spellings(name) if (path := folder / spelling).exists())


CLASSES_FILE = "classes.txt"


class HashedFile(NamedTuple):
    """An IDX file of a folder, read.

    Attributes:
        path: of the file.
        sha256: of its decompressed bytes.
        size_bytes: decompressed.
        array: what it holds.
    """

    path: Path
    sha256: str
    size_bytes: int
    array: Array


def load_folder(folder: Path) -> Dataset:
    """Return the dataset in a folder.

    The folder holds four IDX files, gzipped or not, under their usual names, with images of any size and any number
    of classes. ``classes.txt`` names the classes, a line each; without it they are "0", "1" and so on. Where the four
    files are a dataset we know, to the bit, the dataset has that one's name and classes.

    Args:
        folder: where the files are.

    Raises:
        DataNotFoundError: there is no such folder, or it lacks a file.
        DataError: a file cannot be read or is not sound, or the files do not fit together.
    """
    files = [hash_file(path) for path in find_files(folder)]
    train, test = _split("train", files[0], files[1]), _split("test", files[2], files[3])
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DataError(
            f"{folder}: expected train and test images of one size, received {_size(train)} and {_size(test)} pixels."
        )
    mark = fingerprint(file.sha256 for file in files)
    known = next((known for known in DATASETS.values() if known.fingerprint == mark), None)
    names = _class_names(folder, known, 1 + int(max(train.labels.max(), test.labels.max())))
    for split, file in ((train, files[1]), (test, files[3])):
        check_labels(split.labels, len(names), str(file.path))
    return Dataset(known.name if known else _name(folder), train, test, names, mark, f"the folder {folder}")


def find_files(folder: Path) -> tuple[Path, ...]:
    """Return the four files in a folder, in the order of `FILE_NAMES`.

    Args:
        folder: where to look.

    Raises:
        DataNotFoundError: there is no such folder, or it lacks a file.
    """
    with reading(folder):
        if not folder.is_dir():
            raise DataNotFoundError(
                f"{folder}: expected a folder with four IDX files, received no such folder. Check the path."
            )
    found = [candidates(folder, name) for name in FILE_NAMES]
    missing = [f"{name}[.gz]" for name, paths in zip(FILE_NAMES, found, strict=True) if not paths]
    if missing:
        raise DataNotFoundError(
            f"{folder}: expected the four IDX files {', '.join(FILE_NAMES)} (gzipped or not), "
            f"received a folder without {', '.join(missing)}. Put {'them' if len(missing) > 1 else 'it'} there."
        )
    return tuple(paths[0] for paths in found)


def hash_file(path: Path) -> HashedFile:
    """Read an IDX file and hash it.

    Args:
        path: of the file, gzipped or not.

    Raises:
        DataError: the file cannot be read, or is not a whole and sound IDX file.
    """
    raw = read_raw(path)
    return HashedFile(path, sha256_of(raw), len(raw), decode(raw, str(path)))


def _split(name: str, images: HashedFile, labels: HashedFile) -> Split:
    _check_form(images, 3, "(n, height, width)")
    _check_form(labels, 1, "(n,)")
    check_same_length(images.array, labels.array, f"{images.path} and {labels.path.name}")
    return Split(name, images.array, labels.array, np.arange(len(labels.array)))


def _check_form(file: HashedFile, rank: int, form: str) -> None:
    array = file.array
    if array.dtype != np.uint8 or array.ndim != rank or not array.size:
        raise DataError(
            f"{file.path}: expected uint8 {form}, not empty, received {array.dtype} {array.shape}. "
            "Are the files under each other's names?"
        )


def _class_names(folder: Path, known: KnownDataset | None, at_least: int) -> tuple[str, ...]:
    path = folder / CLASSES_FILE
    with reading(path):
        if path.exists():
            return _read_class_names(path)
    return known.class_names if known else tuple(str(label) for label in range(at_least))


def _read_class_names(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text in UTF-8, received other bytes. Save it as UTF-8.") from error
    names = tuple(name for line in text.splitlines() if (name := line.strip()))
    if not names or len(set(names)) < len(names):
        raise DataError(f"{path}: expected one name a line, each another, received {list(names)}.")
    return names


def _name(folder: Path) -> str:
    name = folder.resolve().name or "folder"
    return f"{name}-folder" if name in DATASETS else name


def _size(split: Split) -> str:
    return "x".join(str(size) for size in split.images.shape[1:])
