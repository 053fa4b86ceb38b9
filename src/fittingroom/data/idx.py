"""IDX, the format of MNIST and its kin: bytes to array and back.

A file is ``00 00 TT RR``, then RR sizes as big-endian uint32, then the items, big-endian, last axis fastest.
TT is the type code of `TYPES`, RR the number of axes. See the end of http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import DataError

if TYPE_CHECKING:
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
        return "This is a zip archive: unpack it."
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
