"""A known file is taken only where the SHA-256 of its decompressed bytes says so."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fittingroom.data.catalog import KnownFile, recognise
from fittingroom.data.idx import decode, read_raw
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.arrays import Array


def sha256_of(raw: Array) -> str:
    """Return the SHA-256 of decompressed bytes as 64 hex digits.

    Args:
        raw: a contiguous uint8 vector.

    Example:
        >>> import numpy as np
        >>> sha256_of(np.zeros(0, np.uint8))[:8]
        'e3b0c442'
    """
    return hashlib.sha256(raw.data).hexdigest()


def read_verified(path: Path, file: KnownFile, where: str | None = None) -> Array:
    """Return the array in a file that must be this known one, to the bit.

    Args:
        path: of the file, gzipped or not.
        file: what it must hold.
        where: what to call the file in a message, where that is not its path.

    Raises:
        DataError: the file cannot be read, or is another one; where that one is known too, the message names it.
    """
    where = where or str(path)
    raw = read_raw(path, file.size_bytes, where)
    check_hash(sha256_of(raw), file, where)
    return decode(raw, where)


def check_hash(sha256: str, file: KnownFile, where: str) -> None:
    """Raise where a hash is not that of the known file.

    Args:
        sha256: of the decompressed bytes received.
        file: what is expected.
        where: what to call the file in the message.

    Raises:
        DataError: the hashes differ.
    """
    if sha256 == file.sha256:
        return
    expected = recognise(file.sha256) or file.name
    other = recognise(sha256)
    received = f"{other} (by its SHA-256)" if other else f"other bytes (SHA-256 {sha256[:16]}...)"
    raise DataError(
        f"{where}: expected {expected} (SHA-256 {file.sha256[:16]}...), received {received}. Put the right file there."
    )
