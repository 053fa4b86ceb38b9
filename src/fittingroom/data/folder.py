"""Any dataset in this format: a folder with four IDX files, and perhaps the names of its classes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fittingroom.arrays import Array, check_images, check_labels, check_same_length, is_binary
from fittingroom.data.catalog import DATASETS, FILE_NAMES, fingerprint
from fittingroom.data.dataset import Dataset, Split
from fittingroom.data.foreign_files import advice
from fittingroom.data.idx import decode, encode, read_raw, reading, write_idx, writing
from fittingroom.data.large_files import large_header, open_large
from fittingroom.data.mnist_kin import EMNIST_CLASSES, KIN
from fittingroom.data.verified import sha256_of
from fittingroom.errors import DataError, DataNotFoundError, UsageError
from fittingroom.files import at_home
from fittingroom.progress import Log, audible, no_log

if TYPE_CHECKING:
    from fittingroom.data.catalog import KnownDataset


TORCHVISION_ROOTS = ("data", "datasets", ".", "~/data", "~/datasets")


def is_idx_name(name: str) -> bool:
    """Say whether a file or folder is named like one of the four files, of MNIST's kin, QMNIST or EMNIST.

    Example:
        >>> is_idx_name("emnist-letters-train-labels-idx1-ubyte.gz"), is_idx_name("train")
        (True, False)
    """
    return FOREIGN_NAME.match(name) is not None or any(name in spellings(usual) for usual in FILE_NAMES)


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
    keras = at_home(os.environ.get("KERAS_HOME") or "~/.keras") / "datasets" / known.keras_folder
    torchvision = [at_home(root) / known.torchvision_folder / "raw" for root in TORCHVISION_ROOTS]
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
    """Return what a folder holds under any spelling of a file's name; in a folder of that name, the file inside.

    Args:
        folder: to look in; it need not exist.
        name: as in `FILE_NAMES`.

    Raises:
        DataError: the folder cannot be searched.
    """
    with reading(folder):
        found = [path for spelling in spellings(name) if (path := folder / spelling).exists()]
        return tuple(_inside(path, spellings(name)) if path.is_dir() else path for path in found)


def _inside(folder: Path, names: tuple[str, ...]) -> Path:
    """Return the file in a folder of its own name, as unpacking programs make them; the folder where there is none."""
    inside = [one for one in sorted(folder.iterdir()) if one.is_file()]
    named = [one for one in inside if one.name in names]
    return named[0] if named else inside[0] if len(inside) == 1 else folder


FOREIGN_NAME = re.compile(
    r"(?P<collection>qmnist|emnist-[a-z]+)-(?P<part>train|test)-(?P<what>images|labels)[-.]idx[1-3]-(ubyte|int)(\.gz)?$"
)
COLLECTIONS = {  # what is done to the files of each, for the user
    "qmnist": "QMNIST by its names: of the eight columns of its labels the first, the digit, is taken.",
    "emnist": "EMNIST by its names: its pictures are turned upright, and letters counted from 1 are counted from 0.",
}
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


def load_folder(folder: Path, log: Log = no_log, *, collection: str | None = None) -> Dataset:
    """Return the dataset in a folder.

    The folder holds four IDX files, gzipped or not, under their usual names or those of QMNIST or EMNIST, with images
    of any size and any number of classes. Images of 256 MiB and more stay in their file, mapped and read-only.
    ``classes.txt`` names the classes, a line each; without it they are "0", "1" and so on. Where the four files are a
    dataset we know, to the bit, the dataset has that one's name and classes.

    Args:
        folder: where the files are.
        log: takes one line for each choice that was made: labels shifted, pictures turned, pixels scaled back.
        collection: whose files are meant where the folder has those of several, as `find_collection` tells them.

    Raises:
        DataNotFoundError: there is no such folder, or it lacks a file.
        DataError: a file cannot be read or is not sound, or the files do not fit together.
    """
    collection, paths = find_collection(folder, collection)
    files = [
        _adapted(_opened(path, collection, log), name, collection) for name, path in zip(FILE_NAMES, paths, strict=True)
    ]
    if collection:
        log(f"{folder}: {COLLECTIONS[collection.partition('-')[0]]}")
    train, test = _split("train", files[0], files[1], log), _split("test", files[2], files[3], log)
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DataError(
            f"{folder}: expected train and test images of one size, received {_size(train)} and {_size(test)} pixels."
        )
    mark = fingerprint(file.sha256 for file in files)
    known = next((known for known in DATASETS.values() if known.fingerprint == mark), None)
    highest, lowest = (int(f((f(train.labels), f(test.labels)))) for f in (np.max, np.min))
    names = _class_names(folder, known, 1 + highest, EMNIST_CLASSES.get(collection))
    from_1 = f"If labels count from 1: fittingroom data import {folder} --labels-from 1 --out NEW"
    for split, file in ((train, files[1]), (test, files[3])):
        if lowest == 1 and highest == len(names):
            raise DataError(f"{file.path}: expected labels in 0..{len(names) - 1}, received 1..{highest}. {from_1}")
        check_labels(split.labels, len(names), str(file.path))
    if lowest == 1:
        log(f"{folder}: no image has label 0. {from_1}")
    return Dataset(known.name if known else _name(folder), train, test, names, mark, f"the folder {folder}")


def rewrite(folder: Path, out: Path, *, labels_from: int = 0, gzipped: bool = False, log: Log = no_log) -> Dataset:
    """Write a folder's dataset anew, as four files of bytes under their usual names, with ``classes.txt``.

    Args:
        folder: as for `load_folder`.
        out: a folder to make; new or empty.
        labels_from: the number of the first class in the files; labels are counted from 0 afterwards.
        gzipped: write the files gzipped.
        log: takes one line for each choice that was made.

    Raises:
        UsageError: something is in the new folder.
        DataError: as `load_folder`; a label below the first, or more classes than a byte can tell.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: expected a new or an empty folder for the dataset, found something there.")
    collection, paths = find_collection(folder)
    if not collection and any(large_header(path) for path in paths):
        raise UsageError(
            f"{folder}: so large a dataset is written anew in parts, by: fittingroom data convert {folder} {out}"
            f"{f' --labels-from {labels_from}' if labels_from else ''}"
        )
    files = [_adapted(hash_file(path), name, collection) for name, path in zip(FILE_NAMES, paths, strict=True)]
    parts = (_split("train", files[0], files[1], log), _split("test", files[2], files[3], log))
    first = 0 if collection == "emnist-letters" else labels_from  # whose letters are counted from 0 already
    labels = [check_labels(part.labels.astype(np.int64) - first, 256, f"{part.name} labels") for part in parts]
    names = _class_names(folder, None, 1 + int(max(part.max() for part in labels)), EMNIST_CLASSES.get(collection))
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(FILE_NAMES):
            array = parts[index // 2].images if index % 2 == 0 else labels[index // 2].astype(np.uint8)
            write_idx(out / f"{name}{'.gz' if gzipped else ''}", array)
        (out / CLASSES_FILE).write_text("\n".join(names) + "\n", "utf-8")
    return load_folder(out)


def find_files(folder: Path) -> tuple[Path, ...]:
    """Return the four files in a folder, in the order of `FILE_NAMES`.

    Args:
        folder: where to look.

    Raises:
        DataNotFoundError: there is no such folder, or it lacks a file; where what is there is known, the message says
            how to turn it into arrays.
    """
    return find_collection(folder)[1]


def find_collection(folder: Path, collection: str | None = None) -> tuple[str, tuple[Path, ...]]:
    """Return whose names the four files in a folder have ("" for the usual ones, "qmnist", "emnist-letters"), and them.

    Args:
        folder: where to look.
        collection: whose names are meant; None for the only ones that are there.

    Raises:
        DataNotFoundError: as `find_files`.
        DataError: the folder holds several such collections.
    """
    with reading(folder):
        if folder.is_file():
            hint = advice(folder) or "Name the folder that holds them."
            raise DataNotFoundError(f"{folder}: expected a folder with four IDX files, received a file. {hint}")
        if not folder.is_dir():
            raise DataNotFoundError(
                f"{folder}: expected a folder with four IDX files, received no such folder. Check the path."
            )
    found = [candidates(folder, name) for name in FILE_NAMES]
    if all(found) and not collection:
        return "", tuple(paths[0] for paths in found)
    others = {name: files for name, files in _collections(folder).items() if collection in (None, name)}
    if len(others) > 1:
        raise DataError(
            f"{folder}: expected four IDX files, found those of {', '.join(sorted(others))}. Put the four of one into "
            "a folder of their own."
        )
    if others:
        return next(iter(others.items()))
    missing = [f"{name}[.gz]" for name, paths in zip(FILE_NAMES, found, strict=True) if not paths]
    hint = advice(folder) or f"Put {'them' if len(missing) > 1 else 'it'} there."
    raise DataNotFoundError(
        f"{folder}: expected the four IDX files {', '.join(FILE_NAMES)} (gzipped or not), "
        f"received a folder without {', '.join(missing)}. {hint}"
    )


def _collections(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the whole collections of QMNIST or EMNIST in a folder, by name."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):  # of both, the gzipped one counts, as elsewhere: it comes last
        match = FOREIGN_NAME.match(path.name)
        if match is not None:
            part = f"{match['part']}-{match['what']}"
            found.setdefault(match["collection"], {})[part] = _inside(path, (path.name,)) if path.is_dir() else path
    parts = ("train-images", "train-labels", "test-images", "test-labels")
    return {name: tuple(files[part] for part in parts) for name, files in found.items() if set(parts) <= set(files)}


def _adapted(file: HashedFile, name: str, collection: str) -> HashedFile:
    """Return a file of QMNIST or EMNIST as the array that it stands for, with the hash of that array's own file."""
    array = file.array
    if collection == "qmnist" and "labels" in name and array.ndim == 2:
        array = array[:, 0]  # of eight columns the digit; the others tell of the writer
    elif collection.startswith("emnist") and "images" in name and array.ndim == 3:
        array = np.ascontiguousarray(array.transpose(0, 2, 1))
    elif collection == "emnist-letters" and "labels" in name and array.size and array.min() >= 1:
        array = array - np.ones((), array.dtype)
    if array is file.array:
        return file
    raw = encode(array)
    return HashedFile(file.path, sha256_of(np.frombuffer(raw, np.uint8)), len(raw), array)


def hash_file(path: Path) -> HashedFile:
    """Read an IDX file and hash it.

    Args:
        path: of the file, gzipped or not.

    Raises:
        DataError: the file cannot be read, or is not a whole and sound IDX file.
    """
    raw = read_raw(path)
    return HashedFile(path, sha256_of(raw), len(raw), decode(raw, str(path)))


def _opened(path: Path, collection: str, log: Log) -> HashedFile:
    """Read an IDX file and hash it; one that is large stays where it is, unless its pictures are to be turned."""
    if collection or large_header(path) is None:
        return hash_file(path)
    found = open_large(path, log)
    return HashedFile(path, found.sha256, found.size_bytes, _with_three_axes(found.array, str(path)))


def _with_three_axes(array: Array, where: str) -> Array:
    """Return a large file's images as ``(n, h, w)`` without a copy, or say what is wrong with them."""
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[3]):
        return array[:, 0] if array.shape[1] == 1 else array[..., 0]
    if array.ndim != 3:
        check_images(array[:1], where, no_log)  # says so of colour
        raise DataError(
            f"{where}: expected grey pictures (n, height, width), received {array.shape}. Large files are not turned "
            "into another shape: write them with three axes."
        )
    return array


def read_labels(path: Path, collection: str = "") -> Array:
    """Return the labels in an IDX file, counted from 0.

    Args:
        path: of the file, gzipped or not.
        collection: whose names the files have, as `find_collection` tells.

    Raises:
        DataError: the file cannot be read, or holds no labels.
    """
    return _numbers(_adapted(hash_file(path), "labels", collection))


def _split(name: str, images: HashedFile, labels: HashedFile, log: Log) -> Split:
    pixels, numbers = _pixels(images, log), _numbers(labels)
    check_same_length(pixels, numbers, f"{images.path} and {labels.path.name}")
    return Split(name, pixels, numbers, np.arange(len(numbers)))


def _pixels(file: HashedFile, log: Log) -> Array:
    array = file.array
    if array.ndim < 3 or not array.size:
        raise DataError(
            f"{file.path}: expected images (n, height, width), not empty, received {array.dtype} {array.shape}. "
            "Are the files under each other's names?"
        )
    if array.dtype == np.uint8 and is_binary(array):
        path = repr(str(file.path))
        raise DataError(
            f"{file.path}: expected pixels in 0..255, received only 0 and 1, which are nearly black. If 1 means white, "
            "in Python: from pathlib import Path; from fittingroom.data import read_idx, write_idx; "
            f"write_idx(Path({path}), read_idx(Path({path})) * 255)"
        )
    return check_images(array, str(file.path), audible(log), len(array))


def _numbers(file: HashedFile) -> Array:
    numbers = check_labels(file.array, where=str(file.path))
    return numbers.astype(np.uint8) if not numbers.size or numbers.max() <= 255 else numbers


def _class_names(
    folder: Path, known: KnownDataset | None, at_least: int, usual: tuple[str, ...] | None
) -> tuple[str, ...]:
    path = folder / CLASSES_FILE
    with reading(path):
        if path.exists():
            return read_names(path)
    if known is not None:
        return known.class_names
    return usual if usual and len(usual) >= at_least else tuple(str(label) for label in range(at_least))


def read_names(path: Path) -> tuple[str, ...]:
    """Return the class names in a file, a name a line.

    Args:
        path: of the file.

    Raises:
        DataError: other bytes than UTF-8, no name, or two that are the same.
    """
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
    return f"{name}-folder" if name in DATASETS or name in KIN else name


def _size(split: Split) -> str:
    return "x".join(str(size) for size in split.images.shape[1:])
