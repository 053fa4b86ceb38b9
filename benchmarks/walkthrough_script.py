"""The walk-through's training as a plain Keras script: load, scale, five epochs, save; `fittingroom train` beside it.

Usage: walkthrough_script.py; the backend is the one in KERAS_BACKEND, the data those of keras.datasets.
"""

from tempfile import TemporaryDirectory

import keras

(train_images, train_labels), _ = keras.datasets.fashion_mnist.load_data()
train_images = train_images.reshape((60000, 28 * 28)).astype("float32") / 255

model = keras.Sequential(
    [
        keras.Input((28 * 28,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_images, train_labels, epochs=5, batch_size=128, verbose=2)

with TemporaryDirectory() as folder:
    model.save(f"{folder}/walkthrough.keras")
