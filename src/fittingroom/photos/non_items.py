"""Pictures of nothing in particular, to teach a network what is none of its classes.

No class of non-items is named: they are pieces of the articles themselves, shapes, strokes, textures and mixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opening import need_opencv
from fittingroom.photos.prepare import crop_box

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

SIDE = 28
FAINTEST = 8  # grey values up to here are background
PIECE = (0.25, 0.55)  # share of an article's height or width that a piece of it keeps


def non_items(images: Array, count: int, seed: int = 0) -> Array:
    """Make pictures that show none of the classes.

    Args:
        images: uint8 ``(n, 28, 28)``, of articles: pieces of them are used.
        count: how many to make.
        seed: of the draw.

    Returns:
        uint8 ``(count, 28, 28)``.

    Example:
        >>> non_items(np.full((3, 28, 28), 200, np.uint8), 5).shape
        (5, 28, 28)
    """
    generator = np.random.default_rng(seed)
    kinds = generator.choice(len(KINDS), count, p=[share for _, share in KINDS])
    return np.stack([KINDS[kind][0](generator, images[generator.integers(len(images))]) for kind in kinds])


def piece(generator: Generator, article: Array) -> Array:
    """Return a part of an article, from above, below or one side, as large as an article is."""
    box = article[crop_box(article > FAINTEST)] if (article > FAINTEST).any() else article
    if generator.random() < 0.2:
        return np.ascontiguousarray(_part(generator, box.T).T)
    return _part(generator, box)


def _part(generator: Generator, box: Array) -> Array:
    keep = max(3, round(len(box) * generator.uniform(*PIECE)))
    room = max(0, len(box) - keep)
    start = (0, room, int(generator.integers(0, room + 1)))[generator.choice(3, p=[0.45, 0.44, 0.11])]
    return _fitted(box[start : start + keep])


def jigsaw(generator: Generator, article: Array) -> Array:
    """Return the quarters of an article, each turned and in another's place."""
    half = SIDE // 2
    quarters = [article[row : row + half, column : column + half] for row in (0, half) for column in (0, half)]
    a, b, c, d = (np.rot90(quarters[index], int(generator.integers(4))) for index in generator.permutation(4))
    return np.asarray(np.block([[a, b], [c, d]]))


def overlaid(generator: Generator, article: Array) -> Array:
    """Return an article over itself, turned by a right angle."""
    return np.asarray(np.maximum(article, np.rot90(article, int(generator.choice([1, 3])))))


def blob(generator: Generator, _: Array) -> Array:
    """Return a round thing with a bumpy edge."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    radius = np.hypot(columns / generator.uniform(0.6, 1.0), rows / generator.uniform(0.5, 1))
    return _fitted(_textured(generator, _clouds(generator, 4, 0.35) + 1 - 1.2 * radius > 0))


def polygon(generator: Generator, _: Array) -> Array:
    """Return a thing with corners, perhaps with a round one on top."""
    cv2 = need_opencv()
    corners = int(generator.integers(3, 9))
    angle = np.sort(generator.uniform(0, 2 * np.pi, corners))
    reach = 13 * np.stack([np.cos(angle), np.sin(angle)], axis=1) * generator.uniform(0.45, 1, 2)
    mask = cv2.fillPoly(np.zeros((SIDE, SIDE), np.uint8), [np.int32(SIDE // 2 + reach)], 1)
    if generator.random() < 0.5:
        centre, axes = (SIDE // 2, int(generator.integers(8, 18))), (int(generator.integers(6, 14)), 7)
        mask = cv2.ellipse(mask, centre, axes, float(generator.uniform(-20, 20)), 0, 360, 1, -1)
    return _fitted(_textured(generator, mask > 0))


def strokes(generator: Generator, _: Array) -> Array:
    """Return a few lines, straight or bent, as of a pen."""
    cv2 = need_opencv()
    canvas = np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
    for _line in range(int(generator.integers(1, 5))):
        steps = generator.normal(0, 9, (int(generator.integers(2, 8)), 2))
        points = np.clip(generator.uniform(10, 46, 2) + np.cumsum(steps, axis=0), 4, 52)
        shade, width = int(generator.integers(120, 256)), int(generator.integers(2, 9))
        cv2.polylines(canvas, [np.int32(points)], bool(generator.random() < 0.3), shade, width, cv2.LINE_AA)
    small = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return _fitted(small) if generator.random() < 0.7 else np.asarray(small)


def texture(generator: Generator, _: Array) -> Array:
    """Return a texture all over: noise, stripes, squares, clouds, or hardly anything."""
    kind = generator.integers(4)
    if kind == 0:
        values = generator.uniform(0, 1) + generator.normal(0, generator.uniform(0.01, 0.6), (SIDE, SIDE))
    elif kind == 1:
        values = _stripes(generator)
    elif kind == 2:
        size = int(generator.integers(1, 9))
        rows, columns = np.mgrid[:SIDE, :SIDE] + generator.integers(0, size, 2)[:, None, None]
        values = (rows // size + columns // size) % 2 * generator.uniform(0.3, 1)
    else:
        values = generator.uniform(0, 1) + _clouds(
            generator, int(generator.integers(2, 12)), generator.uniform(0.02, 0.4)
        )
    return np.asarray(np.clip(values * 255, 0, 255), np.uint8)


KINDS: tuple[tuple[Callable[[Generator, Array], Array], float], ...] = (
    (piece, 0.42),
    (polygon, 0.16),
    (blob, 0.12),
    (texture, 0.12),
    (strokes, 0.1),
    (jigsaw, 0.05),
    (overlaid, 0.03),
)
"""What is made, and which share of it; pieces most, since they are the most like articles."""


def _clouds(generator: Generator, bumps: int, deviation: float) -> Array:
    cv2 = need_opencv()
    noise = generator.normal(0, deviation, (bumps, bumps)).astype(np.float32)
    return np.asarray(cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


def _stripes(generator: Generator) -> Array:
    angle, length = generator.uniform(0, np.pi), generator.uniform(3, 14)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    wave = np.sin((columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / length)
    return np.asarray(generator.uniform(0.4, 1) + 0.25 * np.sign(wave))


def _textured(generator: Generator, mask: Array) -> Array:
    plain = np.full((SIDE, SIDE), generator.uniform(0.3, 1))
    bumps, deviation = int(generator.integers(3, 9)), 0.15
    surface = (plain, plain + _clouds(generator, bumps, deviation), _stripes(generator))[generator.integers(3)]
    return np.asarray(np.clip(surface, 0.1, 1) * mask * 255, np.uint8)


def _fitted(values: Array) -> Array:
    """Return what is there with its longest edge from side to side, centred on black."""
    cv2 = need_opencv()
    solid = values > FAINTEST
    box = values[crop_box(solid)] if solid.any() else values
    scale = SIDE / max(box.shape)
    width, height = (min(SIDE, max(1, round(edge * scale))) for edge in box.shape[1::-1])
    small = cv2.resize(
        np.ascontiguousarray(box), (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    image = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    image[top : top + height, left : left + width] = small
    return image
