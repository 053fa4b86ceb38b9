"""Pick one item out of predictions, labels and images, in all the shapes that people pass them."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.arrays import Array


@dataclass(frozen=True)
class PickedAnswer:
    """One item: what the network said of it, what it is, and its picture.

    Attributes:
        probabilities: ``(c,)``, in 0..1.
        label: the true class.
        image: ``(h, w)``, or None where there is no picture.
    """

    probabilities: Array
    label: int
    image: Array | None = None

    @property
    def predicted(self) -> int:
        """The most probable class; of equal ones the first."""
        return int(self.probabilities.argmax())

    @property
    def right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.predicted == self.label


def pick(i: object, predictions: object, labels: object, images: object = None) -> PickedAnswer:
    """Return item ``i`` of the lists given; what is single already is taken as it is.

    Args:
        i: position in the lists.
        predictions: ``(n, c)``, or one ``(c,)``.
        labels: ``(n,)``, or one whole number.
        images: ``(n, h, w)``, ``(n, h * h)``, or one ``(h, w)``; a channel axis of size 1 at the end is dropped.

    Raises:
        UsageError: ``i`` is not a position in the lists.
        DataError: lists of different lengths, a shape that cannot be read, predictions that are no probabilities.
    """
    lists = {"predictions": _predictions(predictions), "labels": _labels(labels)}
    if images is not None:
        lists["images"] = _images(images, lists["labels"])
    lengths = {name: len(array) for name, array in lists.items() if array.ndim == _LIST_AXES[name]}
    position = _position(i, lengths, all_lists=len(lengths) == len(lists))
    chosen = {name: _take(array, position, _LIST_AXES[name]) for name, array in lists.items()}
    _check_one(chosen["predictions"], int(chosen["labels"]))
    return PickedAnswer(chosen["predictions"], int(chosen["labels"]), chosen.get("images"))


_LIST_AXES = {"predictions": 2, "labels": 1, "images": 3}
_SMALLEST_FLAT = 100  # a 2-D array of fewer columns is one small picture, not a list of flattened ones


def _take(array: Array, position: int, list_axes: int) -> Array:
    if array.ndim < list_axes:
        return array
    return np.asarray(array[position if len(array) > 1 else 0])


def _position(i: object, lengths: dict[str, int], all_lists: bool) -> int:
    """Return ``i`` as an index that all lists have; beside longer lists, a list of one stands for its one item."""
    try:
        position = operator.index(i)  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(f"The first argument is a position: expected a whole number, received {i!r}.") from None
    longer = {name: length for name, length in lengths.items() if length > 1}
    if len(set(longer.values())) > 1:
        listed = ", ".join(f"{length:,} {name}" for name, length in longer.items())
        raise DataError(f"Expected lists of the same length, received {listed}. Are some from train, some from test?")
    n = max(longer.values(), default=1 if all_lists else None)
    if n is not None and not 0 <= position < n:
        raise UsageError(f"Position {position} is outside the {n:,} items given: expected 0 to {n - 1}.")
    return position


def _predictions(predictions: object) -> Array:
    array = np.asarray(predictions)
    if array.ndim not in (1, 2) or array.dtype.kind != "f" or not array.size:
        raise DataError(
            "predictions: expected probabilities of shape (n, classes) or (classes,), "
            f"received {array.dtype} {array.shape}. They come from predict, not from its argmax."
        )
    return array


def _labels(labels: object) -> Array:
    array = np.asarray(labels)
    if array.ndim > 1 or array.dtype.kind not in "iu" or not array.size:
        raise DataError(f"labels: expected whole numbers of shape (n,) or one, received {array.dtype} {array.shape}.")
    return array


def _images(images: object, labels: Array) -> Array:
    """Return images as ``(n, h, w)`` or one as ``(h, w)``."""
    array = np.asarray(images)
    if array.ndim in (3, 4) and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (1, 2, 3) or not array.size:
        raise DataError(f"images: expected shape (n, height, width) or one picture, received {array.shape}.")
    if array.ndim == 1 or (array.ndim == 2 and _is_list_of_rows(array, labels)):
        return _unflatten(array)
    return array


def _is_list_of_rows(array: Array, labels: Array) -> bool:
    """Tell ``(n, h * w)`` from one ``(h, w)``; only its shape and the labels beside it can say."""
    rows, columns = int(array.shape[0]), int(array.shape[1])
    flat_square = _side(columns) ** 2 == columns
    if rows == 1:
        return True
    if labels.ndim and rows == len(labels):
        return flat_square or rows != columns
    return flat_square and rows != columns and columns > _SMALLEST_FLAT


def _unflatten(array: Array) -> Array:
    side = _side(array.shape[-1])
    if side * side != array.shape[-1]:
        raise DataError(
            f"images: {array.shape[-1]} pixels are no square, so height and width cannot be known from "
            f"{array.shape}. Pass shape (n, height, width)."
        )
    return array.reshape(*array.shape[:-1], side, side)


def _side(pixels: int) -> int:
    return math.isqrt(int(pixels))


def _check_one(probabilities: Array, label: int) -> None:
    if not (np.isfinite(probabilities).all() and probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-3):
        raise DataError(
            f"predictions: expected probabilities in 0..1, received values from {probabilities.min():.3g} "
            f"to {probabilities.max():.3g}. Are these logits? Apply a softmax."
        )
    if not 0 <= label < len(probabilities):
        raise DataError(f"labels: expected a class in 0..{len(probabilities) - 1}, received {label}.")


def names_for(classes: int, class_names: Sequence[str] | None) -> tuple[str, ...]:
    """Return one name a class: those given, else Fashion-MNIST's where there are ten, else numbers.

    Raises:
        DataError: another number of names than classes.
    """
    if class_names is None:
        return _default_names(classes)
    if len(class_names) != classes:
        raise DataError(f"class_names: expected {classes}, one a column of predictions, received {len(class_names)}.")
    return tuple(str(name) for name in class_names)


def _default_names(classes: int) -> tuple[str, ...]:
    from fittingroom.data.catalog import DATASETS

    fashion = DATASETS["fashion-mnist"].class_names
    return fashion if classes == len(fashion) else tuple(str(number) for number in range(classes))
