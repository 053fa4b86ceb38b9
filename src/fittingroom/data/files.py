"""IDX files on disk, gzipped or not: read whole, or refused in one sentence.

Nothing here trusts a file's name or its header: whether it is gzipped is seen from its bytes, and no memory is
allocated for a size that so small a file cannot hold.
"""

from __future__ import annotations

import errno
import gzip
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.data.idx import MAGIC_BYTES, Header, decode, encode, header_length, parse_header
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from pathlib import Path

    from fittingroom.arrays import Array

GZIP_MAGIC = b"\x1f\x8b"
MAX_DEFLATE_RATIO = 1032  # deflate cannot shrink more: https://zlib.net/zlib_tech.html


class CutShortError(DataError):
    """A file that ends too early: worth fetching again."""


class UnwritableError(DataError):
    """A place that cannot be written: no other source helps."""


def read_idx(path: Path) -> Array:
    """Return the array in an IDX file, gzipped or not.

    Args:
        path: of the file.

    Returns:
        A writable array of the header's shape, in this machine's byte order.

    Raises:
        DataError: the file cannot be read, or is not a whole and sound IDX file.
    """
    return decode(read_raw(path), str(path))


def read_raw(path: Path, expected_bytes: int | None = None, where: str | None = None) -> Array:
    """Return the decompressed bytes of an IDX file as a writable uint8 vector.

    Args:
        path: of the file, gzipped or not.
        expected_bytes: decompressed size where it is known; a header that claims another is refused before reading.
        where: what to call the file in a message, where that is not its path.

    Raises:
        DataError: the file cannot be read, is not IDX, is cut short, damaged, or of another size.
    """
    where = where or str(path)
    with reading(where):
        gzipped, on_disk = _is_gzipped(path), path.stat().st_size
        with _open(path, gzipped) as stream:
            header, head = _read_header(stream, where)
            if expected_bytes is not None:
                _check_expected(header, expected_bytes, where)
            _check_possible(header, on_disk, gzipped, where)
            return _read_rest(stream, head, header.total_bytes, where)


def write_idx(path: Path, array: Array) -> None:
    """Write an array as an IDX file; gzipped where the name ends in ``.gz``.

    Args:
        path: of the file; its folder exists.
        array: any shape; uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: IDX has no code for the array's dtype, or the file cannot be written.
    """
    raw = encode(array)
    with writing(path):
        path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)


@contextmanager
def reading(where: object) -> Iterator[None]:
    """Turn what can go wrong while a file is read into one sentence.

    Args:
        where: what is being read, for the message.

    Raises:
        DataError: instead of any `OSError`, `EOFError`, `zlib.error` or `MemoryError`.
    """
    try:
        yield
    except EOFError as error:
        raise CutShortError(f"{where}: the gzip file is cut short. Get the file again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{where}: the gzip file is damaged ({error}). Get the file again.") from error
    except MemoryError as error:
        raise DataError(f"{where}: the file needs more memory than there is ({error}).") from error
    except OSError as error:
        raise DataError(f"{where}: expected a readable file, received '{error.strerror}'. {_remedy(error)}") from error


@contextmanager
def writing(where: object) -> Iterator[None]:
    """Turn what can go wrong while a file is written into one sentence.

    Args:
        where: what is being written, for the message.

    Raises:
        UnwritableError: instead of any `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"{where}: could not be written, received '{error.strerror}'. {_remedy(error)}"
        ) from error


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free 200 MB, or set FITTINGROOM_CACHE to a folder on another disk."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Give yourself access to it, or choose a folder of your own (FITTINGROOM_CACHE is that of the cache)."
    if error.errno == errno.EISDIR:
        return "A folder stands where the file should be: remove it."
    return "Check the path."


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def _open(path: Path, gzipped: bool) -> BufferedIOBase:
    return gzip.GzipFile(path) if gzipped else path.open("rb")


def _read_header(stream: BufferedIOBase, where: str) -> tuple[Header, bytes]:
    head = stream.read(MAGIC_BYTES)
    if not head:
        raise CutShortError(f"{where}: expected an IDX file, received an empty one. Get the file again.")
    if head.lstrip()[:1] == b"<":
        raise DataError(
            f"{where}: expected an IDX file, received a web page (HTML): a proxy or a login page answered "
            "in its place. Get the file by another way."
        )
    head += stream.read(header_length(head, where) - len(head))
    return parse_header(head, where), head


def _check_expected(header: Header, expected_bytes: int, where: str) -> None:
    if header.total_bytes != expected_bytes:
        raise DataError(
            f"{where}: expected {expected_bytes:,} bytes decompressed, received a header for {header.total_bytes:,} "
            f"({header.dtype.name} {header.shape}), which is another file. Put the right file there."
        )


def _check_possible(header: Header, on_disk: int, gzipped: bool, where: str) -> None:
    if header.total_bytes > on_disk * (MAX_DEFLATE_RATIO if gzipped else 1):
        raise CutShortError(
            f"{where}: expected {header.total_bytes:,} bytes decompressed ({header.dtype.name} {header.shape}), "
            f"received a {'gzipped ' if gzipped else ''}file of {on_disk:,} bytes, which cannot hold them. "
            "Get the file again."
        )


def _read_rest(stream: BufferedIOBase, head: bytes, total: int, where: str) -> Array:
    raw = np.empty(total, np.uint8)
    raw[: len(head)] = np.frombuffer(head, np.uint8)
    received = _fill(stream, raw.data, len(head))
    if received < total:
        raise CutShortError(
            f"{where}: the file is cut short, expected {total:,} bytes decompressed, received {received:,}. "
            "Get the file again."
        )
    if stream.read(1):
        raise DataError(f"{where}: expected {total:,} bytes decompressed, received more. Get the file again.")
    return raw


def _fill(stream: BufferedIOBase, view: memoryview, position: int) -> int:
    """Read into a buffer from a position on, and return the position reached."""
    with suppress(EOFError):  # a gzip file without its end
        while position < len(view) and (count := stream.readinto(view[position:])):
            position += count
    return position
