"""Folders of four IDX files, gzipped or not: MNIST's own form, and what torchvision keeps under NAME/raw."""

from __future__ import annotations

import gzip
import shutil
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from fittingroom.data.catalog import DATASETS, FILE_NAMES, fingerprint
from fittingroom.data.folder import (
    CLASSES_FILE,
    COLLECTIONS,
    find_collection,
    hash_file,
    is_idx_name,
    load_folder,
    read_labels,
)
from fittingroom.data.formats.contents import (
    Contents,
    Part,
    contents_of,
    read_class_names,
    rows_of,
    write_class_names,
)
from fittingroom.data.idx import encode_header, open_idx
from fittingroom.data.mnist_kin import EMNIST_CLASSES
from fittingroom.errors import DataError
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fittingroom.arrays import Array
    from fittingroom.data.catalog import KnownDataset
    from fittingroom.data.formats.contents import Chunk
    from fittingroom.progress import Log

MOST_CLASSES = 256  # a label is a byte in the files
RAW = "raw"  # torchvision's folder of the four files, below the dataset's


def is_idx_folder(path: Path) -> bool:
    """Say whether a folder has files named like the four, or like QMNIST's or EMNIST's."""
    return path.is_dir() and any(is_idx_name(one.name) for one in path.iterdir())


def is_torchvision_root(path: Path) -> bool:
    """Say whether a folder has a torchvision dataset below it, as NAME/raw or raw."""
    return path.is_dir() and bool(_raw_folders(path))


def _raw_folders(path: Path) -> list[Path]:
    return [folder for pattern in (RAW, f"*/{RAW}") for folder in sorted(path.glob(pattern)) if is_idx_folder(folder)]


def read_torchvision(path: Path, log: Log) -> Contents:
    """Return the contents of the one dataset below a torchvision root.

    Args:
        path: holds NAME/raw, or raw.
        log: takes one line for each choice that was made.

    Raises:
        DataError: several datasets, or files that are not sound.
    """
    found = _raw_folders(path)
    if len(found) != 1:
        names = ", ".join(str(folder) for folder in found) or "none"
        raise DataError(f"{path}: expected one folder NAME/{RAW} of four IDX files, found {names}. Name the one meant.")
    contents = read_idx_folder(found[0], log)
    return Contents(found[0].parent.name, contents.train, contents.test, contents.class_names)


def read_idx_folder(path: Path, log: Log) -> Contents:
    """Return the contents of a folder of four IDX files, of bytes in chunks, of other pixels at once.

    Args:
        path: as for `load_folder`.
        log: takes one line for each choice that was made.

    Raises:
        DataError: as `load_folder`.
    """
    collection, files = find_collection(path)
    if not (_is_of_bytes(files[0]) and _is_of_bytes(files[2])):
        return contents_of(load_folder(path, log))
    if collection:
        log(f"{path}: {COLLECTIONS[collection.partition('-')[0]]}")
    known = _known(files)
    names = read_class_names(path) or (known.class_names if known else EMNIST_CLASSES.get(collection))
    train = Part("train", partial(_chunks, files[0], files[1], collection))
    test = Part("test", partial(_chunks, files[2], files[3], collection))
    return Contents(known.name if known else collection or path.resolve().name, train, test, names)


def _is_of_bytes(path: Path) -> bool:
    with open_idx(path) as (header, _):
        return header.dtype == np.uint8 and len(header.shape) == 3


def _known(files: tuple[Path, ...]) -> KnownDataset | None:
    """Return the dataset that four files are, to the bit; they are hashed only where their sizes are a known one's."""
    sizes = []
    for path in files:
        with open_idx(path) as (header, _):
            sizes.append(header.total_bytes)
    for known in DATASETS.values():
        if [file.size_bytes for file in known.files] == sizes:
            mark = fingerprint(hash_file(path).sha256 for path in files)
            return next((one for one in DATASETS.values() if one.fingerprint == mark), None)
    return None


