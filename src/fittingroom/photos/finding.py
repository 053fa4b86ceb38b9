"""Find the article in a photo: which pixels are it, and how that was decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import DataError
from fittingroom.photos.opening import need_opencv

STRIP = 0.05  # share of the shorter edge, all around, in which the background's colours are looked for
COLOURS = 5  # that are told apart there
RARE = 0.04  # a colour with a smaller share of the strip may be the article's own
LEAST_SPREAD = 2.5  # of a colour, in Lab units: no camera's noise is smaller
LIGHTNESS = 0.7  # weight of lightness beside hue: shadows change it


def distance_from_background(pixels: Array, where: Array | None = None) -> Array:
    """Return how far each pixel's colour is from the nearest of the background's colours, in their spreads.

    Args:
        pixels: uint8 ``(h, w, 3)``, RGB.
        where: bool ``(h, w)``, True where it is asked for; elsewhere it is infinite. Everywhere if left out.

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
    where = np.ones(lab.shape[:2], bool) if where is None else where
    asked, squared = lab[where], np.full(int(where.sum()), np.inf, np.float32)
    for number, centre in enumerate(centres):
        own = edge[which[:, 0] == number]
        if len(own) >= RARE * len(edge):
            apart = (asked - centre) / np.maximum(own.std(axis=0), LEAST_SPREAD)
            squared = np.minimum(squared, np.einsum("nc,nc->n", apart, apart))
    distance = np.full(lab.shape[:2], np.inf, np.float32)
    distance[where] = np.sqrt(squared)
    return distance


def _edge(shape: tuple[int, int]) -> Array:
    strip = max(2, round(STRIP * min(shape)))
    edge = np.ones(shape, bool)
    edge[strip:-strip, strip:-strip] = False
    return edge


SIDE = 224  # longest edge on which GrabCut works, in pixels
ROUNDS = 3  # of GrabCut
MARGIN = 0.03  # share of the shorter edge, all around, that is taken for background
MIDDLE = 0.8  # radius of the middle, in halves of the photo's edges
SMALLEST, LARGEST = 0.015, 0.92  # share of the photo that an article may cover
LIKE_FLOOR = 1.5  # distance from the background's colours below which a pixel may be floor
FLOOR_SHARE = (0.02, 0.3)  # of a mask: less is noise, more is the article's own colour
KEPT = 0.55  # share of a mask that has to stay when floor is taken off it
PIECE = 0.15  # pieces smaller than this share of the largest are not the article
HOLE = 0.02  # holes smaller than this share of the article are filled
FLAT = 3.0  # spread of grey values (of 255) below which a photo shows nothing


class NothingFoundError(DataError):
    """A photo without anything to name in it."""


@dataclass(frozen=True)
class Found:
    """Where the article is.

    Attributes:
        mask: bool ``(h, w)``, True on the article.
        is_found: whether it could be told from its background; if not, the mask is most of the photo.
        reason: how it was found, in one sentence.
    """

    mask: Array
    is_found: bool
    reason: str


def find_item(pixels: Array, alpha: Array | None = None, where: str = "photo") -> Found:
    """Find the article in a photo.

    Args:
        pixels: uint8 ``(h, w, 3)``, RGB.
        alpha: uint8 ``(h, w)``, or None; where the picture is transparent in part, that is its outline.
        where: what to call it in a message.

    Raises:
        NothingFoundError: the photo is of one colour.

    Source: C. Rother, V. Kolmogorov and A. Blake, GrabCut, 2004, as in OpenCV.
    """
    if alpha is not None and SMALLEST < (alpha > 127).mean() < 1:
        return Found(alpha > 127, True, "The picture is transparent around the article.")
    spread = float(need_opencv().meanStdDev(pixels)[1].max())
    if spread < FLAT:
        raise NothingFoundError(
            f"{where}: no article found, the picture is of one colour (spread {spread:.1f} of 255)."
        )
    small = shrunk(pixels)
    for name, start in STARTS.items():
        mask = at_size(without_floor(small, cut_out(small, start(small.shape[:2]))), pixels.shape[:2])
        share = float(mask.mean())
        if SMALLEST < share < LARGEST:
            return Found(mask, True, f"Cut out by its colours, {name}; it covers {share:.0%} of the photo.")
    return Found(_inside(pixels.shape[:2]), False, "No colours tell an article from the photo's edge: all is taken.")


