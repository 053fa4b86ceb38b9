"""Look a name up in a table, and suggest close matches where it is not there."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from fittingroom.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the sentence that helps with an unknown name.

    Args:
        name: what the user wrote.
        known: the names that exist.

    Returns:
        ``Did you mean 'x'?`` where something is close, otherwise all known names.

    Example:
        >>> suggest("fashon-mnist", ["fashion-mnist", "mnist"])
        "Did you mean 'fashion-mnist'?"
        >>> suggest("cats", ["fashion-mnist", "mnist"])
        "Known: 'fashion-mnist', 'mnist'."
    """
    names = list(known)
    folded = {known_name.casefold(): known_name for known_name in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{folded[close[0]]}'?"
    return "Known: " + ", ".join(f"'{known_name}'" for known_name in names) + "."


def look_up(name: str, table: Mapping[str, T], noun: str) -> T:
    """Return ``table[name]``, or raise an error that suggests a close name.

    Args:
        name: the key.
        table: what exists, by name.
        noun: what the table holds, for the message: "dataset", "model".

    Raises:
        UsageError: the name is not in the table.

    Example:
        >>> look_up("b", {"a": 1, "b": 2}, "letter")
        2
    """
    if name in table:
        return table[name]
    raise UsageError(f"Unknown {noun} '{name}'. {suggest(name, table)}")
