"""IDX, the format of MNIST and its kin: bytes to array and back, files read whole or refused in one sentence."""

from __future__ import annotations

import errno
import gzip
import math
import struct
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import DataError
from fittingroom.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    from fittingroom.arrays import Array


TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("uint8"),
    0x09: np.dtype("int8"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAGIC_BYTES = 4
MAX_RANK = 64  # NumPy's own limit
MAX_ARRAY_BYTES = 2**63 - 1


@dataclass(frozen=True)
class Header:
    """What the first bytes of an IDX file say.

    Attributes:
        dtype: of the items, as in the file: big-endian.
        shape: of the array.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def header_bytes(self) -> int:
        """Length of the header."""
        return MAGIC_BYTES + 4 * len(self.shape)

    @property
    def total_bytes(self) -> int:
        """Length of a whole file with this header."""
        return self.header_bytes + math.prod(self.shape) * self.dtype.itemsize


def header_length(magic: bytes, where: str = "IDX") -> int:
    """Return how many bytes the header has, from the first four of them.

    Args:
        magic: the first four bytes.
        where: what to call the file in a message.

    Raises:
        DataError: these bytes do not begin an IDX file.

    Example:
        >>> header_length(bytes([0, 0, 8, 3]))
        16
    """
    if len(magic) < MAGIC_BYTES:
        raise DataError(
            f"{where}: expected an IDX file of at least 4 bytes, received {len(magic)}. Get the file again."
        )
    if magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] > MAX_RANK:
        raise DataError(
            f"{where}: expected IDX magic 0x0000TTRR (TT the type, 08 for bytes; RR the number of axes), "
            f"received 0x{magic[:MAGIC_BYTES].hex()}. {_guess(magic)}"
        )
    return MAGIC_BYTES + 4 * magic[3]


def _guess(magic: bytes) -> str:
    if magic[:2] == b"\x1f\x8b":
        return "Is the file still gzipped, or gzipped twice?"
    if magic[:2] == b"PK":
        return "This is a zip archive: unpack it, python -m zipfile -e FILE FOLDER."
    return "This is not an IDX file: get it again."


def parse_header(head: bytes, where: str = "IDX") -> Header:
    """Read an IDX header.

    Args:
        head: the file's first bytes, at least the whole header.
        where: what to call the file in a message.

    Raises:
        DataError: a wrong magic, a header that is cut short, or sizes that no array can have.

    Example:
        >>> parse_header(bytes([0, 0, 8, 1, 0, 0, 0, 5])).shape
        (5,)
    """
    length = header_length(head, where)
    if len(head) < length:
        raise DataError(f"{where}: expected a header of {length} bytes, received {len(head)}. Get the file again.")
    header = Header(TYPES[head[2]], struct.unpack(f">{head[3]}I", head[MAGIC_BYTES:length]))
    if math.prod(size for size in header.shape if size) * header.dtype.itemsize > MAX_ARRAY_BYTES:
        raise DataError(f"{where}: the header claims the impossible shape {header.shape}. Get the file again.")
    return header


def decode(raw: bytes | Array, where: str = "IDX") -> Array:
    """Return the array in the bytes of an IDX file, in this machine's byte order.

    Args:
        raw: the whole file, decompressed: bytes, or a uint8 vector, of which the result may be a view.
        where: what to call the file in a message.

    Raises:
        DataError: a wrong magic, or a length that is not what the header says.

    Example:
        >>> decode(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
        array([7, 8, 9], dtype=uint8)
    """
    header = parse_header(bytes(raw[: MAGIC_BYTES + 4 * MAX_RANK]), where)
    if len(raw) != header.total_bytes:
        raise DataError(
            f"{where}: expected {header.total_bytes:,} bytes for {header.dtype.name} {header.shape}, "
            f"received {len(raw):,}. Get the file again."
        )
    items = np.frombuffer(raw, header.dtype, offset=header.header_bytes).reshape(header.shape)
    return items.astype(header.dtype.newbyteorder("="), copy=not items.flags.writeable)


def encode(array: Array) -> bytes:
    """Return the bytes of the IDX file that holds this array.

    Args:
        array: any shape; uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: IDX has no code for the array's dtype, or no room for its shape.

    Example:
        >>> encode(np.array([7, 8], dtype=np.uint8)).hex(" ")
        '00 00 08 01 00 00 00 02 07 08'
    """
    return encode_header(array.dtype, array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()


def encode_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return the header of an IDX file.

    Args:
        dtype: of the items: uint8, int8, int16, int32, float32 or float64.
        shape: of the array.

    Raises:
        DataError: IDX has no code for the dtype, or no room for the shape.

    Example:
        >>> encode_header(np.dtype("uint8"), (5,)).hex(" ")
        '00 00 08 01 00 00 00 05'
    """
    codes = [code for code, known in TYPES.items() if known == dtype.newbyteorder(">")]
    if not codes:
        known = ", ".join(known.name for known in TYPES.values())
        raise DataError(f"IDX holds {known}; received {dtype}. Convert with astype first.")
    if any(size >= 2**32 for size in shape):
        raise DataError(f"IDX sizes are below 2^32; received shape {shape}.")
    return bytes([0, 0, codes[0], len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


GZIP_MAGIC = b"\x1f\x8b"
MAX_DEFLATE_RATIO = 1032  # deflate cannot shrink more: https://zlib.net/zlib_tech.html


class CutShortError(DataError):
    """A file that ends too early: worth fetching again."""


class UnwritableError(DataError):
    """A place that cannot be written: no other source helps."""


def read_idx(path: str | Path) -> Array:
    """Return the array in an IDX file, gzipped or not.

    Args:
        path: of the file.

    Returns:
        A writable array of the header's shape, in this machine's byte order.

    Raises:
        DataError: the file cannot be read, or is not a whole and sound IDX file.
    """
    return decode(read_raw(Path(path)), str(path))


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


@contextmanager
def open_idx(path: Path) -> Iterator[tuple[Header, BufferedIOBase]]:
    """Open an IDX file to read its items in parts.

    Args:
        path: of the file, gzipped or not.

    Yields:
        What its header says, and the stream of decompressed bytes behind it.

    Raises:
        DataError: as `read_raw`, also while the stream is read.
    """
    with reading(path):
        gzipped, on_disk = _is_gzipped(path), path.stat().st_size
        with _open(path, gzipped) as stream:
            header, _ = _read_header(stream, str(path))
            _check_possible(header, on_disk, gzipped, str(path))
            yield header, stream


def write_idx(path: str | Path, array: Array) -> None:
    """Write an array as an IDX file; gzipped where the name ends in ``.gz``.

    Args:
        path: of the file; its folder exists.
        array: any shape; uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: IDX has no code for the array's dtype, or the file cannot be written.
    """
    raw, path = encode(array), Path(path)
    with writing(path):
        atomic_write(path, gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)


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
        return "A folder stands where the file should be. Put the file itself there."
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
