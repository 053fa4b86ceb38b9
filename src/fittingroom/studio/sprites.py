"""Sprite sheets: a thousand pictures in one answer, as grey bytes one picture after the other.

Raw bytes rather than PNG: the page needs the pixels themselves, and a browser that guards against fingerprinting hands
out altered ones when a picture is drawn and read back.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from fittingroom.arrays import Array, Images
from fittingroom.studio.problems import Problem

if TYPE_CHECKING:
    from fittingroom.studio.flat_dataset import FlatDataset

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
