"""Test-time averaging: a model asked about several views of each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fittingroom.arrays import Images, Predict, Probabilities

SHIFTS = ((0, 0), (1, 1), (-1, -1))  # rows, columns


def views(images: Images, *, mirrored: bool) -> list[Images]:
    """Return the images, and moved by one pixel along both diagonals, each also mirrored where that is valid.

    Args:
        images: uint8 ``(n, h, w)``.
        mirrored: whether a mirrored image is of the same class.

    Returns:
        Six arrays ``(n, h, w)``, or three; the gap of a move is 0.

    Source: K. Jordan, arXiv 2404.00498.
    """
    moved = [shifted(images, rows, columns) for rows, columns in SHIFTS]
    return [*moved, *(view[:, :, ::-1] for view in moved)] if mirrored else moved


def shifted(images: Images, rows: int, columns: int) -> Images:
    """Return the images moved down and right by whole pixels; the gap is 0.

    Example:
        >>> shifted(np.array([[[1, 2], [3, 4]]], np.uint8), 1, 0).tolist()
        [[[0, 0], [1, 2]]]
    """
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (abs(rows),) * 2, (abs(columns),) * 2))
    top, left = abs(rows) - rows, abs(columns) - columns
    return padded[:, top : top + height, left : left + width]


def averaged(predict: Predict, *, mirrored: bool) -> Predict:
    """Return the function that averages a model's probabilities over the views of each image."""

    def predict_views(images: Images) -> Probabilities:
        answers = [predict(np.ascontiguousarray(view)) for view in views(images, mirrored=mirrored)]
        return np.asarray(np.mean(answers, axis=0, dtype=np.float32))

    return predict_views
