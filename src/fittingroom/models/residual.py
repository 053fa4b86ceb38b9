"""A residual network, thin or wide: stages of two-convolution blocks, each stage at half the resolution of the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def residual(image_shape: tuple[int, int], classes: int, *, channels: tuple[int, ...], blocks: int = 2) -> keras.Model:
    """Return a convolution at full resolution, then stages of residual blocks, the mean over positions, and a head.

    Args:
        image_shape: ``(height, width)``; the input is ``(height, width, 1)`` float32 in 0..1.
        classes: outputs; probabilities (softmax).
        channels: of each stage; from the second on a stage begins at half the resolution.
        blocks: a stage.

    Source: K. He and others, arXiv 1512.03385, section 4.2; shortcuts that change shape are 1 x 1 convolutions.
    """
    from fittingroom.backend import import_keras

    keras = import_keras()
    layers = keras.layers
    inputs = keras.Input((*image_shape, 1))
    x = _normalised(layers, layers.Conv2D(channels[0], 3, padding="same", use_bias=False)(inputs))
    x = layers.ReLU()(x)
    for stage, width in enumerate(channels):
        for block in range(blocks):
            x = _block(layers, x, width, stride=2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(classes, activation="softmax", name="head")(x)
    return keras.Model(inputs, outputs, name=f"residual-{'-'.join(map(str, channels))}")


def _block(layers: Any, x: Any, channels: int, stride: int) -> Any:
    shortcut = x
    if stride != 1 or x.shape[-1] != channels:
        shortcut = _normalised(layers, layers.Conv2D(channels, 1, strides=stride, use_bias=False)(x))
    y = _normalised(layers, layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x))
    y = layers.ReLU()(y)
    y = _normalised(layers, layers.Conv2D(channels, 3, padding="same", use_bias=False)(y))
    return layers.ReLU()(layers.Add()([y, shortcut]))


def _normalised(layers: Any, x: Any) -> Any:
    return layers.BatchNormalization(momentum=0.9)(x)
