"""Ask a model for probabilities: any Keras model or torch module, in large batches, through its traced forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Predict, Probabilities
from fittingroom.data.accepting import accept_images
from fittingroom.models.front import as_probabilities, holds_own_scaling

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def predictor(model: Any, *, pixels: str | None = None) -> Predict:
    """Return the function from images to probabilities that a model stands for.

    A Keras model that scales its pixels itself (every saved one does) is fed 0..255; any other model is fed 0..1.

    Args:
        model: a Keras model that takes ``(h * w,)``, ``(h, w)`` or ``(h, w, 1)``, or a torch module that takes
            ``(n, 1, h, w)``, ``(n, h, w)`` or ``(n, h * w)``; gives probabilities or logits ``(n, classes)``.
        pixels: "unit" to feed 0..1, "raw" to feed 0..255; None to decide as above.

    Returns:
        ``uint8 (n, h, w)`` to ``float32 (n, classes)``, rows summing to 1.

    Raises:
        ModelError: (when called) the images do not fit the model; both shapes are named.
        DataError: (when called) the images are no uint8 ``(n, h, w)``.
    """
    prepared: dict[tuple[int, int], Callable[[Array], Array]] = {}

    def predict(images: Any) -> Probabilities:
        checked = accept_images(images)
        height, width = checked.shape[1:]
        if (height, width) not in prepared:
            prepared[height, width] = _prepared(model, (height, width), pixels)
        return prepared[height, width](checked)

    return predict


def _prepared(model: Any, image_shape: tuple[int, int], pixels: str | None) -> Callable[[Array], Array]:
    from fittingroom.inference.forward import go_on, make_infer
    from fittingroom.models.functional_model import as_functional, probe

    functional = as_functional(model, image_shape)
    is_raw = functional.is_keras and holds_own_scaling(model) if pixels is None else pixels == "raw"
    scale = 1.0 if is_raw else 1 / 255
    with functional.at_rest():
        classes, are_probabilities = probe(functional, scale=255 * scale)
    infer = make_infer(functional, scale=scale, trace=True)

    def ask(images: Array) -> Array:
        if not len(images):
            return np.zeros((0, max(classes, 2)), np.float32)
        with functional.at_rest():
            outputs, _ = infer(_as_tensor(images, functional.like), go_on)
        chances: Array = as_probabilities(outputs, probabilities=are_probabilities).cpu().numpy()
        return chances

    return ask


def _as_tensor(array: Array, like: Tensor) -> Tensor:
    """Return an array as a tensor where the model is, sharing its memory where that is possible."""
    import torch

    writable = array if array.flags.writeable else array.copy()
    return torch.from_numpy(np.ascontiguousarray(writable)).to(like.device)
