"""`model.fit` on the backend in KERAS_BACKEND, for the networks of the benchmark, without fittingroom.

Usage: fit_elsewhere.py JOB EPOCHS; prints the seconds of each epoch as a JSON list. `make bench-peers` makes
environments with JAX and with TensorFlow that it runs in. The data are those of keras.datasets.
"""

from __future__ import annotations

import json
import sys
import time

import keras
import numpy as np

layers = keras.layers


def walkthrough() -> tuple[keras.Model, str, int]:
    """Dense 128 and Dense 10; RMSprop; batches of 128."""
    model = keras.Sequential(
        [keras.Input((784,)), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]
    )
    return model, "rmsprop", 128


def thin_conv() -> tuple[keras.Model, str, int]:
    """Three groups of 16, 32 and 64 channels with batch normalisation; Adam; batches of 256."""
    inputs = x = keras.Input((28, 28, 1))
    for channels in (16, 32, 64):
        for pooled in (True, False):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.MaxPooling2D(2)(x) if pooled else x
            x = layers.ReLU()(layers.BatchNormalization()(x))
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalMaxPooling2D()(x))
    return keras.Model(inputs, outputs), "adam", 256


def main() -> None:
    """Train and print."""
    job, epochs = sys.argv[1], int(sys.argv[2])
    keras.utils.set_random_seed(0)
    (images, labels), _ = keras.datasets.fashion_mnist.load_data()
    model, optimizer, size = {"walkthrough": walkthrough, "thin-conv": thin_conv}[job]()
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    inputs = (images / np.float32(255)).reshape(-1, *model.input_shape[1:])
    begun: list[float] = []
    ended: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: begun.append(time.perf_counter()),
        on_epoch_end=lambda *_: ended.append(time.perf_counter()),
    )
    model.fit(inputs, labels, batch_size=size, epochs=epochs, verbose=0, callbacks=[clock])
    print(json.dumps([end - begin for begin, end in zip(begun, ended, strict=True)]))


if __name__ == "__main__":
    main()