def _chunks(images: Path, labels: Path, collection: str) -> Iterator[Chunk]:
    numbers = read_labels(labels, collection)
    with open_idx(images) as (header, stream):
        count, height, width = header.shape
        if count != len(numbers):
            raise DataError(
                f"{images}: expected as many images as labels, received {counted(count, 'image')} and "
                f"{counted(len(numbers), 'label')}."
            )
        step = rows_of(height * width)
        for start in range(0, count, step):
            part = numbers[start : start + step]
            raw = stream.read(len(part) * height * width)
            if len(raw) < len(part) * height * width:
                raise DataError(f"{images}: the file is cut short, within image {start:,} or later. Get it again.")
            pixels = np.frombuffer(raw, np.uint8).reshape(len(part), height, width)
            yield pixels.transpose(0, 2, 1) if collection.startswith("emnist") else pixels, part
        if stream.read(1):
            raise DataError(f"{images}: expected {counted(count, 'image')}, received more bytes. Get the file again.")


def write_idx_folder(contents: Contents, out: Path) -> None:
    """Write four IDX files with ``classes.txt`` into a folder.

    Args:
        contents: with both parts, checked.
        out: an empty folder.

    Raises:
        DataError: no test part, or a label that no byte holds.
    """
    if contents.test is None:
        raise DataError(
            f"{contents.name}: the four IDX files have a test part, and this has none. Name it with --test PATH, or "
            "hold images out for it with --hold-out COUNT."
        )
    for index, part in enumerate((contents.train, contents.test)):
        _write_part(part, out / FILE_NAMES[2 * index], out / FILE_NAMES[2 * index + 1])
    write_class_names(out / CLASSES_FILE, contents.class_names)


def write_gzipped_idx_folder(contents: Contents, out: Path) -> None:
    """Write four gzipped IDX files with ``classes.txt`` into a folder.

    Args:
        contents: with both parts, checked.
        out: an empty folder.

    Raises:
        DataError: as `write_idx_folder`.
    """
    write_idx_folder(contents, out)
    for name in FILE_NAMES:
        _gzip(out / name, out / f"{name}.gz")
        (out / name).unlink()


def write_torchvision(contents: Contents, out: Path) -> None:
    """Write four IDX files where torchvision looks for them: FashionMNIST/raw of a known dataset, else MNIST/raw.

    Args:
        contents: with both parts, checked.
        out: an empty folder, torchvision's ``root``.

    Raises:
        DataError: as `write_idx_folder`.
    """
    known = DATASETS.get(contents.name)
    folder = out / (known.torchvision_folder if known else "MNIST") / RAW
    folder.mkdir(parents=True)
    write_idx_folder(contents, folder)


def _write_part(part: Part, images_path: Path, labels_path: Path) -> None:
    count, shape = 0, (0, 0)
    with images_path.open("wb") as images_file, labels_path.open("wb") as labels_file:
        images_file.write(encode_header(np.dtype(np.uint8), (0, 0, 0)))
        labels_file.write(encode_header(np.dtype(np.uint8), (0,)))
        for images, labels in part.chunks():
            images_file.write(np.ascontiguousarray(images).data)
            labels_file.write(_as_bytes(labels).data)
            count, shape = count + len(labels), (images.shape[1], images.shape[2])
        _overwrite_header(images_file, (count, *shape))
        _overwrite_header(labels_file, (count,))


def _overwrite_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    file.seek(0)
    file.write(encode_header(np.dtype(np.uint8), shape))


def _as_bytes(labels: Array) -> Array:
    if int(labels.max()) >= MOST_CLASSES:
        raise DataError(
            f"Expected labels in 0..{MOST_CLASSES - 1}, which a byte of IDX holds, received {labels.max()}."
        )
    return labels.astype(np.uint8)


def _gzip(path: Path, target: Path) -> None:
    with path.open("rb") as plain, target.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as zipped:
        shutil.copyfileobj(plain, zipped, 1 << 20)
