"""IDX files that need not fit into memory: looked through once, left where they are, and read by rows.

An array of such a file is mapped: it looks like any other, and only what is read of it comes into memory, where the
system keeps it as long as there is room. What reads many rows of it reads them by `RowReader`: touching a mapped page
that is no longer in the file, because somebody has cut the file short, would end the process without a word.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data.cache import alone, cache_folder
from fittingroom.data.idx import CutShortError, Header, open_idx, parse_header, reading, writing
from fittingroom.errors import DataError
from fittingroom.files import read_json, write_json
from fittingroom.progress import Log, no_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LARGE_BYTES = 256 << 20  # pixels from which on a file is mapped and not read: 340,000 images of 28x28
FOLDER = "large"  # in the cache: stamps, and gzipped files unpacked
CHUNK_BYTES = 8 << 20
SPARE_BYTES = 256 << 20  # that stay free on the disk of the cache
ROWS_A_CALL = 1024  # IOV_MAX of Linux


class LargeFile(NamedTuple):
    """A large IDX file, looked through.

    Attributes:
        array: mapped, read-only, of the header's shape.
        sha256: of its decompressed bytes.
        size_bytes: decompressed.
    """

    array: Array
    sha256: str
    size_bytes: int


def is_large(images: Array) -> bool:
    """Say whether an array is mapped from a file and large: it is to be read by rows and not as a whole.

    Example:
        >>> is_large(np.zeros((2, 28, 28), np.uint8))
        False
    """
    return images.nbytes >= LARGE_BYTES and _mapping(images) is not None


def large_header(path: Path) -> Header | None:
    """Return the header of an IDX file of bytes that is large once decompressed; None for any other file.

    Args:
        path: of the file, gzipped or not.

    Raises:
        DataError: the file cannot be read, or is not IDX.
    """
    with open_idx(path) as (header, _):
        is_pixels = header.dtype == np.uint8 and len(header.shape) >= 3
        return header if is_pixels and header.total_bytes >= LARGE_BYTES else None


def open_large(path: Path, log: Log = no_log) -> LargeFile:
    """Map a large IDX file; a gzipped one is unpacked into the cache first.

    It is hashed once: a stamp in the cache remembers the hash as long as size and time of the file are the same.

    Args:
        path: of the file, gzipped or not.
        log: takes one line before what takes long.

    Raises:
        DataError: it cannot be read, is not whole and sound, has changed while it was read, or there is no room.
    """
    with open_idx(path) as (header, stream):
        is_plain = not hasattr(stream, "mtime")  # of gzip's reader
    stamp = _stamp(path)
    kept = _kept(path)
    plain = path if is_plain else kept.with_suffix(".idx")
    if not _is_stamped(kept, stamp, plain):
        words = f"{path} ({header.total_bytes / 1e9:,.1f} GB)"
        if is_plain:
            log(f"Reading {words} once, for its fingerprint.")
            digest = _digest(path, header, lambda _: None)
        else:
            digest = _unpack(path, header, plain, words, log)
        if _stamp(path) != stamp:
            raise _changed(path)
        _write_stamp(kept, stamp, plain, digest)
        return LargeFile(_map(plain, header), digest, header.total_bytes)
    return LargeFile(_map(plain, header), str(read_json(kept)["sha256"]), header.total_bytes)


def hash_through(path: Path) -> str:
    """Return the SHA-256 of an IDX file's decompressed bytes, read through whatever was remembered of it.

    Args:
        path: of the file, gzipped or not.

    Raises:
        DataError: it cannot be read, or is not whole and sound.
    """
    with open_idx(path) as (header, _):
        pass
    return _digest(path, header, lambda _: None)


def _digest(path: Path, header: Header, take: Callable[[bytes], object]) -> str:
    """Read a whole IDX file, hand each part to ``take``, header included, and return the SHA-256 of it all."""
    digest, left = hashlib.sha256(), header.total_bytes - header.header_bytes
    with open_idx(path) as (found, stream):
        if found != header:
            raise _changed(path)
        part = _head(header)
        while part:
            digest.update(part)
            take(part)
            part = stream.read(min(CHUNK_BYTES, left))
            left -= len(part)
        if left:
            raise CutShortError(
                f"{path}: the file is cut short, expected {header.total_bytes:,} bytes decompressed, received "
                f"{header.total_bytes - left:,}. Get the file again."
            )
        if stream.read(1):
            raise DataError(
                f"{path}: expected {header.total_bytes:,} bytes decompressed, received more. Get the file again."
            )
    return digest.hexdigest()


def _head(header: Header) -> bytes:
    from fittingroom.data.idx import encode_header

    return encode_header(header.dtype, header.shape)


def _unpack(path: Path, header: Header, target: Path, words: str, log: Log) -> str:
    with alone(target.parent, log) as work:
        _check_room(path, header.total_bytes, target.parent)
        log(f"Unpacking {words} into {target.parent}, once.")
        temporary = work / target.name
        try:
            with temporary.open("wb") as file:
                digest = _digest(path, header, file.write)
                file.flush()
                os.fsync(file.fileno())
        except DataError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_room(path, header.total_bytes, target.parent, "the disk was full on the way") from error
            raise
        with writing(target):
            temporary.replace(target)
    return digest


def _check_room(path: Path, needed: int, folder: Path) -> None:
    import shutil

    with reading(folder):
        free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise _no_room(path, needed, folder, f"found {free / 1e9:,.1f} GB free")


def _no_room(path: Path, needed: int, folder: Path, found: str) -> DataError:
    return DataError(
        f"{path}: expected {(needed + SPARE_BYTES) / 1e9:,.1f} GB free in {folder} to unpack it into, {found}. Free "
        "some, set FITTINGROOM_CACHE to a folder on another disk, or unpack the file yourself with gunzip."
    )


def _kept(path: Path) -> Path:
    """Return where the cache remembers a file, by its place."""
    key = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return cache_folder(FOLDER) / f"{key}.json"


def _stamp(path: Path) -> list[int]:
    with reading(path):
        found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _is_stamped(kept: Path, stamp: list[int], plain: Path) -> bool:
    try:
        known = read_json(kept, {"sha256": "str"})
        return known.get("stamp") == stamp and known.get("plain") == _stamp(plain)[:2]
    except DataError:  # no stamp, a damaged one, or no unpacked file
        return False


def _write_stamp(kept: Path, stamp: list[int], plain: Path, sha256: str) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, {"sha256": sha256, "stamp": stamp, "plain": _stamp(plain)[:2]})
    except OSError:  # in a cache that cannot be written, it is hashed again the next time
        return


def _map(path: Path, header: Header) -> Array:
    with reading(path):
        with path.open("rb") as file:
            found = parse_header(file.read(header.header_bytes), str(path))
        size = path.stat().st_size
        if found != header or size != header.total_bytes:
            raise _changed(path)
        # read-only: of one that may be written to, Linux would want to know that there is memory for all of it
        return np.asarray(np.memmap(path, np.uint8, "r", header.header_bytes, header.shape))


def _mapping(array: Array) -> np.memmap[Any, Any] | None:
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base


def _changed(path: object) -> DataError:
    return DataError(
        f"{path}: the file was changed while it was read. Leave it alone until the work is done, and begin again."
    )


class RowReader:
    """Rows of an array that may lie in a file: copied, or refused in a sentence where the file is not what it was.

    Linux copies them by a call that tells of a page which is gone (process_vm_readv). Where there is no such call,
    size and time of the file are looked at before and after.

    Args:
        images: uint8 ``(n, h, w)``, mapped or not.
    """

    def __init__(self, images: Array) -> None:
        self._images, mapping = images, _mapping(images)
        name = getattr(mapping, "filename", None)
        self._path = None if name is None else os.fspath(name)
        self._seen = self._now()
        self._copy = _copier() if self._path is not None and images.flags.c_contiguous else None

    def read(self, rows: NDArray[np.int64], out: Array | None = None) -> Array:
        """Return copies of images.

        Args:
            rows: which, int64 ``(k,)``, within the array.
            out: where to put them, uint8 ``(k, h, w)``, contiguous; made where it is None.

        Raises:
            DataError: the file has changed since it was opened: it has become shorter, or was written to.
        """
        shape = (len(rows), *self._images.shape[1:])
        out = np.empty(shape, np.uint8) if out is None else out
        if self._path is not None and self._now() != self._seen:
            raise _changed(self._path)
        if self._copy is None or not self._copied(rows, out):
            np.take(self._images, rows, axis=0, out=out, mode="clip")
        if self._path is not None and self._now() != self._seen:
            raise _changed(self._path)
        return out

    def _now(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)  # noqa: PTH116  (a string: this is asked for every few batches)
        except OSError as error:
            raise DataError(f"{self._path}: expected the file that is read, received '{error.strerror}'.") from error
        return found.st_size, found.st_mtime_ns

    def _copied(self, rows: NDArray[np.int64], out: Array) -> bool:
        """Copy rows by the system's call, and say whether it may be used at all."""
        assert self._copy is not None
        size = out[:1].nbytes
        if not size:
            return True
        there = np.empty((len(rows), 2), np.uintp)
        there[:, 0] = self._images.ctypes.data + rows * size
        there[:, 1] = size
        for start in range(0, len(rows), ROWS_A_CALL):
            part = there[start : start + ROWS_A_CALL]
            here = np.array([out.ctypes.data + start * size, len(part) * size], np.uintp)
            done = self._copy(os.getpid(), here.ctypes.data, 1, part.ctypes.data, len(part), 0)
            if done < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):  # as in some containers
                self._copy = None
                return False
            if done != len(part) * size:
                raise _changed(self._path)
        return True


def _copier() -> Any:
    """Return Linux's process_vm_readv, None where there is none: it takes many pieces at once, and no page by force."""
    try:
        call = ctypes.CDLL(None, use_errno=True).process_vm_readv
    except (OSError, TypeError, AttributeError):  # TypeError: Windows wants a name
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_ulong
    call.argtypes, call.restype = (ctypes.c_int, pointer, number, pointer, number, number), ctypes.c_ssize_t
    return call


def pieces(images: Array, count: int, rows: NDArray[np.int64] | None = None) -> Iterator[Array]:
    """Yield images part by part, each a copy where they lie in a large file, else a view.

    Args:
        images: uint8 ``(n, h, w)``.
        count: images in a part.
        rows: which of the images, int64 ``(k,)``; None for all, in their order.

    Raises:
        DataError: the file changes while it is read.
    """
    reader = RowReader(images) if is_large(images) else None
    total = len(images) if rows is None else len(rows)
    for start in range(0, total, count):
        stop = min(start + count, total)
        if reader is not None:
            yield reader.read(np.arange(start, stop) if rows is None else rows[start:stop])
        else:
            yield images[start:stop] if rows is None else images[rows[start:stop]]
