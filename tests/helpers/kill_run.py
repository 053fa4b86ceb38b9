"""Train a small network in a process of its own, to be killed: ``python kill_run.py FOLDER SECONDS_A_STEP``.

It writes a line to stdout at every step, so that whoever kills it knows that training has begun.
"""

import signal
import sys
import time
from pathlib import Path

import fittingroom  # noqa: F401  (chooses the backend)


def noise():
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (96, 12, 12), dtype=np.uint8), (np.arange(96) % 4).astype(np.uint8)


def network():
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(3, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(4, "softmax"),
        ]
    )


def recipe():
    from fittingroom.training.recipe import Recipe

    return Recipe(
        epochs=4,
        batch_size=20,
        optimizer="adam",
        schedule="cosine",
        translate=1,
        flip="random",
        averaging="ema",
        cutmix=1.0,
    )


def main(folder: Path, pause: float) -> None:
    import torch

    from fittingroom.training import resume, train_model

    torch.set_num_threads(1)

    def on_progress(progress):
        print(progress.epoch, flush=True)  # noqa: T201  (the parent counts the lines)
        time.sleep(pause)

    if (folder / "checkpoint" / "state.safetensors").exists():
        resume(folder, noise(), on_progress=on_progress)
    else:
        train_model(network(), noise(), recipe(), seed=3, validation=16, out=folder, on_progress=on_progress)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(Path(sys.argv[1]), float(sys.argv[2]))
