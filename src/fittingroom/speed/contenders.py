"""One contender, in a process of its own: trains a few epochs and prints each one's seconds as JSON.

Usage: python -m fittingroom.speed.contenders CONTENDER JOB EPOCHS
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from fittingroom.data import load
from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def ours(job: Job, epochs: int) -> list[float]:
    """Train with this package's trainer; an epoch's seconds are those of its history."""
    from fittingroom.models import build
    from fittingroom.training import train_model

    with tempfile.TemporaryDirectory() as folder:
        recipe = job.recipe.replace(epochs=epochs)
        run = train_model(build(job.model), load(), recipe, out=Path(folder) / "run")
        return [line["seconds"] for line in run.history]


def keras_fit(job: Job, epochs: int) -> list[float]:
    """Train with ``model.fit`` on the same backend, float32 images in memory."""
    import keras
    import numpy as np

    from fittingroom.models import build
    from fittingroom.models.front import input_shape

    model, train = build(job.model), load().train
    model.compile(optimizer=job.recipe.optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images = (train.images / np.float32(255)).reshape(-1, *input_shape(model))
    seconds: list[float] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            seconds.append(-time.perf_counter())

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            seconds[-1] += time.perf_counter()

    labels = np.asarray(train.labels)
    model.fit(images, labels, batch_size=job.recipe.batch_size, epochs=epochs, verbose=0, callbacks=[Clock()])
    return seconds


def labelled(job: Job, epochs: int, *, one_hot: bool) -> list[float]:
    """Train a model that its owner compiled for integer or for one-hot labels with this package's trainer."""
    from fittingroom.models import build
    from fittingroom.training import train_model

    model = build(job.model)
    model.compile(job.recipe.optimizer, f"{'' if one_hot else 'sparse_'}categorical_crossentropy")
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe(batch_size=job.recipe.batch_size, epochs=epochs)
        run = train_model(model, load(), recipe, out=Path(folder) / "run")
        return [line["seconds"] for line in run.history]


def floor(job: Job, epochs: int) -> list[float]:
    """Do the matrix products of the walk-through's network alone: two forward, three backward."""
    import torch

    size = job.recipe.batch_size
    images = torch.rand(size, 784)
    first, second = torch.rand(784, 128), torch.rand(128, 10)
    hidden, outputs, hidden_gradient = torch.rand(size, 128), torch.rand(size, 10), torch.rand(size, 128)
    first_gradient, second_gradient = torch.empty_like(first), torch.empty_like(second)
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for _ in range(-(-60_000 // size)):
            torch.mm(images, first, out=hidden)
            torch.mm(hidden, second, out=outputs)
            torch.mm(hidden.t(), outputs, out=second_gradient)
            torch.mm(outputs, second.t(), out=hidden_gradient)
            torch.mm(images.t(), hidden_gradient, out=first_gradient)
        seconds.append(time.perf_counter() - start)
    return seconds


CONTENDERS: dict[str, Callable[[Job, int], list[float]]] = {
    "ours": ours,
    "one-hot-labels": partial(labelled, one_hot=True),
    "integer-labels": partial(labelled, one_hot=False),
    "keras-fit": keras_fit,
    "floor": floor,
}


@dataclass(frozen=True)
class Job:
    """One network, trained for a few epochs by every contender.

    Attributes:
        model: an architecture's name.
        recipe: batch size and optimiser, the same for all.
        bars: by rival, the most that our epoch may take of the rival's.
        epochs: of each process; the first, with its tracing and warming up, is left out.
        contender: whose epochs the bars are about.
    """

    model: str
    recipe: Recipe
    bars: Mapping[str, float]
    epochs: int
    contender: str = "ours"


JOBS: Mapping[str, Job] = MappingProxyType(
    {
        "walkthrough": Job(
            "walkthrough",
            Recipe(optimizer="rmsprop", batch_size=128),
            {"keras-fit": 0.25, "plain-torch": 0.85, "floor": 3.0},
            epochs=4,
        ),
        "thin-conv": Job(
            "thin-conv",
            Recipe(optimizer="adam", batch_size=256),
            {"plain-torch": 1.05, "keras-fit": 0.66},
            epochs=2,
        ),
        "one-hot": Job(
            "thin-conv",
            Recipe(optimizer="adam", batch_size=256),
            {"integer-labels": 1.1},
            epochs=2,
            contender="one-hot-labels",
        ),
    }
)


WHOLE_OURS, WHOLE_RIVAL = "fittingroom-train", "keras-script-tensorflow"
WHOLE_BARS = {"time": 0.55, "peak memory": 0.6}  # the most that our whole process may take of the rival's


def main() -> None:
    """Run the contender that the command line names."""
    name, job, epochs = sys.argv[1:4]
    sys.stdout.write(json.dumps(CONTENDERS[name](JOBS[job], int(epochs))) + "\n")


if __name__ == "__main__":
    main()
