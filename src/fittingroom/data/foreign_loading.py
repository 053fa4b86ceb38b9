"""Datasets that are no four IDX files, loaded all the same: turned into them once, in our cache.

``<cache>/converted/<key>/`` holds the four files. The key is made of the source's path and of the size and time of each
of its files: a source that changed is read again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from fittingroom.data.cache import alone, cache_folder
from fittingroom.data.catalog import DATASETS
from fittingroom.data.folder import CLASSES_FILE, load_folder
from fittingroom.data.formats.contents import Contents, checked, classes_file
from fittingroom.data.formats.format_table import read_contents, recognised
from fittingroom.data.formats.idx_folders import write_idx_folder
from fittingroom.data.idx import reading, writing
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.data.dataset import Dataset
    from fittingroom.progress import Log

CONVERTED = "converted"  # folder of the cache
IDX = {"idx", "idx.gz"}
FILES = "files"  # of a key's folder: the four files, which appear whole


def is_foreign(path: Path) -> bool:
    """Say whether a file or folder is a dataset of another form than four IDX files.

    Args:
        path: of a file or folder; it need not exist.
    """
    return path.exists() and bool(found := recognised(path)) and not IDX & set(found)


def load_foreign(path: Path, log: Log) -> Dataset:
    """Return the dataset in a file or folder of another form; it is turned into IDX files in our cache the first time.

    Args:
        path: of the file or folder, see `is_foreign`.
        log: takes one line for each choice that was made.

    Raises:
        DataError: it is not sound, has no test part, or the cache cannot be written.
    """
    contents = checked(read_contents(path, None, log), str(path))
    next(contents.train.chunks())  # what is wrong with the pictures is said before what is missing
    if contents.test is None:
        raise DataError(
            f"{path}: expected a training and a test part, found no test part. Make a dataset of it with: "
            f"fittingroom data convert {path} NEW --hold-out COUNT (or --test PATH, where the test part is elsewhere)"
        )
    folder = cache_folder(CONVERTED) / _key(path)
    with alone(folder, log) as work:
        if not (folder / FILES).is_dir():
            log(f"{path}: turning it into IDX files in the cache {folder}.")
            with writing(folder):
                _fill(contents, work / FILES, folder / FILES)
    data = load_folder(folder / FILES, log)
    name = _name(contents) if data.name == FILES else data.name  # a known dataset is known by its hashes
    return replace(data, name=name, source=f"{path}, turned into IDX files in the cache")


def _fill(contents: Contents, work: Path, target: Path) -> None:
    work.mkdir()
    write_idx_folder(contents, work)
    work.rename(target)


def _name(contents: Contents) -> str:
    return f"{contents.name}-file" if contents.name in DATASETS or contents.name in KIN else contents.name


def _key(path: Path) -> str:
    """Return what names a source as it is now."""
    digest = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape"))
    with reading(path):
        for file in sorted(path.rglob("*")) if path.is_dir() else _used_with(path):
            stat = file.stat()
            digest.update(f"\n{file.name} {stat.st_size} {stat.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _used_with(path: Path) -> list[Path]:
    """Return a file, and those beside it that may be read with it."""
    test = path.with_name(path.name.replace("train", "test", 1))
    beside = dict.fromkeys((path, test, classes_file(path), path.parent / CLASSES_FILE))
    return [file for file in beside if file.exists()]
