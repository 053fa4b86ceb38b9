"""A dataset as the studio shows it: train and test in one row, by one index."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from fittingroom.arrays import Array, Images
from fittingroom.data import DATASETS, Dataset, load, locate
from fittingroom.errors import DataError
from fittingroom.lookup import suggest
from fittingroom.mapped_arrays import rows_of
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class FlatDataset:
    """All images of a dataset; the training images come first.

    Attributes:
        data: the dataset.
    """

    data: Dataset

    def __len__(self) -> int:
        return len(self.data.train) + len(self.data.test)

    @property
    def labels(self) -> Array:
        """Classes by index, uint8 ``(n,)``."""
        return np.concatenate([self.data.train.labels, self.data.test.labels])

    def images(self, start: int, stop: int) -> Images:
        """Return the images from ``start`` up to ``stop``, uint8 ``(stop - start, h, w)``."""
        edge = len(self.data.train)
        parts = [
            rows_of(split.images, np.arange(first, last))
            for split, first, last in (
                (self.data.train, start, min(stop, edge)),
                (self.data.test, max(start, edge) - edge, stop - edge),
            )
            if first < last
        ]
        return parts[0] if len(parts) == 1 else np.concatenate([self.data.train.images[:0], *parts])

    def image(self, index: int) -> Array:
        """Return one image, uint8 ``(h, w)``.

        Raises:
            Problem: 404, there is no such index.
        """
        if not 0 <= index < len(self):
            raise Problem(404, f"No image {index}: '{self.data.name}' has 0 to {len(self) - 1:,}.")
        return self.images(index, index + 1)[0]  # type: ignore[no-any-return]

    def place(self, index: int) -> tuple[str, int]:
        """Return the split of an index, and its position in that split's file."""
        edge = len(self.data.train)
        split, position = (self.data.train, index) if index < edge else (self.data.test, index - edge)
        return split.name, int(split.indices[position])


MOST_IMAGES = 1_000_000  # that a browser is given: their labels and answers are kept there


class DatasetRegistry:
    """The datasets that the studio may open: those we know, and folders that were named at its start.

    A folder is called by its name; where several have the same name, or a known dataset has it, by that of the folder
    above it too.

    Args:
        places: names of known datasets, and folders.

    Attributes:
        folders: by the name that requests use.

    Example:
        >>> DatasetRegistry(["a/shirts", "b/shirts", "c/mnist", "mnist"]).names()[:3]
        ['shirts (a)', 'shirts (b)', 'mnist (c)']
    """

    def __init__(self, places: Sequence[str | Path] = ()) -> None:
        folders = dict.fromkeys(Path(place).resolve() for place in places if str(place) not in DATASETS)
        self.folders = _named(list(folders))
        self._open: dict[str, FlatDataset] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names that requests may use; folders first."""
        return [*self.folders, *DATASETS]

    def is_here(self, name: str) -> bool:
        """Say whether a dataset can be read without fetching it first; what is wrong with it is for `open` to tell."""
        try:
            return name in self.folders or locate(name) is not None
        except DataError:
            return True

    def source(self, name: str) -> str | Path:
        """Return what `fittingroom.load` takes for a name.

        Raises:
            Problem: 404, a name that this studio has not.
        """
        if name not in self.names():
            raise Problem(404, f"Unknown dataset '{name}'. {suggest(name, self.names())}")
        return self.folders.get(name, name)

    def open(self, name: str) -> FlatDataset:
        """Return a dataset, loaded once and verified then.

        Raises:
            Problem: 404, a name that this studio has not; 409, it is not on this machine, and the studio fetches none.
            FittingRoomError: as `fittingroom.load`.
        """
        source = self.source(name)
        with self._lock:
            if name not in self._open:
                if not self.is_here(name):
                    title = DATASETS[name].title
                    raise Problem(409, f"{title} is not on this machine yet. Get it with: fittingroom data get {name}")
                self._open[name] = _not_too_many(name, FlatDataset(load(source)))
            return self._open[name]


def _not_too_many(name: str, data: FlatDataset) -> FlatDataset:
    """Return a dataset that a browser can hold.

    Raises:
        Problem: 413, it has too many images.
    """
    if len(data) > MOST_IMAGES:
        raise Problem(
            413,
            f"'{name}' has {len(data):,} images, and the studio draws all of a dataset, {MOST_IMAGES:,} at most. Train "
            "and judge it by fittingroom train and fittingroom evaluate; to look at a part, write that into a folder.",
        )
    return data


def _named(folders: Sequence[Path]) -> dict[str, Path]:
    bases = [folder.name for folder in folders] + list(DATASETS)
    named: dict[str, Path] = {}
    for folder in folders:
        wanted = folder.name if bases.count(folder.name) == 1 else f"{folder.name} ({folder.parent.name})"
        numbered = (wanted if number == 1 else f"{wanted} {number}" for number in range(1, len(folders) + 1))
        named[next(name for name in numbered if name not in named)] = folder
    return named


SHEET = 1024  # pictures a sheet: 0.8 MB at 28x28
LARGEST_TILE = 32  # pixels; larger pictures travel as thumbnails


def tile_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of a picture on a sheet.

    Example:
        >>> tile_shape((28, 28)), tile_shape((128, 64))
        ((28, 28), (32, 16))
    """
    height, width = image_shape
    step = -(-max(height, width) // LARGEST_TILE)
    return -(-height // step), -(-width // step)


def sheets(flat_dataset: FlatDataset) -> int:
    """Return how many sheets hold a collection."""
    return -(-len(flat_dataset) // SHEET)


@lru_cache(maxsize=160)
def sheet(flat_dataset: FlatDataset, number: int) -> bytes:
    """Return one sheet, gzipped: pictures ``number * SHEET`` and on, each ``tile_shape`` uint8.

    Raises:
        Problem: 404, there is no such sheet.
    """
    if not 0 <= number < sheets(flat_dataset):
        raise Problem(404, f"No sheet {number}: there are 0 to {sheets(flat_dataset) - 1}.")
    images = flat_dataset.images(number * SHEET, min(len(flat_dataset), (number + 1) * SHEET))
    return gzip.compress(shrunk(images).tobytes(), compresslevel=1)


def shrunk(images: Images) -> UInt8[Array, "n rows columns"]:
    """Return pictures no larger than a tile, each pixel the mean of those it stands for.

    Args:
        images: uint8 ``(n, h, w)``.
    """
    height, width = images.shape[1:]
    step = -(-max(height, width) // LARGEST_TILE)
    if step == 1:
        return images
    rows, columns = tile_shape((height, width))
    padded = np.pad(images, ((0, 0), (0, rows * step - height), (0, columns * step - width)), mode="edge")
    blocks = padded.reshape(len(images), rows, step, columns, step)
    thumbnails: Array = np.round(blocks.mean(axis=(2, 4))).astype(np.uint8)
    return thumbnails
