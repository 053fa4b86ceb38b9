"""One grey picture as the bytes of a PNG, and back without a change."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.errors import DataError
from fittingroom.pictures import FORMATS, grey_pixels

if TYPE_CHECKING:
    from fittingroom.arrays import Array


def encode_png(image: Array) -> bytes:
    r"""Return a picture as the bytes of a PNG.

    Args:
        image: uint8 ``(h, w)``.

    Example:
        >>> encode_png(np.zeros((2, 3), np.uint8))[:4]
        b'\x89PNG'
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def decode_png(content: bytes, where: str) -> Array:
    """Return the pixels of a picture that is grey in fact and has 8 bits, in any lossless or lossy form of file.

    Args:
        content: of the file.
        where: what to call it in a message.

    Returns:
        uint8 ``(h, w)``.

    Raises:
        DataError: no picture, one in colour or see-through, or one of 16 bits whose values a byte does not hold.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.mode.startswith("I") and int(np.asarray(picture).max()) > 255:
                raise DataError(f"{where}: expected pixels in 0..255, received a picture of 16 bits. Make it 8 bits.")
            grey = grey_pixels(picture)
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for what is damaged
        raise DataError(f"{where}: expected a picture that can be read, received: {error}") from error
    if grey is None:
        raise DataError(
            f"{where}: expected a grey picture, received colour, transparency or several frames. Photos become a "
            "dataset with: fittingroom data import FOLDER --out NEW"
        )
    return grey
