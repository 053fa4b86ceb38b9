"""Where the files of MNIST's kin are found on this machine, and that they are what their names say, as far as seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import fittingroom.data.folder as folder_module  # whose roots of torchvision may be others in a test
from fittingroom.data.cache import cache_folder
from fittingroom.data.catalog import DATASETS
from fittingroom.data.mnist_kin import KIN, SIDE
from fittingroom.errors import DataError, DataNotFoundError
from fittingroom.words import counted

if TYPE_CHECKING:
    from fittingroom.data.dataset import Dataset
    from fittingroom.progress import Log


def find_kin(name: str, chosen: Path | None = None) -> tuple[Path, ...] | None:
    """Return the four files of one of MNIST's kin; None where they are not on this machine.

    Args:
        name: a key of `KIN`.
        chosen: a folder in which alone to look; None to look in our cache's folder of that name, and in torchvision's.

    Raises:
        DataNotFoundError: the chosen folder lacks a file.
    """
    collection = KIN[name].collection
    if chosen is not None:
        return folder_module.find_collection(chosen, collection)[1]
    for place in kin_places(name):
        try:
            return folder_module.find_collection(place, collection)[1]
        except DataError:
            continue
    return None


def kin_places(name: str) -> tuple[Path, ...]:
    """Return where the files of one of MNIST's kin are looked for, in order: put by hand, then torchvision's folders.

    Args:
        name: a key of `KIN`.
    """
    roots = [Path(root).expanduser() / KIN[name].torchvision_folder / "raw" for root in folder_module.TORCHVISION_ROOTS]
    return cache_folder(name), *roots


def load_kin(name: str, chosen: Path | None, log: Log) -> Dataset:
    """Return one of MNIST's kin: upright, labels counted from 0, its classes named; said to be not verified.

    Args:
        name: a key of `KIN`.
        chosen: as for `find_kin`.
        log: told where it is from, and that no hash of it is known.

    Raises:
        DataNotFoundError: it is not on this machine; the message says where to put it.
        DataError: the counts or shapes are another dataset's, or the files are a known one's.
    """
    kin, files = KIN[name], find_kin(name, chosen)
    if files is None:
        raise DataNotFoundError(not_fetched(name))
    log(f"{kin.title}: reading {files[0].parent}; not verified, since no hash is known: by names and counts alone.")
    data = folder_module.load_folder(files[0].parent, log, collection=kin.collection)
    if data.name in DATASETS:
        raise DataError(f"{files[0].parent}: expected {kin.title}, received {DATASETS[data.name].title} by its hashes.")
    found = (len(data.train), len(data.test), *data.image_shape)
    if found != (*kin.counts, SIDE, SIDE) or data.classes > len(kin.class_names):
        expected = f"{kin.counts[0]:,} and {counted(kin.counts[1], 'image')} of {SIDE}x{SIDE}"
        received = f"{found[0]:,} and {found[1]:,} of {found[2]}x{found[3]} in {data.classes}"
        classes = counted(len(kin.class_names), "class", "classes")
        raise DataError(
            f"{files[0].parent}: expected {kin.title}, {expected} in {classes}, received {received}. Load it as a "
            f"folder: --dataset {files[0].parent}"
        )
    return replace(data, name=name, class_names=kin.class_names, source=f"{data.source}, not verified")


def not_fetched(name: str) -> str:
    """Return the sentence that says how to have one of MNIST's kin.

    Args:
        name: a key of `KIN`.
    """
    kin = KIN[name]
    begins = f"{kin.collection}-train-images-idx3-ubyte" if kin.collection else "train-images-idx3-ubyte"
    return (
        f"{kin.title}: not on this machine, and not fetched, since no hash of it is known here. Put its four files "
        f"({begins}.gz and so on; {kin.source}) into {cache_folder(name)}, or name their folder with --data-dir."
    )
