"""IDX files that need not fit into memory: looked through once, left where they are, and mapped."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import fittingroom.mapped_arrays as mapped_arrays
from fittingroom.arrays import Array
from fittingroom.data.cache import alone, cache_folder
from fittingroom.data.idx import CutShortError, Header, open_idx, parse_header, reading, writing
from fittingroom.errors import DataError
from fittingroom.files import read_json, write_json
from fittingroom.mapped_arrays import changed
from fittingroom.progress import Log, no_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = "large"  # in the cache: stamps, and gzipped files unpacked
CHUNK_BYTES = 8 << 20
SPARE_BYTES = 256 << 20  # that stay free on the disk of the cache


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


def large_header(path: Path) -> Header | None:
    """Return the header of an IDX file of bytes that is large once decompressed; None for any other file.

    Args:
        path: of the file, gzipped or not.

    Raises:
        DataError: the file cannot be read, or is not IDX.
    """
    with open_idx(path) as (header, _):
        is_pixels = header.dtype == np.uint8 and len(header.shape) >= 3
        return header if is_pixels and header.total_bytes >= mapped_arrays.LARGE_BYTES else None


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
            raise changed(path)
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
            raise changed(path)
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
            with writing(temporary), temporary.open("wb") as file:
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
            raise changed(path)
        # read-only: of one that may be written to, Linux would want to know that there is memory for all of it
        return np.asarray(np.memmap(path, np.uint8, "r", header.header_bytes, header.shape))
