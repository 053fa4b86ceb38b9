"""What people know from ``model.fit``: taken with Keras's meaning, or refused in one line with what does it here."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import Dataset
from fittingroom.data.accepting import accept_pair
from fittingroom.errors import UsageError
from fittingroom.lookup import suggest
from fittingroom.progress import audible
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.progress import Log

AS_HERE: dict[str, tuple[Any, ...]] = {  # values that say what happens here anyway
    "verbose": (0,),
    "shuffle": (True,),
    "initial_epoch": (0,),
    "validation_freq": (1,),
    "validation_split": (0.0,),
}
TAKEN = ("validation_data", "validation_split")
REMEDIES = {
    "class_weight": (
        "Weigh the classes in the loss that the model is compiled with: "
        "keras.losses.CategoricalFocalCrossentropy(alpha=weights, gamma=0), a weight a class in label order."
    ),
    "sample_weight": (
        "Leave images out or repeat them instead: again = np.repeat(np.arange(len(labels)), times); "
        "fr.train(model, (images[again], labels[again]))."
    ),
    "verbose": "For a line an epoch: fr.train(..., on_progress=fittingroom.progress.each_epoch(print)).",
    "shuffle": "Images are shuffled anew in each epoch, the same way for the same seed.",
    "initial_epoch": "A stopped run goes on by fittingroom train --resume RUN.",
    "steps_per_epoch": "An epoch sees every image once; pass fewer images for a shorter one.",
    "validation_steps": "All held-out images are looked at after each epoch; hold out fewer.",
    "validation_batch_size": "Validation chooses its own batches, which change no number.",
    "validation_freq": "Held-out images are looked at after every epoch.",
    "learning_rate": "It is called lr here: fr.train(..., lr=0.05), or settings={'learning_rate': 0.05}.",
    "seeds": "Several seeds are a group of runs: fr.train_seeds(model, data, seeds=5).",
    "x": "Pass the data second: fr.train(model, (x, y)).",
    "y": "Pass the data second: fr.train(model, (x, y)).",
}


def with_keras_arguments(given: Mapping[str, Any], data: Any, validation: Any, log: Log) -> tuple[Any, Any]:
    """Return data and validation as arguments of ``model.fit`` change them.

    Args:
        given: by name; None means as in Keras that it is not given.
        data: to train on.
        validation: as `train` takes it.
        log: takes one line where a choice was made.

    Raises:
        UsageError: an argument that has no meaning here, or is unknown.
    """
    asked = {name: value for name, value in given.items() if value is not None and not _says_nothing(name, value)}
    for name, value in asked.items():
        if name not in TAKEN:
            raise UsageError(_refusal(name, value))
    chosen = [name for name in TAKEN if name in asked]
    if len(chosen) + (validation is not None) > 1:
        raise UsageError(f"Expected one of validation, {' and '.join(TAKEN)}, received several.")
    if "validation_data" in chosen:
        return data, asked["validation_data"]
    return _split_last(data, asked["validation_split"], log) if chosen else (data, validation)


def _says_nothing(name: str, value: Any) -> bool:
    return isinstance(value, int | float) and value in AS_HERE.get(name, ())


def _refusal(name: str, value: Any) -> str:
    if name in REMEDIES:
        shown = f"={value!r}" if isinstance(value, str | int | float) else ""
        return f"{name}{shown} is not taken here. {REMEDIES[name]}"
    own = "recipe settings epochs batch_size lr device seed validation callbacks track name out data_dir onnx log"
    known = (*own.split(), "on_progress", *REMEDIES)
    return f"fr.train takes no '{name}'. {suggest(name, known)}"


def _split_last(data: Any, share: Any, log: Log) -> tuple[Any, Any]:
    """Hold out the last share of the images, before anything is shuffled, as Keras does."""
    if not isinstance(share, float) or not 0 < share < 1:
        raise UsageError(f"validation_split: expected a share between 0 and 1, received {share!r}.")
    images, labels = accept_pair(data, "training", audible(log))
    at = math.floor(len(labels) * (1 - share))
    if not 0 < at < len(labels):
        raise UsageError(
            f"validation_split: {share} of {counted(len(labels), 'image')} leaves none to train or to validate on."
        )
    held = images[at:], labels[at:]
    if isinstance(data, Dataset):
        return replace(data, train=data.train.take(np.arange(at))), held
    return (images[:at], labels[:at]), held
