"""Run by a Python that need not have this package: answers of every `.keras` file of a folder, by plain Keras.

KERAS_BACKEND=jax python open_in_plain_keras.py FOLDER IMAGES.npy ANSWERS.npz
"""

import sys
from pathlib import Path

import keras
import numpy as np


def main(folder: str, images: str, answers: str) -> None:
    models = {path.stem: keras.saving.load_model(path, safe_mode=True) for path in sorted(Path(folder).glob("*.keras"))}
    assert not any(model.compiled for model in models.values())
    assert "fittingroom" not in sys.modules
    pictures = np.load(images)
    np.savez(answers, **{name: model.predict(pictures, batch_size=1000, verbose=0) for name, model in models.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
