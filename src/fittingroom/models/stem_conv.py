"""A small fast convolutional network: a stem that halves the image, then groups of two convolutions that halve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import keras

Head = Literal["max", "mean", "flat"]
PATCH = 4  # side of the stem's window, in pixels; it moves by 2


def stem_conv(
    image_shape: tuple[int, int],
    classes: int,
    *,
    stem: int,
    channels: tuple[int, ...],
    depth: int | tuple[int, ...] = 2,
    head: Head = "max",
) -> keras.Model:
    """Return a stem of 4 x 4 windows at stride 2, then groups of conv3, pool, normalise, relu, and more convolutions.

    The 3 x 3 convolutions start as the identity on their first channels (Dirac), so that the signal passes unharmed.

    Args:
        image_shape: ``(height, width)``, at least ``2 ** (1 + len(channels))`` each; the input is
            ``(height, width, 1)`` float32 in 0..1.
        classes: outputs; probabilities (softmax).
        stem: filters of the stem.
        channels: of each group.
        depth: convolutions a group, or one number for each group; from three on, what follows the pool has a shortcut
            around it.
        head: what it reads: the maximum over positions, the mean over them, or each position by itself.

    Source: cifar10-airbench, K. Jordan, arXiv 2404.00498; the stride is our own.
    """
    from fittingroom.backend import import_keras

    keras = import_keras()
    layers = keras.layers
    inputs = keras.Input((*image_shape, 1))
    x = layers.Conv2D(stem, PATCH, strides=2, padding="same", activation="relu", name="stem")(inputs)
    depths = (depth,) * len(channels) if isinstance(depth, int) else depth
    for width, convolutions in zip(channels, depths, strict=True):
        x = _group(layers, x, width, convolutions)
    read = {"max": layers.GlobalMaxPooling2D, "mean": layers.GlobalAveragePooling2D, "flat": layers.Flatten}[head]
    x = read()(x)
    outputs = layers.Dense(classes, activation="softmax", name="head")(x)
    model = keras.Model(inputs, outputs, name=f"stem-conv-{'-'.join(map(str, (stem, *channels)))}")
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and layer.name != "stem":
            layer.kernel.assign(dirac(np.asarray(layer.kernel.numpy())))
    return model


def _group(layers: Any, x: Any, channels: int, depth: int) -> Any:
    x = layers.MaxPooling2D(2)(_convolution(layers, x, channels))
    x = shortcut = layers.ReLU()(_normalised(layers, x))
    for index in range(1, depth):
        x = _normalised(layers, _convolution(layers, x, channels))
        if depth > 2 and index == depth - 1:
            x = layers.Add()([x, shortcut])
        x = layers.ReLU()(x)
    return x


def _convolution(layers: Any, x: Any, channels: int) -> Any:
    return layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)


def _normalised(layers: Any, x: Any) -> Any:
    return layers.BatchNormalization(scale=False, momentum=0.9)(x)


def dirac(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel whose first outputs pass their inputs on unchanged; the rest is as it was.

    Args:
        kernel: float ``(rows, columns, inputs, outputs)``, rows and columns odd.

    Example:
        >>> kernel = dirac(np.ones((3, 3, 1, 2)))
        >>> float(kernel[1, 1, 0, 0]), float(kernel[0, 0, 0, 0]), float(kernel[0, 0, 0, 1])
        (1.0, 0.0, 1.0)
    """
    rows, columns, inputs, outputs = kernel.shape
    changed = kernel.copy()
    for channel in range(min(inputs, outputs)):
        changed[..., channel] = 0
        changed[rows // 2, columns // 2, channel, channel] = 1
    return changed
