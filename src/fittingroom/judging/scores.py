"""Scores of predictions: labels and probabilities in, numbers out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from fittingroom.arrays import Array, Labels, Probabilities, check_labels
from fittingroom.errors import DataError

_SMALLEST = float(np.finfo(np.float32).tiny)


def check_predictions(labels: object, probabilities: object) -> tuple[Labels, Probabilities]:
    """Return labels and probabilities that can be judged, or say what is wrong with them.

    Args:
        labels: whole numbers ``(n,)``.
        probabilities: floats ``(n, c)`` in [0, 1], each row summing to 1 within 1e-3.

    Raises:
        DataError: no samples, other shapes, values that are not finite, rows that do not sum to one,
            a label beyond the columns.
    """
    array = np.asarray(probabilities)
    if array.ndim != 2 or array.dtype.kind != "f":
        raise DataError(
            f"probabilities: expected floats of shape (n, classes), received {array.dtype} {array.shape}. "
            "For one image pass probabilities[None]."
        )
    if not len(array):
        raise DataError("probabilities: expected at least one sample, received none.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(f"probabilities: row {row} holds a value that is not finite: {array[row]}.")
    checked = check_labels(labels, classes=array.shape[1])
    if len(checked) != len(array):
        raise DataError(f"Expected a label for each prediction, received {len(checked)} and {len(array)}.")
    _check_rows(array)
    return checked, array.astype(np.float64) if array.dtype == np.float16 else array


def _check_rows(array: Array) -> None:
    sums = array.sum(axis=1, dtype=np.float64)
    wrong = np.flatnonzero((np.abs(sums - 1) > 1e-3) | (array < 0).any(axis=1))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"probabilities: expected rows in 0..1 that sum to 1, row {row} sums to {sums[row]:.4g} "
            f"with minimum {array[row].min():.4g} ({wrong.size} such rows). Are these logits? Apply a softmax."
        )


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean negative log of the probability given to the true class, in nats.

    Probabilities are floored at the smallest normal float32, so that a certain mistake costs 87 and not infinity.

    Example:
        >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
        0.6931
    """
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(true, _SMALLEST)).mean())


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> Int64[Array, "c c"]:
    """Return the counts by ``(true, predicted)``.

    Example:
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)
