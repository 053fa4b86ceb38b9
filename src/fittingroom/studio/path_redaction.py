"""No answer tells how this machine's folders are called: paths in messages are cut down to their last names."""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.data.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

STEP = r"[^\s/:'\"<>|]+"
PATH = re.compile(rf"(?<![\w.-])(?:[A-Za-z]:)?(?:/{STEP})+/")


class PathRedactor:
    """Cuts paths out of messages: below a folder it was told of whatever its name, elsewhere where a pattern tells.

    It never looks at the disk, so that no answer reveals whether a folder exists.
    """

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._known = re.compile(r"(?!)")

    def keep(self, folders: Iterable[Path]) -> None:
        """Keep these folders' names to ourselves, and their parents'.

        Args:
            folders: relative or absolute, whether they exist or not.
        """
        for folder in folders:
            for spelling in (folder, folder.absolute(), folder.resolve()):
                self._folders.update(str(parent) for parent in (spelling, *spelling.parents) if parent.name)
        longest_first = "|".join(re.escape(name) for name in sorted(self._folders, key=len, reverse=True))
        self._known = re.compile(rf"(?<![^\s'\"`(=:,])(?:{longest_first})/(?:{STEP}/)*")

    def without_paths(self, message: str) -> str:
        """Return a message with folders' paths cut down to the last name.

        Example:
            >>> PathRedactor().without_paths("/home/me/runs/one: this run has no verdict.json.")
            'one: this run has no verdict.json.'
        """
        return PATH.sub("", self._known.sub("", message))


def _everyones() -> list[Path]:
    """Return the folders that any process has; without a home or a folder to stand in, there is none to keep."""
    folders = [Path(tempfile.gettempdir()), Path(__file__).parents[2]]
    for place in (Path.home, Path.cwd, cache_folder):
        with suppress(OSError, RuntimeError):
            folders.append(place())
    return folders


OURS = PathRedactor()
OURS.keep(_everyones())
hide_paths, without_paths = OURS.keep, OURS.without_paths
