"""Read pictures that are data already: files that are grey in fact and ``.npy`` arrays, taken as they are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array, Images, check_images, grey_in_fact
from fittingroom.errors import DataError
from fittingroom.files import file_kind
from fittingroom.progress import Log, warn_user

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # none that runs a program


def read_pictures(path: Path, log: Log = warn_user) -> Images:
    """Return the pictures in one file.

    Args:
        path: a picture that is grey in fact, see `grey_pixels`, or a ``.npy`` file of what `check_images` takes.
        log: takes one line where a choice was made; a Python warning if left out.

    Returns:
        uint8 ``(n, h, w)``; n is 1 for a picture.

    Raises:
        DataError: the file is missing, cannot be read, or holds something else.
    """
    check_is_file(path)
    array = _read_npy(path) if path.suffix == ".npy" else _read_grey(path)
    return check_images(array, str(path), log)


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
    kind = file_kind(path)
    if kind == "a file":
        return
    if kind == "no such file" and slash and scheme in ("http", "https"):
        raise DataError(
            f"{scheme}://{rest.lstrip('/')}: expected a file on this machine, received an address. "
            "Download the picture first."
        )
    raise DataError(f"{path}: expected a picture, found {kind}.")


def _read_npy(path: Path) -> Array:
    try:
        with path.open("rb") as file:  # np.load would leave a damaged file, or an archive, open
            array = np.load(file, allow_pickle=False)
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
            grey = grey_pixels(picture)
            if grey is None:
                raise DataError(
                    f"{path}: expected a grey picture, received colour, transparency or several frames (mode "
                    f"{picture.mode}). Here pictures are data, taken as they are."
                )
            return grey
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: expected a picture that can be read, received: {error}") from error


def grey_pixels(picture: Image.Image) -> Array | None:
    """Return the pixels of a picture that is grey in fact, uint8 ``(h, w)``; None for colour and transparency.

    Grey is what holds grey, whatever the format: equal channels, a palette of greys, an alpha channel that is solid,
    black and white; 16 bits are brought to 8 (257 is 1; values up to 255 stay as they are).

    Args:
        picture: opened; its pixels may not have been read yet.
    """
    if getattr(picture, "n_frames", 1) > 1:
        return None
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            return None
        return (deep if deep.max() <= 255 else np.rint(deep / 257)).astype(np.uint8)
    if picture.mode in ("L", "1") and not picture.has_transparency_data:
        return np.asarray(picture.convert("L"))
    if picture.mode in ("L", "1", "P", "PA", "LA", "RGB", "RGBA"):
        return grey_in_fact(np.asarray(picture.convert("RGBA")))
    return None


LIGHT = (
    "its background is light, and the pictures that the model learned from are light on black: if it was not meant so, "
    "pass 255 minus the pixels, or ask with --as photo"
)


LIGHT_GREY = 150  # noise has a mean of 128


def have_light_background(images: Array) -> Array:
    """Say of pictures whether their border is light, which in the datasets known here none is, and all are inverted.

    Args:
        images: uint8 ``(n, h, w)``.

    Returns:
        bool ``(n,)``.

    Example:
        >>> have_light_background(np.full((1, 28, 28), 255, np.uint8))
        array([ True])
    """
    border = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    pixels = np.concatenate(border, axis=1)
    above = (
        2 * (pixels > LIGHT_GREY).sum(axis=1) >= pixels.shape[1]
    )  # a median above it has at least half of the pixels above it
    if not above.any():
        return np.asarray(above)
    return np.asarray(np.median(pixels, axis=1) > LIGHT_GREY)


def is_grey_of_size(path: Path, image_shape: tuple[int, int]) -> bool:
    """Say whether a file is a picture, grey in fact, of exactly this size; no for what is no picture.

    Args:
        path: of the file; only its header is read, but for one of this size.
        image_shape: ``(h, w)``.
    """
    from PIL import Image

    if file_kind(path) != "a file":  # a pipe would be waited for
        return False
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
            return picture.size == image_shape[::-1] and grey_pixels(picture) is not None
    except Exception:  # Pillow raises many kinds; whoever reads the whole file says what is wrong with it
        return False
