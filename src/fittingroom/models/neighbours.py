"""The training images that a model holds to be most like an image: near to it in what the model sees."""

from __future__ import annotations

import numpy as np

from fittingroom.arrays import Array

COUNT = 8
PART = 4096  # rows that are compared at a time: bounded memory


def nearest(features: Array, own: Array, count: int = COUNT) -> Array:
    """Return the rows nearest to one point, by Euclidean distance, the nearest first.

    Args:
        features: ``(n, d)``, any real numbers.
        own: the point ``(d,)``.
        count: how many, at most n.

    Returns:
        Positions int64 ``(count,)``; of rows at the same distance the first comes first.

    Example:
        >>> nearest(np.array([[0.0], [5.0], [1.0]]), np.array([0.9]), 2).tolist()
        [2, 0]
    """
    point = own.astype(np.float32)
    distances = np.empty(len(features), np.float32)
    for start in range(0, len(features), PART):
        part = features[start : start + PART].astype(np.float32)
        distances[start : start + len(part)] = ((part - point) ** 2).sum(axis=1)
    count = min(count, len(features))
    if count < 1:
        return np.zeros(0, np.int64)
    limit = np.partition(distances, count - 1)[count - 1]
    near = np.flatnonzero(distances <= limit)  # ties too, so that the order of rows decides and not the partition
    chosen: Array = near[np.argsort(distances[near], kind="stable")][:count]
    return chosen


def neighbours(features: Array, index: int, until: int, count: int = COUNT) -> list[int]:
    """Return the training images most like one image of the same table, the nearest first; never itself.

    Args:
        features: ``(n, d)``.
        index: of the image.
        until: training images are those before it.
        count: how many.
    """
    found = nearest(features[:until], features[index], count + (index < until))
    return [int(row) for row in found if row != index][:count]
