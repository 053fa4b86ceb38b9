"""Ask a Keras model for probabilities, in large batches and without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array, Predict, Probabilities, check_images
from fittingroom.models.front import check_fits, gives_probabilities, holds_own_scaling, input_shape

if TYPE_CHECKING:
    import keras

BATCH = 1000


def predictor(model: keras.Model) -> Predict:
    """Return the function from images to probabilities that a model stands for.

    A model that scales its pixels itself (every saved one does) is fed 0..255; any other is fed 0..1.

    Args:
        model: takes ``(h * w,)``, ``(h, w)`` or ``(h, w, 1)``; gives probabilities or logits ``(classes,)``.

    Returns:
        ``uint8 (n, h, w)`` to ``float32 (n, classes)``, rows summing to 1.

    Raises:
        ModelError: (when called) the images do not fit the model; both shapes are named.
    """
    shape = input_shape(model)
    scale = np.float32(1 if holds_own_scaling(model) else 1 / 255)
    is_logits = not gives_probabilities(model)

    def predict(images: Array) -> Probabilities:
        pixels = check_images(images)
        height, width = pixels.shape[1:]
        check_fits(shape, (height, width), model.name)
        parts = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
        outputs = [_forward(model, (part * scale).reshape(-1, *shape), is_logits) for part in parts]
        return np.concatenate(outputs) if outputs else np.zeros((0, model.output_shape[-1]), np.float32)

    return predict


def _forward(model: keras.Model, inputs: Array, is_logits: bool) -> Array:
    import torch

    with torch.inference_mode():
        outputs = model(inputs.astype(np.float32, copy=False), training=False)
        probabilities = outputs.softmax(-1) if is_logits else outputs
        array: Array = probabilities.float().cpu().numpy()
    return array
