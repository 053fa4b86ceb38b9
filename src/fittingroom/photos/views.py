"""Candidate views of a prepared photo: turned, narrower or wider, with more or less contrast, in the other polarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.photos.opening import need_opencv
from fittingroom.photos.pairs import tilt_of
from fittingroom.photos.prepare import EDGE, FLOOR, crop_box, dataset_look

if TYPE_CHECKING:
    from fittingroom.photos.prepare import PreparedPhoto

GAP = 0.25  # room left around the article for turning it, as a share of its longest edge
FLOORS = (0.1, 0.6)  # with much contrast within the article, and with little


@dataclass(frozen=True)
class View:
    """One way to look at an article.

    Attributes:
        turned: counter-clockwise, in degrees.
        width: times as wide as it is: worn, as in the dataset, clothes are narrower than laid flat.
        swapped: with light and dark in each other's place.
        floor: the article's darkest, of 0..1, see `dataset_look`.
        weight: in the average.
    """

    turned: float = 0.0
    width: float = 1.0
    swapped: bool = False
    floor: float = FLOOR
    weight: float = 1.0


VIEWS = tuple(
    View(turned, width, swapped, floor, weight)
    for floor in FLOORS
    for turned, width, swapped, weight in (
        (0.0, 1.0, False, 2.0),
        *((angle, 1.0, False, 1.0) for angle in (-12.0, -7.0, 7.0, 12.0)),
        *((0.0, width, False, 1.0) for width in (0.85, 1.15)),
        *((0.0, width, True, 1.0) for width in (0.85, 1.0)),
    )
)
"""What is asked about a photo: nine poses, each with much contrast within the article and with little."""


HALVES_WEIGHT = 0.25
"""Of the views of the halves in the average, where a photo has two; the views of the whole have the rest."""


def views_of(photo: PreparedPhoto, views: tuple[View, ...] = VIEWS) -> tuple[Images, Array]:
    """Return a photo's views, each also mirrored, and their weights.

    Args:
        photo: prepared; where it has halves, each is looked at too, as it is and lying along its length.
        views: which, of the whole article.

    Returns:
        uint8 ``(k, 28, 28)``, and float ``(k,)``, summing to 1: those of the whole first, twice as many as `views`.
    """
    images, weights = _mirrored_too([_seen(photo, photo.mask, view) for view in views], [one.weight for one in views])
    if not photo.halves:
        return images, weights
    apart = [_seen(photo, half, view) for half in photo.halves for view in _of_half(half)]
    more, their_weights = _mirrored_too(apart, [1.0] * len(apart))
    together = np.concatenate([weights * (1 - HALVES_WEIGHT), their_weights * HALVES_WEIGHT])
    return np.concatenate([images, more]), together


def _mirrored_too(seen: list[Array], weights: list[float]) -> tuple[Images, Array]:
    images, doubled = np.stack(seen), np.array(weights * 2)
    return np.concatenate([images, images[:, :, ::-1]]), doubled / doubled.sum()


def _of_half(half: Array) -> tuple[View, ...]:
    return tuple(View(turned, floor=floor) for floor in FLOORS for turned in (0.0, tilt_of(half)))


def _seen(photo: PreparedPhoto, mask: Array, view: View) -> Array:
    inverted = photo.inverted != view.swapped
    if view.turned == 0 and view.width == 1:
        return dataset_look(photo.grey, mask, inverted=inverted, floor=view.floor)
    return dataset_look(*_turned(photo.grey, mask, view), inverted=inverted, floor=view.floor)


def _turned(grey: Array, mask: Array, view: View) -> tuple[Array, Array]:
    """Return the article, cut out with some room around it, turned and made wider or narrower."""
    cv2 = need_opencv()
    box = crop_box(mask)
    height, width = mask[box].shape
    side = round(max(height, width) * (1 + 2 * GAP))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), view.turned, 1.0)
    matrix[0] *= view.width
    matrix[:, 2] += (side / 2 - width / 2 * view.width, side / 2 - height / 2)
    grey = cv2.warpAffine(grey[box], matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    solid = cv2.warpAffine(mask[box].astype(np.float32), matrix, (side, side))
    return grey, solid > 0.5


def mosaic(images: Images) -> Array:
    """Return views side by side in as square a field as they fill, uint8 ``(h, w)``, a grey line between them.

    Example:
        >>> mosaic(np.zeros((10, 28, 28), np.uint8)).shape
        (116, 87)
    """
    columns = int(np.sqrt(len(images)))
    rows = -(-len(images) // columns)
    field = np.full((rows * (EDGE + 1), columns * (EDGE + 1)), 128, np.uint8)
    for number, image in enumerate(images):
        top, left = number // columns * (EDGE + 1), number % columns * (EDGE + 1)
        field[top : top + EDGE, left : left + EDGE] = image
    return field


def averaged(probabilities: Array, weights: Array) -> Array:
    """Return the weighted mean of the views' answers, ``(classes,)``.

    Args:
        probabilities: float ``(k, classes)``.
        weights: float ``(k,)``, summing to 1.
    """
    return np.asarray(weights @ probabilities, np.float32)
