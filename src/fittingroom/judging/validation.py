"""Validation: labels and probabilities from anybody, checked before anything is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array, Labels, Probabilities, as_array, check_labels, is_one_hot
from fittingroom.errors import DataError
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = 1e-3  # of a row's sum: float16 outputs are off by as much


def check_predictions(labels: object, probabilities: object) -> tuple[Labels, Probabilities]:
    """Return labels and probabilities that can be judged, or say what is wrong with them.

    Args:
        labels: whole numbers ``(n,)``.
        probabilities: floats ``(n, c)`` in [0, 1], each row summing to 1 within 1e-3.

    Raises:
        DataError: no samples, other shapes, values that are not finite, rows that do not sum to one,
            a label beyond the columns.
    """
    array = _checked_matrix(as_array(probabilities, "probabilities"))
    checked = _checked_labels(as_array(labels, "labels"), array)
    _check_rows(array)
    return checked, array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def hard_answers(labels: object, answers: object, classes: int | None = None) -> tuple[Labels, Labels] | None:
    """Return true and predicted classes where answers are classes and no probabilities, else None.

    Args:
        labels: true classes, whole numbers ``(n,)``.
        answers: whole numbers ``(n,)`` or ``(n, 1)``, or one-hot integers ``(n, c)``; anything else gives None.
        classes: how many there are; None skips that check.

    Raises:
        DataError: no samples, counts that differ, a class beyond the names.
    """
    array = as_array(answers, "predictions")
    is_integer = array.dtype.kind in "iub"
    is_vector = array.ndim == 1 and (is_integer or (array.dtype.kind == "f" and bool((array == np.rint(array)).all())))
    is_table = array.ndim == 2 and is_integer and (array.shape[1] == 1 or is_one_hot(array))
    if not array.size or not (is_vector or is_table):
        return None
    true, predicted = check_labels(labels, classes), check_labels(array, classes, "predictions")
    _check_paired(true, predicted)
    return true, predicted


def check_names(class_names: Sequence[str], classes: int) -> tuple[str, ...]:
    """Return the class names, or say that there is not one for each column.

    Raises:
        DataError: another number of names than columns, or the same name twice.
    """
    names = tuple(str(name) for name in class_names)
    if len(names) != classes:
        raise DataError(
            f"Expected a name for each of {counted(classes, 'class', 'classes')}, "
            f"received {counted(len(names), 'name')}."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"Expected a name of its own for each class, received '{twice[0]}' more than once.")
    return names


def _checked_matrix(array: Array) -> Array:
    if array.ndim != 2:
        hint = " For one image pass probabilities[None]." if array.ndim == 1 else ""
        raise DataError(f"probabilities: expected floats of shape (n, classes), received shape {array.shape}.{hint}")
    if array.dtype.kind != "f":
        raise DataError(
            f"probabilities: expected floats of shape (n, classes), received {array.dtype}. "
            "If these are classes, pass them as whole numbers (n,)."
        )
    if not len(array) or not array.shape[1]:
        raise DataError(f"probabilities: expected at least one sample, received none: shape {array.shape}.")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise DataError(
            f"probabilities: row {row} holds a value that is not finite: {array[row]} "
            f"({counted(int((~finite).sum()), 'such row')})."
        )
    return array


def _checked_labels(labels: Array, array: Array) -> Labels:
    if labels.ndim == 1:
        _check_paired(labels, array)
    checked = check_labels(labels, classes=array.shape[1])
    _check_paired(checked, array)
    return checked


def _check_paired(labels: Array, answers: Array) -> None:
    if len(labels) != len(answers):
        transposed = " Are the probabilities transposed?" if len(labels) in answers.shape[1:] else ""
        raise DataError(
            f"Expected a label for each prediction, received {counted(len(labels), 'label')} and "
            f"{counted(len(answers), 'prediction')}."
            f"{transposed}"
        )


def _check_rows(array: Array) -> None:
    sums = array.sum(axis=1, dtype=np.float64)
    wrong = np.flatnonzero((np.abs(sums - 1) > TOLERANCE) | (array < 0).any(axis=1))
    if not wrong.size:
        return
    row = int(wrong[0])
    raise DataError(
        f"probabilities: expected rows in 0..1 that sum to 1, row {row} sums to {sums[row]:.4g} "
        f"with minimum {array[row].min():.4g} ({counted(wrong.size, 'such row')}). {_hint(array, sums)}"
    )


def _hint(array: Array, sums: Array) -> str:
    if (array < 0).any() or (array.max() > 1 and not (np.abs(sums - 100) < 1).all()):
        return "Are these logits? Apply a softmax."
    if array.max() > 1:
        return "Are these per cent? Divide by 100."
    return "Are these answers of a sigmoid, a class each? Divide every row by its sum, if that is meant."
