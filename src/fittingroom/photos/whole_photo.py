"""A whole photo as the network for photos takes it: in colour, nothing cut out, stretched to one size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opening import as_opened, need_opencv

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from fittingroom.photos.opening import Opened

SIZE = (224, 168)  # height and width that the network for photos was trained with
LIGHT_GROUND, DARK_GROUND = 255, 70  # behind a cut-out: a shop's white, and a dark grey behind a light article
LIGHT_ARTICLE = 200  # mean grey value of an article from which it would be lost on white
LONGEST = 2.5  # times as long as wide, from which a photo is said to be a strip


def whole_photo(image: str | Path | Image.Image | Array | Opened, size: tuple[int, int] = SIZE) -> Array:
    """Return a photo as the network for photos takes it.

    Args:
        image: as `prepare_photo` takes it, or opened already.
        size: height and width of what comes out; `Predictor.image_shape` of that network.

    Returns:
        uint8 ``(height, width, 3)``: all of the photo, upright; a cut-out lies on a plain background.

    Raises:
        DataError: no picture, or one that cannot be read.

    Example:
        >>> whole_photo(np.zeros((300, 400, 3), np.uint8)).shape
        (224, 168, 3)
    """
    photo = as_opened(image)
    return stretched(photo.pixels if photo.alpha is None else on_plain(photo.pixels, photo.alpha), size)


def stretched(pixels: Array, size: tuple[int, int]) -> Array:
    """Return a picture in another size, whatever its proportions: by area means where it shrinks.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        size: height and width of what comes out.
    """
    cv2 = need_opencv()
    shrinks = pixels.shape[0] >= size[0] and pixels.shape[1] >= size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # area means of an enlarged picture are blocks
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size[::-1], interpolation=way), np.uint8)


def on_plain(pixels: Array, alpha: Array) -> Array:
    """Return a transparent picture on a plain background that its article stands out from.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        alpha: uint8 ``(h, w)``, 255 where the picture is solid.

    Example:
        >>> on_plain(np.zeros((2, 2, 3), np.uint8), np.array([[0, 255], [255, 255]], np.uint8))[..., 0]
        array([[255,   0],
               [  0,   0]], dtype=uint8)
    """
    solid = alpha > 127
    is_light = bool(solid.any()) and float(pixels[solid].mean()) > LIGHT_ARTICLE
    share = alpha[..., None].astype(np.float32) / 255
    ground = DARK_GROUND if is_light else LIGHT_GROUND
    return np.asarray(np.round(pixels * share + ground * (1 - share)), np.uint8)


def strip_warning(size: tuple[int, int]) -> tuple[str, ...]:
    """Return what is to be said of a photo's proportions.

    Example:
        >>> strip_warning((1000, 750)), len(strip_warning((5000, 1000)))
        ((), 1)
    """
    ratio = max(size) / min(size)
    if ratio <= LONGEST:
        return ()
    return (f"it is {ratio:.1f} times as long as it is wide: cut out the part with the article for a better answer",)
