"""A picture that was sent: told from its bytes, and its size from its header, before anything is decoded."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fittingroom.extras import install_line
from fittingroom.photos.opening import known_formats
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from PIL import Image


def open_picture(content: bytes, pixels: int, side: int) -> Image.Image:
    """Open an uploaded picture after its header was checked; its pixels are decoded later.

    Args:
        content: of the file.
        pixels: that it may have at most.
        side: likewise, along one.

    Raises:
        Problem: 415, no picture; 422, more pixels than the limit.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"):
            picture = Image.open(io.BytesIO(content), formats=known_formats())
    except UnidentifiedImageError:
        if content[4:8] == b"ftyp" and find_spec("pillow_heif") is None:
            words = f"A HEIC photo needs another package. Install it: {install_line('photos', tells_path=False)}"
            raise Problem(415, words) from None
        words = "Expected a picture (JPEG, PNG, WebP, HEIC, GIF, TIFF, BMP), received something else."
        raise Problem(415, words) from None
    except Exception as error:  # Pillow raises many kinds for a damaged header
        raise Problem(422, f"The picture is damaged: {type(error).__name__}.") from None
    width, height = picture.size
    if width * height > pixels or max(width, height) > side:
        words = f"A picture may have {pixels / 1e6:g} million pixels at most, this has {width * height / 1e6:.0f}."
        raise Problem(422, words, pixels)
    return picture
