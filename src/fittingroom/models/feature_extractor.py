"""What a model sees of an image, and the training images nearest to it in that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.errors import ModelError
from fittingroom.models.front import pixel_scale, read_pixels, shape_for, stated_shape

if TYPE_CHECKING:
    import keras
    from torch import nn


BATCH = 1000

FeatureExtractor: TypeAlias = Callable[[Images], Array]


def feature_extractor(network: Any, image_shape: tuple[int, int], *, scale: float | None = None) -> FeatureExtractor:
    """Return the function from images to what the last layer is given.

    It takes all images at once; `in_batches` bounds the memory.

    Args:
        network: a Keras model as it is saved for use, or as it is trained; or a torch module.
        image_shape: ``(h, w)`` of the images.
        scale: what pixels in 0..255 are multiplied by for a model that is not saved for use; None for what its own
            layers say.

    Returns:
        ``uint8 (n, h, w)`` to features float16 ``(n, d)``.

    Raises:
        ModelError: the images do not fit the model, or its last layer cannot be reached.
    """
    import keras
    import torch

    if not isinstance(network, keras.Model):
        return _of_module(network, image_shape, 1 / 255 if scale is None else scale)
    core = next((layer for layer in network.layers if isinstance(layer, keras.Model)), network)
    shape = shape_for(stated_shape(core), image_shape, network.name)
    last = [layer for layer in core._flatten_layers(recursive=False) if layer.weights][-1]
    try:
        inner = keras.Model(core.inputs, last.input)
    except (AttributeError, ValueError) as error:
        raise ModelError(f"Model '{network.name}': what its last layer is given cannot be reached.") from error
    factor = np.float32(scale if scale is not None and core is network else _pixel_scale(network, core))

    def extract(images: Images) -> Array:
        with torch.inference_mode():
            seen = inner([(images * factor).astype(np.float32).reshape(-1, *shape)], training=False)
        features: Array = seen.reshape(len(images), -1).half().cpu().numpy()
        return features

    return extract


def _of_module(module: nn.Module, image_shape: tuple[int, int], scale: float) -> FeatureExtractor:
    """Return the same for a torch module: what the last of its parts that has weights of its own is called with."""
    import torch

    from fittingroom.models.functional_model import as_functional

    functional = as_functional(module, image_shape)
    parts = [part for part in module.modules() if part is not module and any(True for _ in part.parameters(False))]
    called: list[tuple[nn.Module, Any]] = []

    def run(images: Images) -> list[tuple[nn.Module, Any]]:
        like, called[:] = functional.like, []
        inputs = torch.from_numpy(np.ascontiguousarray(images)).to(like.device, like.dtype) * scale
        hooks = [part.register_forward_pre_hook(lambda part, given: called.append((part, given))) for part in parts]
        try:
            with torch.inference_mode(), functional.at_rest():
                module.eval()(inputs.reshape(-1, *functional.input_shape))
        finally:
            for hook in hooks:
                hook.remove()
        return called

    def extract(images: Images) -> Array:
        given = run(images)[-1][1]
        features: Array = given[0].reshape(len(images), -1).half().cpu().numpy()
        return features

    if not run(np.zeros((1, *image_shape), np.uint8)) or not isinstance(called[-1][1][0], torch.Tensor):
        raise ModelError(f"Module '{functional.name}': what its last layer is given cannot be reached.")
    return extract


def _pixel_scale(network: keras.Model, core: keras.Model) -> float:
    """Return what pixels in 0..255 are multiplied by before the core: what the front says, where there is one."""
    if core is network:
        return pixel_scale(read_pixels(core) or "unit")
    front = [layer for layer in network.layers if type(layer).__name__ == "Rescaling"]
    return float(front[0].scale) if front else 1.0


def in_batches(extract: FeatureExtractor, images: Images) -> Array:
    """Return the features of any number of images, at least one."""
    return np.concatenate([extract(images[start : start + BATCH]) for start in range(0, len(images), BATCH)])


COUNT = 8
PART = 4096  # rows that are compared at a time: bounded memory


def nearest(features: Array, own: Array, count: int = COUNT) -> Array:
    """Return the rows nearest to one point, by Euclidean distance, the nearest first.

    Args:
        features: ``(n, d)``, any real numbers.
        own: the point ``(d,)``.
        count: how many, at most n.

    Returns:
        Positions int64 ``(count,)``; of rows at the same distance the first comes first.

    Example:
        >>> nearest(np.array([[0.0], [5.0], [1.0]]), np.array([0.9]), 2).tolist()
        [2, 0]
    """
    point = own.astype(np.float32)
    distances = np.empty(len(features), np.float32)
    for start in range(0, len(features), PART):
        part = features[start : start + PART].astype(np.float32)
        distances[start : start + len(part)] = ((part - point) ** 2).sum(axis=1)
    count = min(count, len(features))
    if count < 1:
        return np.zeros(0, np.int64)
    limit = np.partition(distances, count - 1)[count - 1]
    near = np.flatnonzero(distances <= limit)  # ties too, so that the order of rows decides and not the partition
    chosen: Array = near[np.argsort(distances[near], kind="stable")][:count]
    return chosen


def neighbours(features: Array, index: int, until: int, count: int = COUNT) -> list[int]:
    """Return the training images most like one image of the same table, the nearest first; never itself.

    Args:
        features: ``(n, d)``.
        index: of the image.
        until: training images are those before it.
        count: how many.
    """
    found = nearest(features[:until], features[index], count + (index < until))
    return [int(row) for row in found if row != index][:count]
