"""Shapes and dtypes of the arrays that cross layers, and the checks made once at the border.

Axes: ``n`` images, ``h`` rows, ``w`` columns, ``c`` classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from fittingroom.errors import DataError

Array: TypeAlias = np.ndarray
Images: TypeAlias = UInt8[Array, "n h w"]
Labels: TypeAlias = UInt8[Array, " n"] | Int64[Array, " n"]
Probabilities: TypeAlias = Float32[Array, "n c"] | Float64[Array, "n c"]
Predict: TypeAlias = Callable[[Images], Probabilities]


def check_images(images: object, where: str = "images") -> Images:
    """Return the images as ``uint8 (n, h, w)``, or say what is wrong with them.

    Args:
        images: expected as uint8 in 0..255, shape ``(n, h, w)``.
        where: what to call the array in a message.

    Raises:
        DataError: another rank or dtype; among them floats already scaled to 0..1, which would be scaled twice.
    """
    array = np.asarray(images)
    if array.ndim != 3:
        raise DataError(f"{where}: expected shape (n, height, width), received {array.shape}.")
    if array.dtype != np.uint8:
        raise DataError(_why_not_uint8(array, where))
    return array


def _why_not_uint8(array: Array, where: str) -> str:
    expected = f"{where}: expected uint8 pixels in 0..255, received {array.dtype}"
    if array.dtype.kind == "f" and array.size and array.max() <= 1:
        return f"{expected} in 0..1. Pass the pixels as they are in the files; scaling happens inside."
    return f"{expected}. Convert with images.astype('uint8') if the values are whole numbers in 0..255."


def check_labels(labels: object, classes: int | None = None, where: str = "labels") -> Labels:
    """Return the labels as an integer vector, or say what is wrong with them.

    Args:
        labels: expected as whole numbers, shape ``(n,)``.
        classes: how many classes there are; labels must be below it. None skips that check.
        where: what to call the array in a message.

    Raises:
        DataError: another rank or dtype, or a label outside ``0..classes-1``.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(f"{where}: expected whole numbers of shape (n,), received {array.dtype} {array.shape}.")
    if classes is not None and array.size and not 0 <= int(array.min()) <= int(array.max()) < classes:
        bad = int(np.flatnonzero((array < 0) | (array >= classes))[0])
        raise DataError(f"{where}: expected labels in 0..{classes - 1}, received {array[bad]} at index {bad}.")
    return array if array.dtype == np.uint8 else array.astype(np.int64)


def check_same_length(images: Array, labels: Array, where: str = "data") -> None:
    """Raise where images and labels do not pair up.

    Raises:
        DataError: their counts differ.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{where}: expected as many labels as images, received {len(images)} images and {len(labels)} labels."
        )
