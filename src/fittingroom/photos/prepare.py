"""From a photo to the 28x28 picture that a model is asked about, step by step, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.finding import MARGIN, Found, find_item
from fittingroom.photos.opening import Opened, as_opened, need_opencv
from fittingroom.photos.pairs import halves_of

if TYPE_CHECKING:
    from PIL import Image


EDGE = 28
RANGE = (2.0, 98.0)  # percentiles of the article's grey values that become its darkest and its lightest
LEAST_CONTRAST = 0.35  # of 0..1: a plain cloth's noise is not blown up to full contrast
FLOOR = 0.4  # the article's darkest, so that it differs from the black around it
SHARPNESS = 0.6


def grey_of(pixels: Array) -> Array:
    """Return the brightness of colours, float32 ``(h, w)`` in 0..1.

    Args:
        pixels: uint8 ``(h, w, 3)``, RGB.
    """
    cv2 = need_opencv()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32) / 255


def decide_polarity(grey: Array, mask: Array) -> tuple[bool, str]:
    """Decide whether to invert: the article is to be brighter than what is around it, as in the dataset.

    Args:
        grey: float ``(h, w)`` in 0..1.
        mask: bool ``(h, w)``, True on the article.

    Returns:
        Whether light and dark change places, and why, in one sentence.

    Example:
        >>> grey = np.full((10, 10), 0.9)
        >>> grey[3:7, 3:7] = 0.2
        >>> decide_polarity(grey, grey < 0.5)[0]
        True
    """
    article = float(np.median(grey[mask]))
    around = float(np.median(grey[~mask])) if not mask.all() else 1.0
    inverted = around > article
    word = "darker" if inverted else "lighter"
    does = "light and dark change places" if inverted else "light stays light"
    return inverted, f"The article ({article:.2f}) is {word} than what is around it ({around:.2f}): {does}."


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


NOT_FOUND = "the article could not be told from its background; photograph it on a plain one, all of it in the picture"
CUT_OFF = "the article touches the photo's edge, some of it may be missing"
EDGE_SHARE = 0.25  # of an edge of the photo that the article may take up before it is said


@dataclass(frozen=True)
class Step:
    """One step of the preparation.

    Attributes:
        name: what was done.
        reason: why so, in one sentence.
        picture: uint8 ``(h, w, 3)`` or ``(h, w)``: what came of it.
    """

    name: str
    reason: str
    picture: Array


@dataclass(frozen=True)
class PreparedPhoto:
    """A photo made ready for a model.

    Attributes:
        photo: as it was opened.
        image: uint8 ``(28, 28)``, as the dataset would show the article.
        mask: bool ``(h, w)``, True on the article.
        grey: float32 ``(h, w)``, the photo's brightness in 0..1.
        inverted: whether light and dark changed places.
        is_found: whether the article could be told from its background.
        steps: from the opened photo to the image.
        warnings: what the user may want to know.
        halves: two of bool ``(h, w)`` where it was asked for them and the article is two of a kind, see `with_halves`.
    """

    photo: Opened
    image: Array
    mask: Array
    grey: Array
    inverted: bool
    is_found: bool
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    halves: tuple[Array, ...] = ()


def prepare_photo(image: str | Path | Image.Image | Array | Opened, *, with_steps: bool = True) -> PreparedPhoto:
    """Prepare a photo of a garment as the dataset would show it.

    Args:
        image: a file, a Pillow image, uint8 of ``(h, w)``, ``(h, w, 3)`` or ``(h, w, 4)``, or a photo opened already.
        with_steps: whether the steps are drawn; the picture is the same without.

    Returns:
        The 28x28 picture, the article's mask, every step with its reason, and warnings.

    Raises:
        DataError: no picture, one that cannot be read, or nothing in it.

    Example:
        >>> photo = np.full((90, 60, 3), 240, np.uint8)
        >>> photo[15:80, 20:40] = (30, 40, 120)
        >>> prepared = prepare_photo(photo)
        >>> prepared.image.shape, prepared.inverted
        ((28, 28), True)
    """
    photo = as_opened(image)
    where = str(image) if isinstance(image, (str, Path)) else "photo"
    return prepared_with(photo, find_item(photo.pixels, photo.alpha, where), with_steps=with_steps)


def nothing_prepared(photo: Opened, reason: str) -> PreparedPhoto:
    """Return a photo in which there is nothing to cut out: no step but the photo, and an empty image and mask.

    Args:
        photo: opened.
        reason: why, in one sentence.
    """
    step = Step("photo", f"{photo.size[0]} x {photo.size[1]} pixels: there is nothing to cut out.", photo.pixels)
    mask, image = np.zeros(photo.pixels.shape[:2], bool), np.zeros((EDGE, EDGE), np.uint8)
    return PreparedPhoto(photo, image, mask, grey_of(photo.pixels), False, False, (step,), (reason,))


def prepared_with(photo: Opened, found: Found, *, with_steps: bool = True) -> PreparedPhoto:
    """Prepare a photo in which the article is found already.

    Args:
        photo: opened.
        found: where the article is in it.
        with_steps: whether the steps are drawn.
    """
    grey = grey_of(photo.pixels)
    inverted, why = decide_polarity(grey, found.mask)
    look = dataset_look(grey, found.mask, inverted=inverted)
    steps = _steps(photo, found, grey, look, inverted, why) if with_steps else ()
    notes = [*photo.warnings, *([] if found.is_found else [NOT_FOUND]), *_cut_off(found.mask, found.is_found)]
    return PreparedPhoto(photo, look, found.mask, grey, inverted, found.is_found, steps, tuple(notes))


def _steps(photo: Opened, found: Found, grey: Array, look: Array, inverted: bool, why: str) -> tuple[Step, ...]:
    height, width = photo.pixels.shape[:2]
    return (
        Step("photo", f"{photo.size[0]} x {photo.size[1]} pixels, upright, {width} x {height} here.", photo.pixels),
        Step("found", found.reason, _dimmed(photo.pixels, found.mask)),
        Step("cut out", "Cropped tight: the dataset leaves no margin.", _cut(photo.pixels, found.mask)),
        Step("polarity", why, _as_bytes(1 - grey if inverted else grey)[crop_box(found.mask)]),
        Step("as the dataset", "Longest edge 28, light on black, sharpened, full contrast.", look),
    )


def with_halves(photo: PreparedPhoto) -> PreparedPhoto:
    """Return a photo with the halves of its article, where that is two of a kind nearly apart, and a step that says so.

    Example:
        >>> photo = np.full((90, 120, 3), 240, np.uint8)
        >>> photo[20:70, 20:50] = photo[20:70, 70:100] = (30, 40, 120)
        >>> len(with_halves(prepare_photo(photo)).halves)
        2
    """
    halves, reason = halves_of(photo.mask)
    picture = _dimmed(photo.steps[0].picture, halves[0] if halves else photo.mask)
    step = Step("halves", reason, picture[crop_box(photo.mask)])
    before, after = photo.steps[:3], photo.steps[3:]
    return replace(photo, halves=halves, steps=(*before, step, *after))


def _as_bytes(values: Array) -> Array:
    return np.asarray(np.round(values * 255), np.uint8)


def _dimmed(pixels: Array, mask: Array) -> Array:
    return np.where(mask[..., None], pixels, pixels // 4 + np.uint8(160))


def _cut(pixels: Array, mask: Array) -> Array:
    box = crop_box(mask)
    return np.where(mask[box][..., None], pixels[box], np.uint8(255))


def _cut_off(mask: Array, is_found: bool) -> list[str]:
    near = 2 + round(MARGIN * min(mask.shape))  # the outermost pixels are taken for background, whatever they show
    edges = (mask[:near], mask[-near:], mask[:, :near].T, mask[:, -near:].T)
    return [CUT_OFF] if is_found and any(edge.any(axis=0).mean() > EDGE_SHARE for edge in edges) else []
