"""A contact sheet: photos before and after, a row a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opencv import need_opencv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

THUMBNAIL = 84  # longest edge of a photo on the sheet, in pixels; three times the image's 28
GAP, NAME = 8, 22  # around pictures; height of a class's name


def thumbnail(pixels: Array, side: int) -> Array:
    """Return a picture made so small that its longest edge has a length.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        side: in pixels.
    """
    cv2 = need_opencv()
    scale = side / max(pixels.shape[:2])
    size = tuple(max(1, round(edge * scale)) for edge in pixels.shape[1::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def contact_sheet(rows: Sequence[tuple[str, Sequence[tuple[Array, Array]]]]) -> Image.Image:
    """Draw classes below each other, and in each its photos beside what became of them.

    Args:
        rows: a class's name, and pairs of a thumbnail ``(h, w, 3)`` and an image ``(28, 28)``, both uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    pair, row = 2 * THUMBNAIL + 2 * GAP, THUMBNAIL + NAME + GAP
    columns = max(len(pairs) for _, pairs in rows)
    sheet = Image.new("RGB", (columns * pair + GAP, len(rows) * row + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for line, (name, pairs) in enumerate(rows):
        top = line * row + GAP
        pen.text((GAP, top), name, fill="#1c1c1c", font=font)
        for column, (before, after) in enumerate(pairs):
            left = column * pair + GAP
            space = THUMBNAIL - before.shape[1], THUMBNAIL - before.shape[0]
            sheet.paste(Image.fromarray(before), (left + space[0], top + NAME + space[1] // 2))
            large = Image.fromarray(after).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.NEAREST)
            sheet.paste(large, (left + THUMBNAIL + 2, top + NAME))
    return sheet
