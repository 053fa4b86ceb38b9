"""Scores of predictions: labels and probabilities in, numbers out. What comes in has been validated."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int64

from fittingroom.arrays import Array, Labels, Probabilities

_SMALLEST = float(np.finfo(np.float32).tiny)


def losses(labels: Labels, probabilities: Probabilities) -> Float64[Array, " n"]:
    """Return each sample's negative log of the probability given to its true class, in nats.

    Probabilities are floored at the smallest normal float32, so that a certain mistake costs 87 and not infinity.

    Example:
        >>> losses(np.array([0]), np.array([[0.5, 0.5]])).round(4)
        array([0.6931])
    """
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(true, _SMALLEST, 1)))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean of `losses`, in nats: 0 is perfect, log(classes) is what equal shares score.

    Example:
        >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
        0.6931
    """
    return float(losses(labels, probabilities).mean())


def squared_errors(labels: Labels, probabilities: Probabilities) -> Float64[Array, " n"]:
    """Return each sample's squared distance from its true class: 0 is perfect, 2 is sure and wrong.

    Their mean is the Brier score.

    Example:
        >>> squared_errors(np.array([0]), np.array([[0.5, 0.5]]))
        array([0.5])

    Source: G. W. Brier, Monthly Weather Review 78 (1950), 1-3.
    """
    rows = probabilities.astype(np.float64)
    true = rows[np.arange(len(labels)), labels]
    return np.asarray((rows**2).sum(axis=1) - true**2 + (1 - true) ** 2)


def in_top(labels: Labels, probabilities: Probabilities, k: int) -> Bool[Array, " n"]:
    """Say of each sample whether its true class is among the k most probable; of equal ones the first count.

    Example:
        >>> in_top(np.array([1, 2]), np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]), 2)
        array([ True, False])
    """
    true = probabilities[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(probabilities.shape[1]) < np.asarray(labels)[:, None]
    before = (probabilities > true) | ((probabilities == true) & earlier)
    return np.asarray(before.sum(axis=1) < k)


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> Int64[Array, "c c"]:
    """Return the counts by ``(true, predicted)``.

    Example:
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)
