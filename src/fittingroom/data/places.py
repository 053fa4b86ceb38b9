"""Folders on this disk that may already hold a dataset's four files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.data.files import reading

if TYPE_CHECKING:
    from fittingroom.data.catalog import KnownDataset

TORCHVISION_ROOTS = ("data", "datasets", ".", "~/data", "~/datasets")


@dataclass(frozen=True)
class Place:
    """A folder to look in.

    Attributes:
        words: which it is, for the reader.
        folder: where it is; it need not exist.
    """

    words: str
    folder: Path


def foreign_places(known: KnownDataset) -> tuple[Place, ...]:
    """Return where other libraries keep this dataset, in the order in which to look.

    Args:
        known: the dataset.
    """
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / known.keras_folder
    torchvision = [Path(root).expanduser() / known.torchvision_folder / "raw" for root in TORCHVISION_ROOTS]
    places = [("Keras", keras), *(("torchvision", folder) for folder in torchvision)]
    if known.clone_folder is not None:
        places.append(("the original repository", Path(known.clone_folder)))
    if known.debian is not None:
        places.append(("Debian", Path("/", known.debian.folder)))
    return tuple(Place(f"the folder {folder} of {owner}", folder) for owner, folder in places)


def spellings(name: str) -> tuple[str, ...]:
    """Return the names under which people have an IDX file.

    Args:
        name: as in `FILE_NAMES`.

    Example:
        >>> spellings("train-images-idx3-ubyte")[:2]
        ('train-images-idx3-ubyte.gz', 'train-images-idx3-ubyte')
        >>> spellings("train-images-idx3-ubyte")[2:]
        ('train-images.idx3-ubyte.gz', 'train-images.idx3-ubyte')
    """
    dotted = name.replace("-idx", ".idx")
    return (f"{name}.gz", name, f"{dotted}.gz", dotted)


def candidates(folder: Path, name: str) -> tuple[Path, ...]:
    """Return what a folder holds under any spelling of a file's name.

    Args:
        folder: to look in; it need not exist.
        name: as in `FILE_NAMES`.

    Raises:
        DataError: the folder cannot be searched.
    """
    with reading(folder):
        return tuple(path for spelling in spellings(name) if (path := folder / spelling).exists())
