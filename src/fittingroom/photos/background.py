"""The colours of a photo's background, as its edge shows them: floor boards, tiles, a sheet, a wall."""

from __future__ import annotations

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opencv import need_opencv

STRIP = 0.05  # share of the shorter edge, all around, in which the background's colours are looked for
COLOURS = 5  # that are told apart there
RARE = 0.04  # a colour with a smaller share of the strip may be the article's own
LEAST_SPREAD = 2.5  # of a colour, in Lab units: no camera's noise is smaller
LIGHTNESS = 0.7  # weight of lightness beside hue: shadows change it


def distance_from_background(pixels: Array) -> Array:
    """Return how far each pixel's colour is from the nearest of the background's colours, in their spreads.

    Args:
        pixels: uint8 ``(h, w, 3)``, RGB.

    Returns:
        float32 ``(h, w)``: below about 1.5 a pixel looks like the background.

    Example:
        >>> pixels = np.full((40, 40, 3), 200, np.uint8)
        >>> pixels[15:25, 15:25] = (200, 20, 20)
        >>> distance = distance_from_background(pixels)
        >>> bool(distance[20, 20] > 5 > 1 > distance[5, 5])
        True
    """
    cv2 = need_opencv()
    smooth = cv2.GaussianBlur(pixels, (0, 0), 1.0).astype(np.float32) / 255
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB) * np.array([LIGHTNESS, 1, 1], np.float32)
    edge = lab[_edge(lab.shape[:2])]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, which, centres = cv2.kmeans(edge, min(COLOURS, len(edge)), None, stop, 2, cv2.KMEANS_PP_CENTERS)
    distance = np.full(lab.shape[:2], np.inf, np.float32)
    for number, centre in enumerate(centres):
        own = edge[which[:, 0] == number]
        if len(own) >= RARE * len(edge):
            apart = (lab - centre) / np.maximum(own.std(axis=0), LEAST_SPREAD)
            distance = np.minimum(distance, np.sqrt((apart**2).sum(axis=-1)))
    return distance


def _edge(shape: tuple[int, int]) -> Array:
    strip = max(2, round(STRIP * min(shape)))
    edge = np.ones(shape, bool)
    edge[strip:-strip, strip:-strip] = False
    return edge
