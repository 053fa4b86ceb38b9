"""A known dataset of a few pictures, so that loading is tested without the real ones."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

import fittingroom.data.catalog as catalog
import fittingroom.data.folder as folder_module
import fittingroom.data.loading as loading
from fittingroom.data.catalog import FILE_NAMES, KnownDataset, KnownFile
from fittingroom.data.idx import encode

if TYPE_CHECKING:
    from pathlib import Path


def make_arrays(seed: int = 0) -> list[np.ndarray]:
    """Train images, train labels, test images, test labels: 30 and 12 pictures of 4x5 pixels in 3 classes."""
    generator = np.random.default_rng(seed)
    return [
        generator.integers(0, 256, (30, 4, 5), np.uint8),
        (np.arange(30, dtype=np.uint8) + seed) % 3,
        generator.integers(0, 256, (12, 4, 5), np.uint8),
        (np.arange(12, dtype=np.uint8) + seed) % 3,
    ]


def make_known(name: str, title: str, arrays: list[np.ndarray], mirrors: tuple[str, ...] = ()) -> KnownDataset:
    raws = [encode(array) for array in arrays]
    files = tuple(
        KnownFile(file, len(raw), hashlib.sha256(raw).hexdigest()) for file, raw in zip(FILE_NAMES, raws, strict=True)
    )
    return replace(
        catalog.FASHION_MNIST,
        name=name,
        title=title,
        class_names=("hat", "sock", "scarf"),
        files=files,
        mirrors=mirrors,
        debian=None,
        keras_folder=name,
        torchvision_folder=title,
    )


ARRAYS = make_arrays()
OTHER_ARRAYS = make_arrays(seed=1)
TINY = make_known("tiny", "Tiny", ARRAYS)
OTHER = make_known("other", "Other", OTHER_ARRAYS)


def install(known: KnownDataset = TINY, set_attribute=setattr) -> None:
    """Put the tiny datasets into every module that reads the catalog."""
    table = MappingProxyType({known.name: known, "other": OTHER, "mnist": catalog.MNIST})
    for module in (catalog, loading, folder_module):
        set_attribute(module, "DATASETS", table)


def write_files(folder: Path, arrays: list[np.ndarray] = ARRAYS, gzipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        raw = encode(array)
        path = folder / (f"{name}.gz" if gzipped else name)
        path.write_bytes(gzip.compress(raw) if gzipped else raw)
    return folder
