"""Open a shipped network in plain Keras: no fittingroom, any backend, pixels 0..255 in, probabilities out.

    KERAS_BACKEND=jax python plain_keras.py path/to/fashion-mnist/90.keras picture.npy

Where the file is:
    python -c "from fittingroom.inference.model_files import find_model; print(find_model('fashion-mnist/90'))"
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle-boot"]

model = keras.saving.load_model(sys.argv[1], safe_mode=True)
images = np.load(sys.argv[2]).reshape(-1, 28, 28)  # uint8, light on black
for probabilities in model.predict(images, verbose=0):
    best = int(probabilities.argmax())
    print(f"{CLASSES[best]} {probabilities[best]:.3f}")
