"""A thin convolutional network: three groups of 16, 32 and 64 channels with batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

CHANNELS = (16, 32, 64)


def thin_conv(image_shape: tuple[int, int], classes: int) -> keras.Model:
    """Return the thin network: a group is conv3, pool, normalise, relu, conv3, normalise, relu.

    Args:
        image_shape: ``(height, width)``, at least 8 x 8; the input is ``(height, width, 1)`` float32 in 0..1.
        classes: outputs; probabilities (softmax).

    Source: the groups of cifar10-airbench, K. Jordan, arXiv 2404.00498, made thin.
    """
    from fittingroom.backend import import_keras

    keras = import_keras()
    inputs = keras.Input((*image_shape, 1))
    x = inputs
    for channels in CHANNELS:
        x = _group(keras.layers, x, channels)
    x = keras.layers.GlobalMaxPooling2D()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="thin-conv")


def _group(layers: object, x: object, channels: int) -> object:
    for pooled in (True, False):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)  # type: ignore[attr-defined]
        if pooled:
            x = layers.MaxPooling2D(2)(x)  # type: ignore[attr-defined]
        x = layers.BatchNormalization()(x)  # type: ignore[attr-defined]
        x = layers.ReLU()(x)  # type: ignore[attr-defined]
    return x
