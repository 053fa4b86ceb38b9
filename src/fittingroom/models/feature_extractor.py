"""What a model sees of an image: the numbers that its last layer with weights is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.errors import ModelError
from fittingroom.models.front import check_fits, gives_probabilities, holds_own_scaling, input_shape

if TYPE_CHECKING:
    import keras

BATCH = 1000

FeatureExtractor: TypeAlias = Callable[[Images], tuple[Array, Array]]


def feature_extractor(network: keras.Model, image_shape: tuple[int, int]) -> FeatureExtractor:
    """Return the function from images to probabilities and to what the last layer is given.

    It takes all images at once; `in_batches` bounds the memory.

    Args:
        network: as it is saved for use, or as it is trained.
        image_shape: ``(h, w)`` of the images.

    Returns:
        ``uint8 (n, h, w)`` to probabilities float32 ``(n, c)`` and features float16 ``(n, d)``.

    Raises:
        ModelError: the images do not fit the model, or its last layer cannot be reached.
    """
    import keras
    import torch

    core = next((layer for layer in network.layers if isinstance(layer, keras.Model)), network)
    shape = input_shape(core)
    check_fits(shape, image_shape, network.name)
    last = [layer for layer in core._flatten_layers(recursive=False) if layer.weights][-1]
    try:
        both = keras.Model(core.inputs, [core.outputs[0], last.input])
    except (AttributeError, ValueError) as error:
        raise ModelError(f"Model '{network.name}': what its last layer is given cannot be reached.") from error
    scale = np.float32(1 if holds_own_scaling(core) else 1 / 255)
    is_logits = not gives_probabilities(core)

    def extract(images: Images) -> tuple[Array, Array]:
        with torch.inference_mode():
            answer, seen = both([(images * scale).astype(np.float32).reshape(-1, *shape)], training=False)
            answer = answer.softmax(-1) if is_logits else answer
        return answer.float().cpu().numpy(), seen.reshape(len(images), -1).half().cpu().numpy()

    return extract


def in_batches(extract: FeatureExtractor, images: Images) -> tuple[Array, Array]:
    """Return probabilities and features of any number of images, at least one."""
    parts = [extract(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    return np.concatenate([answer for answer, _ in parts]), np.concatenate([seen for _, seen in parts])
