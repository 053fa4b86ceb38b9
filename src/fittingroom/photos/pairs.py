"""Whether a cut-out is two of a kind, lying apart or barely touching: each half is then asked about on its own."""

from __future__ import annotations

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opening import need_opencv

ALL = 0.95  # share of the cut-out that the pieces which are looked at have to cover
COMPARABLE = 0.5  # least area of the smaller half, of the larger one's
JOINT = 0.5  # most length of the line at which two halves touch, of the longest such line in each of them
NEARLY = 0.2  # ... at which no gap at its ends is asked for
NOTCH = 0.05  # least gap between the halves at either end of that line, of the shorter half's extent along it
LINE = 2.0  # width of such a line, in pixels: of slanted ones every pixel has its share
DIRECTIONS = tuple(range(0, 180, 15))  # in which a line between two halves is looked for, in degrees
SIDE = 160  # longest edge on which it is looked for, in pixels

WHOLE = "One article: it has no two comparable parts that are nearly apart."
APART = "Two comparable parts lie apart: each is also asked about on its own."
TOUCHING = "Two comparable parts barely touch: each is also asked about on its own."


def halves_of(mask: Array) -> tuple[tuple[Array, ...], str]:
    """Return the halves of a cut-out that consists of two comparable parts, nearly separate.

    Two parts lie apart, hang together by a thread, or touch along a short line with a gap at both of its ends. The
    legs of trousers meet at one end: they are one article, and so is a shirt with its sleeves.

    Args:
        mask: bool ``(h, w)``, True on the article, somewhere.

    Returns:
        Two masks of bool ``(h, w)``, True on one half, none where the cut-out is one article; and why so, in one
        sentence.

    Example:
        >>> mask = np.zeros((60, 90), bool)
        >>> mask[10:50, 10:40] = mask[10:50, 45:75] = True
        >>> [int(half.sum()) for half in halves_of(mask)[0]]
        [1200, 1200]
        >>> mask[10:20, 40:45] = True
        >>> halves_of(mask)[0]
        ()
    """
    cv2 = need_opencv()
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = facts[1:, cv2.CC_STAT_AREA]
    first, *others = np.argsort(-areas)
    if areas[first] >= ALL * areas.sum():
        return _halves(_at_a_waist(mask), TOUCHING)
    pair = tuple(pieces == number + 1 for number in (first, others[0]))
    return _halves(pair if sum(half.sum() for half in pair) >= ALL * mask.sum() else (), APART)


def _halves(masks: tuple[Array, ...], reason: str) -> tuple[tuple[Array, ...], str]:
    areas = sorted(half.sum() for half in masks)
    return (masks, reason) if areas and areas[0] >= COMPARABLE * areas[-1] else ((), WHOLE)


def _at_a_waist(mask: Array) -> tuple[Array, ...]:
    """Return the two sides of the shortest line at which two parts barely touch; none without one."""
    step = max(1, max(mask.shape) // SIDE)
    rows, columns = np.nonzero(mask[::step, ::step])
    if not len(rows):  # a thread, between the pixels that were looked at
        return ()
    cuts = [_cut(columns, rows, np.deg2rad(angle)) for angle in DIRECTIONS]
    joint, place, angle = min(cuts)
    if joint == np.inf:
        return ()
    down, right = np.indices(mask.shape)
    side = right * np.cos(angle) + down * np.sin(angle) < place * step
    return mask & side, mask & ~side


def _cut(x: Array, y: Array, angle: float) -> tuple[float, float, float]:
    """Return the length of the best line across a direction, of those in its sides, its place, and the direction."""
    across = x * np.cos(angle) + y * np.sin(angle)
    along = y * np.cos(angle) - x * np.sin(angle)
    least = float(across.min())
    line = ((across - least) / LINE + 1e-6).astype(int)
    pixels = np.bincount(line)
    up_to = np.cumsum(pixels) / len(x)
    middle = np.flatnonzero((up_to > COMPARABLE / (1 + COMPARABLE)) & (up_to < 1 / (1 + COMPARABLE)))
    longest = np.minimum(np.maximum.accumulate(pixels), np.maximum.accumulate(pixels[::-1])[::-1])
    joint = pixels / longest
    for best in middle[np.argsort(joint[middle], kind="stable")].tolist():
        if joint[best] <= NEARLY or (joint[best] <= JOINT and _is_notched(line, along, best)):
            return float(joint[best]), least + LINE * (float(best) + 0.5), angle
    return np.inf, 0.0, angle


def _is_notched(line: Array, along: Array, best: int) -> bool:
    joint, sides = along[line == best], (along[line < best], along[line > best])
    begin, end = max(side.min() for side in sides), min(side.max() for side in sides)
    gap = NOTCH * min(np.ptp(side) for side in sides)
    return bool(joint.min() - begin >= gap and end - joint.max() >= gap)


def tilt_of(mask: Array) -> float:
    """Return by how many degrees a shape has to be turned, counter-clockwise, to lie along its length.

    Args:
        mask: bool ``(h, w)``.

    Returns:
        -90 to 90.

    Example:
        >>> mask = np.zeros((40, 40), bool)
        >>> mask[np.arange(5, 30), np.arange(5, 30)] = True
        >>> round(tilt_of(mask))
        45
    """
    rows, columns = np.nonzero(mask)
    _, directions = np.linalg.eigh(np.cov(columns, rows, ddof=0))
    x, y = directions[:, 1]
    return float(np.degrees(np.arctan(y / x))) if x else 90.0