def _inside(shape: tuple[int, int]) -> Array:
    margin = max(1, round(MARGIN * min(shape)))
    inside = np.zeros(shape, bool)
    inside[margin:-margin, margin:-margin] = True
    return inside


def _middle(shape: tuple[int, int]) -> Array:
    rows, columns = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.asarray(np.hypot(rows, columns) < MIDDLE)


STARTS = {"starting from the photo's edge": _inside, "starting from its middle": _middle}
"""What is taken for the article at first, by the words that tell it; the next is tried where one finds nothing."""


def shrunk(pixels: Array) -> Array:
    """Return a picture made as small as GrabCut works on, uint8 ``(h, w, 3)``."""
    cv2 = need_opencv()
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    size = tuple(max(1, round(edge * scale)) for edge in pixels.shape[1::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def at_size(mask: Array, shape: tuple[int, int]) -> Array:
    """Return a mask in another size, bool ``shape``."""
    cv2 = need_opencv()
    grown = cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown > 0.5)


def cut_out(pixels: Array, guess: Array) -> Array:
    """Return GrabCut's mask, tidied; what the guess leaves out is background, at the photo's edge for certain.

    Args:
        pixels: uint8 ``(h, w, 3)``, RGB.
        guess: bool ``(h, w)``, True where the article may be.
    """
    cv2 = need_opencv()
    labels = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[~_inside(labels.shape)] = cv2.GC_BGD
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(np.ascontiguousarray(pixels), labels, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return tidied((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def without_floor(pixels: Array, mask: Array) -> Array:
    """Return the mask without pieces of floor that were cut out with the article, where there seem to be some.

    Pixels in the mask that have the background's colours are called background, and GrabCut is run again. Where they
    are many the article itself has these colours, and nothing is changed.
    """
    floor = distance_from_background(pixels, mask) < LIKE_FLOOR
    least, most = FLOOR_SHARE
    if not least < floor.sum() / max(1, mask.sum()) < most:
        return mask
    again = cut_out(pixels, mask & ~floor)
    return again if again.sum() > KEPT * mask.sum() else mask


def tidied(mask: Array) -> Array:
    """Return a mask without specks, thin threads, small holes and pieces that do not count.

    Args:
        mask: bool ``(h, w)``.

    Example:
        >>> mask = np.zeros((40, 40), bool)
        >>> mask[5:35, 5:20] = True
        >>> mask[10, 10] = False
        >>> mask[30:34, 30:34] = True
        >>> bool(tidied(mask)[10, 10]), bool(tidied(mask)[32, 32])
        (True, False)
    """
    cv2 = need_opencv()
    smooth = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    pieces, areas = _pieces(smooth)
    kept = np.isin(pieces, np.flatnonzero((areas >= PIECE * areas.max()) & (areas > 0)))
    gaps, areas = _pieces(~kept & ~_reached_from_outside(kept))
    return np.asarray(kept | np.isin(gaps, np.flatnonzero((areas > 0) & (areas < HOLE * kept.sum()))))


def _pieces(mask: Array) -> tuple[Array, Array]:
    """Return the number of each pixel's piece, and each piece's area in pixels; what is in no piece has number 0."""
    cv2 = need_opencv()
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = facts[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return pieces, areas


def _reached_from_outside(mask: Array) -> Array:
    cv2 = need_opencv()
    padded = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(padded, None, (0, 0), 2)
    return np.asarray(padded[1:-1, 1:-1] == 2)
