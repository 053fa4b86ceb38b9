"""What a network has learned and what it makes of pictures: first weights as pictures, activations layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.errors import ModelError
from fittingroom.models.front import pixel_scale, read_pixels, shape_for, stated_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSHOWN = ("InputLayer", "Dropout", "SpatialDropout2D", "Reshape", "Rescaling", "Flatten", "Permute", "Pipeline")
FOLLOWING = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "BatchNormalization")


@dataclass(frozen=True, eq=False)
class Inside:
    """What a network has learned, and what it makes of some pictures.

    Attributes:
        kind: of the first layer that has weights: "units", each of which weighs every pixel; "kernels", each of which
            is laid on every place of the picture; "other", which has no pictures.
        layer: its name.
        weights: pictures of them, for pixels in 0..1: ``(u, h, w)``; of kernels their own height and width; empty where
            there are none.
        activations: what each unit makes of each picture ``(n, u)``; None but for units.
        pushes: how far each unit moves each class's score for each picture ``(n, u, c)``, less its mean over the
            classes, which changes no probability; None unless the next layer with weights is the last.
        start: each class's score before any unit has pushed it ``(c,)``, likewise less the mean; None likewise.
        layers: what each layer makes of the pictures: its name, its kind, and values ``(n, h, w, k)`` or ``(n, k)``.
    """

    kind: str
    layer: str
    weights: Array
    activations: Array | None
    pushes: Array | None
    start: Array | None
    layers: tuple[tuple[str, str, Array], ...]


def look_inside(network: Any, images: Images) -> Inside:
    """Return what a network has learned, and what its layers make of pictures.

    Args:
        network: a Keras model, as it is saved for use or as it is trained.
        images: uint8 ``(n, h, w)``.

    Raises:
        ModelError: it is no Keras model, the images do not fit it, or what lies between its layers cannot be reached,
            as of a model whose own Python calls them.
    """
    core = core_of(network)
    layers = list(core._flatten_layers(recursive=False, include_self=False))
    weighted = [layer for layer in layers if layer.weights]
    if not weighted:
        raise ModelError(f"Model '{network.name}' has no layer with weights to look at.")
    fed = _fed(network, images)
    shown = [layer for layer in layers if type(layer).__name__ not in UNSHOWN]
    values = _values(core, fed, [*(layer.output for layer in shown)], network.name)
    first = weighted[0]
    kind, weights = _pictures(first, images.shape[1:])
    activations, pushes, start = None, None, None
    if kind == "units":
        activations = values[shown.index(first)]
        if len(weighted) == 2 and _is_last(weighted[1], layers, first):
            activations, pushes, start = _pushes(core, fed, weighted[1], network.name)
    made = tuple((layer.name, type(layer).__name__, each) for layer, each in zip(shown, values, strict=True))
    return Inside(kind, first.name, weights, activations, pushes, start, made)


def core_of(network: Any) -> Any:
    """Return the network that stands behind a front, or the network itself where it has none.

    Raises:
        ModelError: it is no Keras model.
    """
    import keras

    if not isinstance(network, keras.Model):
        raise ModelError(
            f"Expected a Keras model to look inside, received {type(network).__name__}: of other models only the "
            "answers are known. Try fittingroom explain, which covers parts of the picture."
        )
    return next((layer for layer in network.layers if isinstance(layer, keras.Model)), network)


def feed_of(network: Any, images: Images) -> tuple[tuple[int, ...], float, float]:
    """Return the shape that a core is fed pictures in, what pixels in 0..255 are multiplied by, and what is added.

    Raises:
        ModelError: the images do not fit the network.
    """
    core = core_of(network)
    shape = shape_for(stated_shape(core), (images.shape[1], images.shape[2]), network.name)
    scale, offset = (1.0, 0.0) if core is not network else (pixel_scale(read_pixels(core) or "unit"), 0.0)
    for layer in network.layers if core is not network else ():
        if type(layer).__name__ == "Rescaling" and layer.name != "other":
            scale, offset = float(layer.scale), float(layer.offset)
    return shape, scale, offset


def _fed(network: Any, images: Images) -> Array:
    """Return pictures as the core is fed them."""
    shape, scale, offset = feed_of(network, images)
    return (images.astype(np.float32) * np.float32(scale) + np.float32(offset)).reshape(-1, *shape)


def _values(core: Any, fed: Array, outputs: Sequence[Any], name: str) -> list[Array]:
    """Return what is computed at some places of a network, float32, channels last."""
    import keras
    import torch

    try:
        part = keras.Model(core.inputs, list(outputs))
    except (AttributeError, ValueError, KeyError) as error:
        raise ModelError(f"Model '{name}': what lies between its layers cannot be reached.") from error
    with torch.inference_mode():
        found = part(torch.from_numpy(fed).to(next(iter(core.parameters())).device), training=False)
    every = found if isinstance(found, list | tuple) else [found]
    return [np.asarray(each.float().cpu().numpy()) for each in every]


def _pictures(layer: Any, image_shape: tuple[int, ...]) -> tuple[str, Array]:
    """Return the kind of the first layer, and its weights as pictures."""
    name, none = type(layer).__name__, np.zeros((0, 1, 1), np.float32)
    if name == "Dense" and layer.kernel.shape[0] == image_shape[0] * image_shape[1]:
        kernel = _numbers(layer.kernel)
        return "units", np.ascontiguousarray(kernel.T).reshape(-1, *image_shape)
    if name == "Conv2D" and layer.kernel.shape[2] == 1:
        return "kernels", np.ascontiguousarray(_numbers(layer.kernel)[:, :, 0].transpose(2, 0, 1))
    return "other", none


def _numbers(variable: Any) -> Array:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def _is_last(layer: Any, layers: Sequence[Any], first: Any) -> bool:
    """Say whether a layer turns what the first one gives into scores, with nothing but activations around it."""
    between = layers[layers.index(first) + 1 : layers.index(layer)]
    after = layers[layers.index(layer) + 1 :]
    return type(layer).__name__ == "Dense" and all(type(one).__name__ in FOLLOWING for one in (*between, *after))


def _pushes(core: Any, fed: Array, last: Any, name: str) -> tuple[Array, Array, Array]:
    """Return what the last layer is given, what each of these numbers adds to each class's score, and its start."""
    (given,) = _values(core, fed, [last.input], name)
    kernel = _numbers(last.kernel)
    start = _numbers(last.bias) if last.use_bias else np.zeros(kernel.shape[1], np.float32)
    moved = given[:, :, None] * (kernel - kernel.mean(axis=1, keepdims=True))[None]
    return given, np.asarray(moved, np.float32), np.asarray(start - start.mean(), np.float32)
