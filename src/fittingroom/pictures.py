"""Read pictures that are data already: grey PNG files and ``.npy`` arrays, taken as they are."""

from __future__ import annotations

import stat
import warnings
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.arrays import Array, Images

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # none that runs a program


def read_pictures(path: Path) -> Images:
    """Return the pictures in one file.

    Args:
        path: an 8-bit grey PNG, or a ``.npy`` file of uint8 ``(h, w)`` or ``(n, h, w)``.

    Returns:
        uint8 ``(n, h, w)``; n is 1 for a PNG.

    Raises:
        DataError: the file is missing, cannot be read, or holds something else.
    """
    check_is_file(path)
    array = _read_npy(path) if path.suffix == ".npy" else _read_grey(path)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise DataError(f"{path}: expected uint8 of shape (h, w) or (n, h, w), received {array.dtype} {array.shape}.")
    return array[None] if array.ndim == 2 else array


def check_is_file(path: Path) -> None:
    """Say what is there instead of a picture's file.

    Raises:
        DataError: a folder, a pipe or a device, an address on the web, or nothing.

    Example:
        >>> from pathlib import Path
        >>> check_is_file(Path("no-such.jpg"))
        Traceback (most recent call last):
        ...
        fittingroom.errors.DataError: no-such.jpg: expected a picture, found no such file.
    """
    scheme, slash, rest = str(path).partition(":/")
    kind = _kind(path)
    if kind == "a file":
        return
    if kind == "no such file" and slash and scheme in ("http", "https"):
        raise DataError(
            f"{scheme}://{rest.lstrip('/')}: expected a file on this machine, received an address. "
            "Download the picture first."
        )
    raise DataError(f"{path}: expected a picture, found {kind}.")


def _kind(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "no such file"
    except OSError as error:  # a locked folder on the way, a name too long, links in a circle
        return f"what cannot be reached ({error.strerror})"
    return "a file" if stat.S_ISREG(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"


def _read_npy(path: Path) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:  # NumPy raises many kinds for a damaged header: ValueError, MemoryError, TokenError ...
        raise DataError(f"{path}: expected a .npy array without pickled objects, received: {error}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: expected one .npy array, received an archive of several.")
    if array.ndim == 3 and not len(array):
        raise DataError(f"{path}: expected pictures, received an array of none, of shape {array.shape}.")
    return array


def _read_grey(path: Path) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
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

    if _kind(path) != "a file":  # a pipe would be waited for
        return False
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
            return picture.mode == "L" and picture.size == image_shape[::-1]
    except Exception:  # Pillow raises many kinds; whoever reads the whole file says what is wrong with it
        return False
