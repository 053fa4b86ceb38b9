"""Numbers with their nouns and names in a row: what every message and every page writes alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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


def in_percent(share: float) -> str:
    """Return a share in percent: whole, and below ten with two digits that count.

    Args:
        share: 0 to 1.

    Example:
        >>> in_percent(0.998), in_percent(0.4149), in_percent(0.0123), in_percent(0)
        ('100 %', '41 %', '1.2 %', '0 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.2g} %"


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def once_each(sentences: Iterable[str], noun: str) -> list[str]:
    """Return each sentence once, with how many it stands for where there were several.

    What names no file, such as a package that is missing, is the same for all of them and is told once.

    Example:
        >>> once_each(["a.png: is cut short.", "Photos need OpenCV.", "Photos need OpenCV."], "picture")
        ['a.png: is cut short.', '2 pictures: Photos need OpenCV.']
    """
    times = Counter(sentences)
    return [words if count == 1 else f"{counted(count, noun)}: {words}" for words, count in times.items()]
