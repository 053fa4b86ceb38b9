"""Read pictures that are data already: grey PNG files and ``.npy`` arrays, taken as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.arrays import Array, Images


def read_pictures(path: Path) -> Images:
    """Return the pictures in one file.

    Args:
        path: an 8-bit grey PNG, or a ``.npy`` file of uint8 ``(h, w)`` or ``(n, h, w)``.

    Returns:
        uint8 ``(n, h, w)``; n is 1 for a PNG.

    Raises:
        DataError: the file is missing, cannot be read, or holds something else.
    """
    if not path.is_file():
        raise DataError(f"{path}: expected a picture, found {'a folder' if path.is_dir() else 'no such file'}.")
    array = _read_npy(path) if path.suffix == ".npy" else _read_grey(path)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise DataError(f"{path}: expected uint8 of shape (h, w) or (n, h, w), received {array.dtype} {array.shape}.")
    return array[None] if array.ndim == 2 else array


def _read_npy(path: Path) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path}: expected a .npy array without pickled objects, received: {error}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: expected one .npy array, received an archive of several.")
    return array


def _read_grey(path: Path) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.mode != "L":
                raise DataError(
                    f"{path}: expected a grey 8-bit picture (mode L), received mode {picture.mode}. "
                    "Here pictures are data, taken as they are."
                )
            return np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: expected a picture that can be read, received: {error}") from error


def is_grey_of_size(path: Path, image_shape: tuple[int, int]) -> bool:
    """Say whether a file is a grey 8-bit picture of exactly this size; no for what is no picture.

    Args:
        path: of the file; only its header is read.
        image_shape: ``(h, w)``.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.mode == "L" and picture.size == image_shape[::-1]
    except Exception:  # Pillow raises many kinds; whoever reads the whole file says what is wrong with it
        return False
