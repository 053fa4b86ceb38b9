"""Odd pictures: blank, of one grey, nearly empty, inverted, of several articles, or far from every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array
from fittingroom.pictures import have_light_background

if TYPE_CHECKING:
    from fittingroom.arrays import Images

LIT = 32  # grey levels: pixels above it belong to an article
FAINT = 8  # grey levels: a strip with no pixel above it is empty
NEARLY_EMPTY = 0.04  # a picture with fewer lit pixels, as a share, is nearly empty
PART = 0.25  # of the lit pixels that each of two articles has at least
FAR = 4.0  # times the middle distance to the neighbours: beyond it an image is far from every class
NEIGHBOURS = 10
SAMPLE = 10_000  # images that are compared with
MOST_FAR = 100  # images told of as far
ROWS = 2048  # compared at a time: bounded memory

REASONS = {
    "blank": "black from edge to edge",
    "constant": "one grey from edge to edge",
    "nearly empty": f"less than {NEARLY_EMPTY:.0%} of its pixels are lit",
    "inverted": "light around its edge, where the others are black",
    "several articles": "two parts side by side with an empty strip between them",
    "far": "unlike its nearest neighbours, whatever their class",
}


@dataclass(frozen=True)
class OddOne:
    """A picture that is unlike the others.

    Attributes:
        position: of the image.
        kind: a key of `REASONS`.
        score: how far, the more the odder: of "far" the distance to its neighbours in units of the middle one, else 1.
    """

    position: int
    kind: str
    score: float = 1.0


def odd_ones(images: Images, distances: Array) -> list[OddOne]:
    """Return the odd pictures, each once, in the order of `REASONS` and the oddest first.

    Args:
        images: uint8 ``(n, h, w)``.
        distances: to the neighbours of each, as a network sees them, ``(n,)``, from `neighbour_distances`.
    """
    if not len(images):
        return []
    low, high = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    lit = (images > LIT).mean(axis=(1, 2))
    dark = not np.median(have_light_background(images))  # where most are light at the edge, that is no oddity
    masks = {
        "blank": high == 0,
        "constant": (low == high) & (high > 0),
        "nearly empty": lit < NEARLY_EMPTY,
        "inverted": have_light_background(images) & dark,
        "several articles": has_several(images) & dark,
    }
    found: dict[int, OddOne] = {}
    for kind, mask in masks.items():
        for position in np.flatnonzero(mask).tolist():
            found.setdefault(position, OddOne(position, kind))
    middle = float(np.median(distances)) or 1.0
    for position in np.argsort(-distances, kind="stable")[:MOST_FAR].tolist():
        if distances[position] > FAR * middle:
            found.setdefault(position, OddOne(position, "far", float(distances[position] / middle)))
    kinds = list(REASONS)
    return sorted(found.values(), key=lambda one: (kinds.index(one.kind), -one.score, one.position))


def has_several(images: Images) -> Array:
    """Say of pictures whether an empty column parts them in two, each with a quarter of what is lit or more.

    Empty rows are no sign of it: a striped shirt has them.

    Args:
        images: uint8 ``(n, h, w)``, light on black.

    Returns:
        bool ``(n,)``.

    Example:
        >>> two = np.zeros((1, 9, 9), np.uint8)
        >>> two[0, 1:8, [1, 2, 6, 7]] = 200
        >>> has_several(two)
        array([ True])
    """
    along = (images > FAINT).sum(axis=1)  # lit pixels of each column
    before = np.cumsum(along, axis=1)
    share = before / np.maximum(before[:, -1:], 1)
    return np.asarray(((along == 0) & (share >= PART) & (share <= 1 - PART)).any(axis=1))


def neighbour_distances(features: Array, count: int = NEIGHBOURS) -> Array:
    """Return how far each row is from the nearest ones of a sample of rows: the mean distance, itself left out.

    Args:
        features: ``(n, d)``.
        count: how many.

    Returns:
        float64 ``(n,)``.
    """
    some = np.unique(np.linspace(0, len(features) - 1, min(SAMPLE, len(features))).astype(np.int64))
    distances, _ = nearest_rows(features, count, some)
    return np.asarray(distances.mean(axis=1, dtype=np.float64)) if distances.shape[1] else np.zeros(len(features))


def nearest_rows(features: Array, count: int, among: Array | None = None) -> tuple[Array, Array]:
    """Return the nearest rows of each row, the nearest first, itself left out.

    Args:
        features: ``(n, d)``.
        count: how many; fewer where there are not so many.
        among: positions that may be neighbours; None for all.

    Returns:
        Euclidean distances float32 and positions int64, both ``(n, count)``.
    """
    rows = np.ascontiguousarray(features, np.float32)
    pool = np.arange(len(rows)) if among is None else among
    count = min(count, len(pool) - 1)
    if count < 1:
        return np.zeros((len(rows), 0), np.float32), np.zeros((len(rows), 0), np.int64)
    others = rows[pool]
    squares = np.einsum("ij,ij->i", others, others)
    place = np.full(len(rows), -1)
    place[pool] = np.arange(len(pool))
    distances, positions = np.empty((len(rows), count), np.float32), np.empty((len(rows), count), np.int64)
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        squared = block @ others.T
        squared *= -2
        squared += squares
        own = place[start : start + len(block)]
        squared[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
        near = np.argpartition(squared, count - 1, axis=1)[:, :count]
        exact = np.sqrt(((others[near] - block[:, None]) ** 2).sum(axis=2))
        order = np.argsort(exact, axis=1, kind="stable")
        distances[start : start + len(block)] = np.take_along_axis(exact, order, axis=1)
        positions[start : start + len(block)] = pool[np.take_along_axis(near, order, axis=1)]
    return distances, positions
