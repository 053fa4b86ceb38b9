"""The dataset's own look: cropped tight, the longest edge 28 pixels, light on black, sharpened, full contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opencv import need_opencv

EDGE = 28
RANGE = (2.0, 98.0)  # percentiles of the article's grey values that become its darkest and its lightest
LEAST_CONTRAST = 0.35  # of 0..1: a plain cloth's noise is not blown up to full contrast
FLOOR = 0.4  # the article's darkest, so that it differs from the black around it
SHARPNESS = 0.6


@dataclass(frozen=True)
class Polarity:
    """Whether light and dark change places, and why.

    Attributes:
        inverted: True where they do, as in the dataset: dark clothes are bright there.
        reason: in one sentence.
    """

    inverted: bool
    reason: str


def grey_of(pixels: Array) -> Array:
    """Return the brightness of colours, float32 ``(h, w)`` in 0..1.

    Args:
        pixels: uint8 ``(h, w, 3)``, RGB.
    """
    cv2 = need_opencv()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32) / 255


def decide_polarity(grey: Array, mask: Array) -> Polarity:
    """Decide whether to invert: the article is to be brighter than what is around it, as in the dataset.

    Args:
        grey: float ``(h, w)`` in 0..1.
        mask: bool ``(h, w)``, True on the article.

    Example:
        >>> grey = np.full((10, 10), 0.9)
        >>> grey[3:7, 3:7] = 0.2
        >>> decide_polarity(grey, grey < 0.5).inverted
        True
    """
    article = float(np.median(grey[mask]))
    around = float(np.median(grey[~mask])) if not mask.all() else 1.0
    inverted = around > article
    word = "darker" if inverted else "lighter"
    does = "light and dark change places" if inverted else "light stays light"
    return Polarity(inverted, f"The article ({article:.2f}) is {word} than what is around it ({around:.2f}): {does}.")


def crop_box(mask: Array) -> tuple[slice, slice]:
    """Return the rows and columns of the smallest box around the article.

    Example:
        >>> mask = np.zeros((9, 9), bool)
        >>> mask[2:5, 3:8] = True
        >>> crop_box(mask)
        (slice(2, 5, None), slice(3, 8, None))
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def dataset_look(grey: Array, mask: Array, *, inverted: bool, floor: float = FLOOR) -> Array:
    """Return the article as the dataset would show it.

    Args:
        grey: float ``(h, w)`` in 0..1.
        mask: bool ``(h, w)``, True on the article, somewhere.
        inverted: whether light and dark change places.
        floor: the article's darkest, of 0..1: a low one shows a plaid, a high one hides creases.

    Returns:
        uint8 ``(28, 28)``: light on black, the longest edge from side to side, centred.

    Source: H. Xiao, K. Rasul and R. Vollgraf, arXiv 1708.07747, section 2; area means in place of their subsampling,
    which would keep a camera's noise.
    """
    cv2 = need_opencv()
    box = crop_box(mask)
    values = _full_range(grey[box], mask[box], inverted, floor) * mask[box]
    scale = EDGE / max(values.shape)
    width, height = (min(EDGE, max(1, round(edge * scale))) for edge in values.shape[1::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(values, (width, height), interpolation=way)
    small = np.clip(small + SHARPNESS * (small - cv2.GaussianBlur(small, (3, 3), 1)), 0, 1)
    image = np.zeros((EDGE, EDGE), np.uint8)
    top, left = (EDGE - height) // 2, (EDGE - width) // 2
    image[top : top + height, left : left + width] = np.round(small / max(small.max(), 1e-6) * 255)
    return image


def _full_range(grey: Array, mask: Array, inverted: bool, floor: float) -> Array:
    low, high = np.percentile(grey[mask], RANGE)
    values = np.clip((grey - low) / max(high - low, LEAST_CONTRAST), 0, 1)
    return np.asarray(floor + (1 - floor) * (1 - values if inverted else values), np.float32)
