"""The walk-through's network: a hidden layer of 128, an output a class; 101,770 parameters at 28x28, ten classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def walkthrough(image_shape: tuple[int, int], classes: int) -> keras.Model:
    """Return the network of the Keras walk-through, not compiled.

    Args:
        image_shape: ``(height, width)``; the input is flat, ``(height * width,)`` float32 in 0..1.
        classes: outputs; probabilities (softmax).

    Source: https://keras.io and tensorflow.org/tutorials/keras/classification.
    """
    from fittingroom.backend import import_keras

    keras = import_keras()
    return keras.Sequential(
        [
            keras.Input((math.prod(image_shape),)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ],
        name="walkthrough",
    )
