"""What a process of the studio tells it: lines of JSON on its standard output."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.errors import FittingRoomError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fittingroom.arrays import Array


def tell(share: float, words: str) -> None:
    """Print how far the work is.

    Args:
        share: done, 0 to 1.
        words: what is being done.
    """
    print(json.dumps({"share": round(share, 4), "words": words}), flush=True)


@contextmanager
def told_errors() -> Iterator[None]:
    """Print an error that the user can mend as a line too, and exit with 2."""
    try:
        yield
    except (FittingRoomError, OSError, MemoryError) as error:
        words = (error.strerror or "an error of the system") if isinstance(error, OSError) else str(error)
        print(json.dumps({"error": " ".join((words or "Memory ran out.").split())}), flush=True)
        sys.exit(2)


def save_arrays(path: Path, **arrays: Array) -> None:
    """Write arrays whole or not at all.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
