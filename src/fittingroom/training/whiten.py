"""A first convolution that whitens: its filters are computed from patches of the training images, and stay fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from fittingroom.arrays import Images

SAMPLE = 5000  # images from which the patches are taken: the first ones
FLOOR = 5e-4  # added to every eigenvalue, so that what never varies is not blown up


def whitening_filters(images: Images, rows: int, columns: int, filters: int) -> np.ndarray:
    """Return filters that make patches uncorrelated and of equal size, strongest first, each with its negative.

    Args:
        images: uint8 ``(n, h, w)``.
        rows: of a patch, in pixels.
        columns: of a patch, in pixels.
        filters: how many, at most ``2 * rows * columns``.

    Returns:
        float32 ``(rows, columns, 1, filters)``: the first half are eigenvectors of the patches' covariance over the
        root of their eigenvalue, the second half their negatives.

    Source: K. Jordan, arXiv 2404.00498.
    """
    pixels = images[:SAMPLE].astype(np.float64) / 255
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (rows, columns), axis=(1, 2))
    patches = windows[:, ::2, ::2].reshape(-1, rows * columns)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    half = -(-filters // 2)
    strongest = vectors[:, ::-1][:, :half] / np.sqrt(values[::-1][:half] + FLOOR)
    both = np.concatenate([strongest, -strongest], axis=1)[:, :filters]
    return both.reshape(rows, columns, 1, filters).astype(np.float32)


def whiten(model: Any, images: Images) -> None:
    """Set the model's first convolution to whitening filters of these images and freeze it, in place.

    Args:
        model: a Keras model.
        images: uint8 ``(n, h, w)``, of the training part.

    Raises:
        ModelError: no such convolution: one on a single channel, with at most two filters for each pixel of its window.
    """
    first = next((layer for layer in getattr(model, "layers", ()) if type(layer).__name__ == "Conv2D"), None)
    if first is None or not _fits(first.kernel.shape):
        raise ModelError(
            f"The recipe's whiten expects a Keras model whose first Conv2D reads one channel and has at most two "
            f"filters for each pixel of its window, received {getattr(model, 'name', type(model).__name__)}. "
            "Use another model, or whiten = false."
        )
    rows, columns, _, filters = first.kernel.shape
    first.kernel.assign(whitening_filters(images, rows, columns, filters))
    first.trainable = False


def _fits(shape: tuple[int, ...]) -> bool:
    rows, columns, inputs, outputs = shape
    return inputs == 1 and outputs <= 2 * rows * columns
