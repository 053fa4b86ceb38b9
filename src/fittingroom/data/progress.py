"""How loading tells its user what it does: one line a step, through a callable.

The library prints nothing by itself. The command line passes a function that writes to stderr.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Log: TypeAlias = Callable[[str], None]


def no_log(line: str) -> None:
    """Say nothing.

    Args:
        line: one line of progress, without a line break; dropped.
    """
