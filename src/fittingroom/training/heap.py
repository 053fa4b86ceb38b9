"""Let the C library keep the memory that one step frees, for the next step to use."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # the numbers of mallopt's options, from malloc.h
KEPT_BYTES = 1 << 30
USUAL_TRIM_BYTES, USUAL_MMAP_BYTES = 64 << 20, 32 << 20  # where glibc's own sliding thresholds end


@contextmanager
def kept_heap() -> Iterator[bool]:
    """Have freed memory stay with the process inside the block, and handed back after it; yield whether it does.

    By default glibc gives large blocks back to the system as soon as they are freed, and a step that takes them again
    pays for every page: 3,000 to 6,000 page faults a step of the thin network, a quarter of its time. What is kept
    is what a step needs anyway, so the peak does not grow. Where the C library has no ``mallopt`` nothing is changed.

    Source: mallopt(3), M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.
    """
    library = _c_library()
    if library is None:
        yield False
        return
    _set(library, KEPT_BYTES, KEPT_BYTES)
    try:
        yield True
    finally:
        _set(library, USUAL_TRIM_BYTES, USUAL_MMAP_BYTES)
        library.malloc_trim(0)


def ran_out(error: BaseException) -> bool:
    """Say whether an error means that memory, the machine's or the card's, has run out.

    Example:
        >>> ran_out(MemoryError()), ran_out(RuntimeError("shapes differ"))
        (True, False)
    """
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def _c_library() -> Any:
    """Return the C library where it is glibc, else None."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows wants a name
        return None
    has_both = all(hasattr(library, name) for name in ("mallopt", "malloc_trim", "gnu_get_libc_version"))
    return library if has_both else None


def _set(library: Any, trim_bytes: int, mmap_bytes: int) -> None:
    library.mallopt(TRIM_THRESHOLD, trim_bytes)
    library.mallopt(MMAP_THRESHOLD, mmap_bytes)
