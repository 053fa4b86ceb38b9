"""Loading: one way in for every dataset, verified, with a word on where it came from.

Looked at in this order: ``data_dir`` or ``FITTINGROOM_DATA``; our cache; what other libraries put on this disk; https
mirrors; Debian's package. A folder that the user names is used as it is: a wrong file in it is an error, never a reason
to look elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.data.cache import array_path, cache_folder, invalidate, read_all, rehash
from fittingroom.data.catalog import DATASETS, FILE_NAMES, KnownDataset, KnownFile
from fittingroom.data.dataset import Dataset, Split
from fittingroom.data.folder import candidates, find_files, foreign_places, hash_file, load_folder
from fittingroom.data.foreign_loading import is_foreign, load_foreign
from fittingroom.data.kin_files import find_kin, load_kin, not_fetched
from fittingroom.data.large_files import hash_through, large_header
from fittingroom.data.mnist_kin import KIN
from fittingroom.data.sources import fill_cache, keep
from fittingroom.data.verified import check_hash, read_verified
from fittingroom.errors import DataError, DataNotFoundError, UsageError
from fittingroom.lookup import look_up
from fittingroom.progress import Log, no_log

if TYPE_CHECKING:
    from fittingroom.arrays import Array


DATA_VARIABLE = "FITTINGROOM_DATA"
Pair: TypeAlias = "tuple[Array, Array]"


@dataclass(frozen=True)
class FileCheck:
    """What a full look at one file found.

    Attributes:
        name: as in `FILE_NAMES`.
        path: of the file that was looked at.
        sha256: of its decompressed bytes, 64 hex digits; None where it cannot be read.
        problem: what is wrong and what to do, or None where it is sound.
    """

    name: str
    path: Path
    sha256: str | None
    problem: str | None

    @property
    def ok(self) -> bool:
        """Whether the file is what it should be."""
        return self.problem is None


def load(name: str | Path = "fashion-mnist", *, data_dir: Path | None = None, log: Log = no_log) -> Dataset:
    """Return a dataset, verified; fetched first where this machine does not have it.

    Args:
        name: a known dataset, or the path of a folder with four IDX files, or of data in any other form that
            `convert_data` reads. A word that names a known dataset means that dataset; write ``./fashion-mnist`` for a
            folder of that name, or pass a `Path`.
        data_dir: a folder that holds a known dataset's four files, or has a subfolder of the dataset's name that does;
            ``FITTINGROOM_DATA`` where it is None. Nothing else is then looked at.
        log: told, a line each, where the data is from and what is being done.

    Returns:
        Images uint8 ``(n, h, w)`` and labels uint8 ``(n,)``, writable; writing to them changes no file. Images of a
        folder that take 256 MiB or more are mapped from their file instead, and read-only.

    Raises:
        UsageError: an unknown name.
        DataNotFoundError: no source has the files; the message says where to put them by hand.
        DataError: a file is not what it should be, or the cache cannot be written.
    """
    if _is_kin(name):
        return load_kin(str(name), _chosen_folder(str(name), data_dir), log)
    known = _resolve(name, data_dir)
    if isinstance(known, Path):
        log(f"Reading {'the folder ' if known.is_dir() else ''}{known}.")
        return load_foreign(known, log) if is_foreign(known) else load_folder(known, log)
    chosen = _chosen_folder(known.name, data_dir)
    if chosen is not None:
        return _load_chosen(known, chosen, log)
    return _load_cached(known, log)


def load_data(name: str | Path = "fashion-mnist") -> tuple[Pair, Pair]:
    """Return a dataset as four arrays, as ``keras.datasets.fashion_mnist.load_data()`` does.

    Args:
        name: a known dataset, or the path of a folder with four IDX files.

    Returns:
        ``(train_images, train_labels), (test_images, test_labels)``: uint8 ``(n, h, w)`` and uint8 ``(n,)``, writable.

    Raises:
        FittingRoomError: as `load`.
    """
    data = load(name)
    return (data.train.images, data.train.labels), (data.test.images, data.test.labels)


def get(name: str = "fashion-mnist", *, data_dir: Path | None = None, log: Log = no_log) -> Path:
    """Bring a known dataset into our cache, and return its folder there.

    Args:
        name: a known dataset.
        data_dir: as for `load`; its files are copied into the cache, verified. Without it, what the cache lacks is
            fetched.
        log: told of each step.

    Raises:
        UsageError: an unknown name.
        DataError: as `load`.
    """
    if _is_kin(name):
        raise DataNotFoundError(not_fetched(name))
    known = look_up(name, DATASETS, "dataset")
    chosen = _chosen_folder(known.name, data_dir)
    if chosen is None:
        _load_cached(known, log)
    else:
        log(f"{known.title}: copying {chosen} into the cache {cache_folder(known.name)}.")
        keep(known, _read_chosen(known, chosen), f"the folder {chosen}", log)
    return cache_folder(known.name)


def locate(name: str | Path = "fashion-mnist", *, data_dir: Path | None = None) -> Path | None:
    """Return the folder from which `load` would read now, without the network; None where it would have to fetch.

    Nothing is verified. A folder of another library is named only where it has all four files.

    Args:
        name: a known dataset, or the path of a folder with four IDX files.
        data_dir: as for `load`.

    Raises:
        UsageError: an unknown name.
        DataNotFoundError: a folder that was named lacks a file.
    """
    if _is_kin(name):
        files = find_kin(str(name), _chosen_folder(str(name), data_dir))
        return None if files is None else files[0].parent
    known = _resolve(name, data_dir)
    if isinstance(known, Path):
        return known if is_foreign(known) else find_files(known)[0].parent
    chosen = _chosen_folder(known.name, data_dir)
    if chosen is not None:
        return find_files(chosen)[0].parent
    folder = cache_folder(known.name)
    if all(array_path(folder, file).exists() for file in known.files):
        return folder
    places = (folder, *(place.folder for place in foreign_places(known)))
    return next((place for place in places if _has_all(place)), None)


def list_datasets() -> list[dict[str, str | None]]:
    """Return the datasets we know: name, title, where this machine has it ("found", None for nowhere), and what it is.

    Example:
        >>> [row["name"] for row in list_datasets()][0]
        'fashion-mnist'
    """
    unverified = "Not verified, not fetched."
    rows = [(name, known.title, known.description) for name, known in DATASETS.items()]
    rows += [(name, kin.title, f"{kin.description} {unverified}") for name, kin in KIN.items()]
    return [{"name": name, "title": title, "found": _found(name), "what": what} for name, title, what in rows]


def _found(name: str) -> str | None:
    try:
        found = locate(name)
    except DataError:
        if name in DATASETS:
            raise
        return None  # the folder of FITTINGROOM_DATA has others of MNIST's kin
    return None if found is None else str(found)


def verify(name: str | Path = "fashion-mnist", *, data_dir: Path | None = None) -> tuple[FileCheck, ...]:
    """Read and hash every file of a dataset in full.

    Args:
        name: a known dataset (in ``data_dir`` where that is given, otherwise in our cache), or the path of a folder.
        data_dir: as for `load`.

    Returns:
        One row a file. For a folder, "sound" means a whole IDX file, since nobody knows its hash.

    Raises:
        UsageError: an unknown name.
        DataNotFoundError: there is nothing to verify; the message says how to get it.
    """
    if _is_kin(name):
        files = find_kin(str(name), _chosen_folder(str(name), data_dir))
        if files is None:
            raise DataNotFoundError(not_fetched(str(name)))
        return tuple(_check_file(path, path.name) for path in files)
    known = _resolve(name, data_dir)
    if isinstance(known, Path):
        return tuple(_check_file(path, name) for path, name in zip(find_files(known), FILE_NAMES, strict=True))
    chosen = _chosen_folder(known.name, data_dir)
    if chosen is not None:
        pairs = zip(find_files(chosen), known.files, strict=True)
        return tuple(_check_file(path, file.name, file) for path, file in pairs)
    folder = cache_folder(known.name)
    if not any(array_path(folder, file).exists() for file in known.files):
        raise DataNotFoundError(f"{known.title} is not in {folder}. Get it with: fittingroom data get {known.name}")
    return tuple(_check_cached(folder, file) for file in known.files)


def _resolve(name: str | Path, data_dir: Path | None) -> KnownDataset | Path:
    """Tell a known dataset's name from a folder's path."""
    known = DATASETS.get(name) if isinstance(name, str) else None
    if known is not None:
        return known
    text = str(name)
    path = Path(name).expanduser()
    if isinstance(name, str) and not (os.sep in text or text.startswith((".", "~")) or path.exists()):
        look_up(text, {**DATASETS, **KIN}, "dataset")
    if data_dir is not None:
        raise UsageError(
            f"Expected a data folder only with a known dataset's name, received both {path} and {data_dir}."
        )
    return path


def _is_kin(name: str | Path) -> bool:
    return isinstance(name, str) and name in KIN


def _chosen_folder(name: str, data_dir: Path | None) -> Path | None:
    """Return the folder the user named, or its subfolder named after the dataset where that is there."""
    named = data_dir or os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    subfolder = folder / name
    return subfolder if subfolder.is_dir() else folder


def _load_chosen(known: KnownDataset, folder: Path, log: Log) -> Dataset:
    log(f"{known.title}: reading {folder}, as you asked.")
    return _dataset(known, _read_chosen(known, folder), f"the folder {folder}")


def _read_chosen(known: KnownDataset, folder: Path) -> list[Array]:
    return [read_verified(path, file) for path, file in zip(find_files(folder), known.files, strict=True)]


def _load_cached(known: KnownDataset, log: Log) -> Dataset:
    folder = cache_folder(known.name)
    kept = read_all(known)
    if kept is None:
        log(f"{known.title}: not in the cache {folder} yet.")
        kept = fill_cache(known, log)
    source = f"the cache {folder} (first from {', '.join(dict.fromkeys(file.source for file in kept))})"
    log(f"{known.title}: from {source}.")
    return _dataset(known, [file.array for file in kept], source)


def _dataset(known: KnownDataset, arrays: list[Array], source: str) -> Dataset:
    train = Split("train", arrays[0], arrays[1], np.arange(len(arrays[1])))
    test = Split("test", arrays[2], arrays[3], np.arange(len(arrays[3])))
    return Dataset(known.name, train, test, known.class_names, known.fingerprint, source)


def _has_all(folder: Path) -> bool:
    try:
        return all(candidates(folder, name) for name in FILE_NAMES)
    except DataError:
        return False


def _check_file(path: Path, name: str, file: KnownFile | None = None) -> FileCheck:
    sha256 = None
    try:
        sha256 = hash_file(path).sha256 if large_header(path) is None else hash_through(path)
        if file is not None:
            check_hash(sha256, file, str(path))
    except DataError as error:
        return FileCheck(name, path, sha256, str(error))
    return FileCheck(name, path, sha256, None)


def _check_cached(folder: Path, file: KnownFile) -> FileCheck:
    path, sha256 = array_path(folder, file), rehash(folder, file)
    try:
        if sha256 is None:
            raise DataError(f"{path}: expected an array, received none that can be read.")
        check_hash(sha256, file, str(path))
    except DataError as error:
        invalidate(folder, file)
        return FileCheck(file.name, path, sha256, f"{error} The next load fetches it anew.")
    return FileCheck(file.name, path, sha256, None)
