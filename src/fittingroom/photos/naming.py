"""Class names as names of folders, and names that are not taken yet."""

from __future__ import annotations

import re
from pathlib import Path


def folder_name(label: str) -> str:
    """Return a class's name as a folder's name.

    Example:
        >>> folder_name("T-shirt/top")
        'T-shirt-top'
    """
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", label).strip(". ") or "-"


def free_name(folder: Path, name: str) -> Path:
    """Return a path in a folder that is not taken: the name, or the name with a number.

    Example:
        >>> free_name(Path("no-such-folder"), "a.png").name
        'a.png'
    """
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path
