"""Numbers with their nouns and names in a row: what every message and every page writes alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the singular or the plural.

    Args:
        number: how many; thousands are set off by commas.
        noun: of one.
        plural: of several, where it is not the noun with an "s".

    Example:
        >>> counted(1, "image"), counted(2000, "image"), counted(2, "class", "classes")
        ('1 image', '2,000 images', '2 classes')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
