"""A dataset of a few pictures of an odd size, with names of classes that no folder can have, in every form."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fittingroom.data import FILE_NAMES, read_idx, write_idx
from fittingroom.data.converting import convert_data

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("Mütze/Hut", "Mütze-Hut", "sock", "T: shirt?")
SHAPE = (4, 5)


def arrays(shape=SHAPE, classes=4, counts=(30, 12), seed=0) -> list[np.ndarray]:
    """Train images and labels, test images and labels, labels in no order."""
    generator = np.random.default_rng(seed)
    made = []
    for count in counts:
        made += [generator.integers(0, 256, (count, *shape), np.uint8), generator.permutation(count) % classes]
    return [made[0], made[1].astype(np.uint8), made[2], made[3].astype(np.uint8)]


def write_folder(folder: Path, made: list[np.ndarray], classes=CLASSES) -> Path:
    folder.mkdir(parents=True)
    for name, array in zip(FILE_NAMES, made, strict=True):
        write_idx(folder / name, array)
    if classes:
        (folder / "classes.txt").write_text("".join(f"{name}\n" for name in classes), "utf-8")
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (*FILE_NAMES, "classes.txt") if (folder / name).exists()}


def same(folder: Path, made: list[np.ndarray]) -> None:
    for name, array in zip(FILE_NAMES, made, strict=True):
        np.testing.assert_array_equal(read_idx(folder / name), array)


NEEDS = {"parquet": "pyarrow", "huggingface": "pyarrow", "mat": "scipy"}
OUT = {  # of each format that holds both parts: what its file or folder is called
    "idx": "made",
    "idx.gz": "made",
    "torchvision": "made",
    "npz": "made.npz",
    "csv": "made",
    "huggingface": "made",
    "png": "made",
    "png-csv": "made",
    "mat": "made.mat",
}


def skip_without(name: str) -> None:
    if name in NEEDS and find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")


def convert_to(name: str, source: Path, folder: Path) -> Path:
    """Convert into a format, below a new folder."""
    skip_without(name)
    return convert_data(source, folder / OUT[name], to_format=name).path
