"""Our cache: verified arrays as ``.npy``, mapped into memory copy-on-write, each beside a small stamp.

``<cache>/<dataset>/train-images-idx3-ubyte.npy`` is the array. Its stamp, ``.json``, holds the SHA-256 that was
verified and the size and time the file had then: while those hold, nothing is hashed. Where they do not, the array is
hashed again: it is stamped anew if it is sound, and counts as absent if it is not.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.data.idx import encode_header, writing
from fittingroom.errors import DataError
from fittingroom.files import PARTIAL, at_home, atomic_write, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.arrays import Array
    from fittingroom.data.catalog import KnownDataset, KnownFile
    from fittingroom.progress import Log

CACHE_VARIABLE = "FITTINGROOM_CACHE"


@dataclass(frozen=True)
class CachedFile:
    """A file as the cache holds it.

    Attributes:
        array: mapped copy-on-write: writing to it changes memory, never the file.
        source: where it came from, in words.
    """

    array: Array
    source: str


def cache_folder(name: str = "") -> Path:
    """Return the folder of our cache, or that of one dataset in it; it need not exist.

    Args:
        name: of a dataset; empty for the whole cache.

    Returns:
        ``$FITTINGROOM_CACHE/NAME`` where that is set, otherwise in the platform's cache folder; in that
        for temporary files where the user has no home, or one that cannot be written and does not hold it yet.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return at_home(chosen).absolute() / name
    import platformdirs

    with suppress(RuntimeError):  # newer platformdirs, of a user without a home; older ones return a relative path
        usual = Path(platformdirs.user_cache_dir("fittingroom"))
        if usual.is_absolute() and ((usual / name).is_dir() or _can_hold(usual)):
            return usual / name
    return Path(tempfile.gettempdir()) / "fittingroom-cache" / name  # what is kept is verified: any folder will do


def _can_hold(folder: Path) -> bool:
    """Say whether this user may write into a folder, or make it where it is not there."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def read(folder: Path, file: KnownFile) -> CachedFile | None:
    """Return a file from the cache, or None where the cache does not hold it, whole and verified.

    Args:
        folder: of the dataset in the cache.
        file: what is wanted.
    """
    stamp = _read_stamp(folder, file)
    if not _fits(stamp, folder, file):
        if rehash(folder, file) != file.sha256:
            return None
        with suppress(OSError):  # in a cache that cannot be written, it is hashed again the next time
            _write_stamp(folder, file, stamp.get("source", "the cache"))
    array = _map(folder, file)
    return None if array is None else CachedFile(array, stamp.get("source", "the cache"))


def read_all(known: KnownDataset) -> tuple[CachedFile, ...] | None:
    """Return a dataset's four files from the cache, or None where one of them is not there, whole and verified.

    Args:
        known: the dataset.
    """
    folder = cache_folder(known.name)
    kept = tuple(kept for file in known.files if (kept := read(folder, file)) is not None)
    return kept if len(kept) == len(known.files) else None


def store(folder: Path, file: KnownFile, array: Array, source: str) -> None:
    """Keep a verified array; the file appears whole or not at all.

    Args:
        folder: of the dataset in the cache; it exists.
        file: what the array was verified to be.
        array: uint8, of any shape.
        source: where it came from, in words.

    Raises:
        DataError: it cannot be written: no space, no permission.
    """
    target = array_path(folder, file)
    with writing(target):
        atomic_write(target, lambda temporary: np.save(temporary, array, allow_pickle=False))
        _write_stamp(folder, file, source)


def rehash(folder: Path, file: KnownFile) -> str | None:
    """Hash what the cache holds of a file, in full.

    Args:
        folder: of the dataset in the cache.
        file: whose array to hash.

    Returns:
        The SHA-256 of the IDX file that the array makes, or None where there is no readable array.
    """
    array = _map(folder, file)
    if array is None or array.dtype != np.uint8:
        return None
    digest = hashlib.sha256(encode_header(array.dtype, array.shape))
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def invalidate(folder: Path, file: KnownFile) -> None:
    """Drop a file's stamp, so that the next look at it hashes it in full.

    Args:
        folder: of the dataset in the cache.
        file: which one.
    """
    with suppress(OSError):
        _stamp_path(folder, file).unlink()


def array_path(folder: Path, file: KnownFile) -> Path:
    """Return where a file's array is, or would be.

    Args:
        folder: of the dataset in the cache.
        file: which one.
    """
    return folder / f"{file.name}.npy"


@contextmanager
def alone(folder: Path, log: Log) -> Iterator[Path]:
    """Hold a dataset's folder for this process alone, and lend an empty folder to work in.

    What a killed process left half-written is swept first: whoever holds the lock is the only one at work.

    Args:
        folder: of the dataset in the cache; made where it is missing.
        log: told when another process has to be waited for.

    Yields:
        A folder on the same disk, removed at the end.

    Raises:
        DataError: the cache cannot be written.
    """
    import filelock

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            log(f"Waiting for another process that is filling {folder}.")
            lock.acquire()
    try:
        with writing(folder):
            _sweep(folder)
            work = tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder)
        with work as name:
            yield Path(name)
    finally:
        lock.release()


def _sweep(folder: Path) -> None:
    import shutil

    for left in folder.glob(f"{PARTIAL}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _map(folder: Path, file: KnownFile) -> Array | None:
    try:
        return np.asarray(np.load(array_path(folder, file), mmap_mode="c", allow_pickle=False))
    except (OSError, ValueError, EOFError):
        return None


def _stamp_path(folder: Path, file: KnownFile) -> Path:
    return folder / f"{file.name}.json"


def _read_stamp(folder: Path, file: KnownFile) -> dict[str, str]:
    try:
        stamp = read_json(_stamp_path(folder, file))
    except DataError:  # the array is hashed again
        return {}
    return {key: str(value) for key, value in stamp.items()}


def _fits(stamp: dict[str, str], folder: Path, file: KnownFile) -> bool:
    try:
        now = array_path(folder, file).stat()
    except OSError:
        return False
    seen = (stamp.get("sha256"), stamp.get("size_bytes"), stamp.get("mtime_ns"))
    return seen == (file.sha256, str(now.st_size), str(now.st_mtime_ns))


def _write_stamp(folder: Path, file: KnownFile, source: str) -> None:
    now = array_path(folder, file).stat()
    stamp = {"sha256": file.sha256, "size_bytes": now.st_size, "mtime_ns": now.st_mtime_ns, "source": source}
    write_json(_stamp_path(folder, file), stamp)
