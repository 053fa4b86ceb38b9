"""Arrays that lie in a file: which ones do, and how their rows are read without a risk to the process.

Such an array is mapped: it looks like any other, and only what is read of it comes into memory, where the system keeps
it as long as there is room. What reads many rows of it reads them by `RowReader`: touching a mapped page that is no
longer in the file, because somebody has cut the file short, would end the process without a word.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = np.ndarray

LARGE_BYTES = 256 << 20  # from which on an array stays in its file: 340,000 images of 28x28
ROWS_A_CALL = 1024  # IOV_MAX of Linux
COUNTED = 4096  # images whose pixels are counted at a time: NumPy makes eight bytes of each


def is_large(images: Array) -> bool:
    """Say whether an array is mapped from a file and large: it is to be read by rows and not as a whole.

    Example:
        >>> is_large(np.zeros((2, 28, 28), np.uint8))
        False
    """
    return images.nbytes >= LARGE_BYTES and _mapping(images) is not None


def _mapping(array: Array) -> np.memmap[Any, Any] | None:
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base


def changed(path: object) -> DataError:
    """Return what is said of a file that is no longer what it was."""
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
        self._least = 0 if mapping is None else mapping.offset + mapping.nbytes
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
            raise changed(self._path)
        if self._copy is None or not self._copied(rows, out):
            np.take(self._images, rows, axis=0, out=out, mode="clip")
        if self._path is not None and self._now() != self._seen:
            raise changed(self._path)
        return out

    def _now(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)  # noqa: PTH116  (a string: this is asked for every few batches)
        except OSError as error:
            raise DataError(f"{self._path}: expected the file that is read, received '{error.strerror}'.") from error
        if found.st_size < self._least:
            raise changed(self._path)
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
                raise changed(self._path)
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


def rows_of(images: Array, rows: NDArray[np.int64]) -> Array:
    """Return copies of some images, in the order asked for.

    Args:
        images: uint8 ``(n, h, w)``.
        rows: which, int64 ``(k,)``, within the array.

    Raises:
        DataError: the file that they lie in has changed.
    """
    return RowReader(images).read(np.asarray(rows, np.int64)) if is_large(images) else images[rows]


def spread_rows(total: int, count: int) -> NDArray[np.int64]:
    """Return positions spread evenly over so many, all of them where there are no more, int64 ``(k,)``.

    Example:
        >>> spread_rows(9, 3).tolist()
        [0, 4, 8]
    """
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))


def pixel_counts(images: Array) -> NDArray[np.int64]:
    """Return how many pixels have each grey value, int64 ``(256,)``, read in parts.

    Args:
        images: uint8 ``(n, h, w)``.

    Raises:
        DataError: the file that they lie in has changed.
    """
    counts = np.zeros(256, np.int64)
    for part in pieces(images, COUNTED):
        counts += np.bincount(part.reshape(-1), minlength=256)
    return counts


def first_rows(images: Array, count: int) -> Array:
    """Return the first images, of a file copied.

    Raises:
        DataError: the file has changed.
    """
    if not is_large(images):
        return images[:count]
    return RowReader(images).read(np.arange(min(count, len(images))))
