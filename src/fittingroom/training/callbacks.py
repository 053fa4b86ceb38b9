"""Keras callbacks at the level of epochs, with effects that are real on our own loop."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from fittingroom.errors import UsageError
from fittingroom.files import atomic_write
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.training.recipe import Recipe
    from fittingroom.training.step import Session

WITHOUT_KERAS_MODEL = ("CSVLogger", "History", "LambdaCallback", "TerminateOnNaN")
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
TEST_HOOKS = tuple(
    f"on_{kind}_{when}" for kind in ("test", "test_batch", "predict", "predict_batch") for when in ("begin", "end")
)
COMPILED_ATTRIBUTES = ("optimizer", "loss", "compiled", "_compile_loss", "_compile_metrics", "_loss_tracker")
KERAS_CLASSES = {"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "muon": "Muon"}
SET_AT_BEGIN = ("append", "append_header")  # by a CSVLogger, as it finds its file
PLAIN = (int, float, str, bool, type(None))


class CallbackRunner:
    """Callbacks, checked, and the model that they work on.

    Args:
        callbacks: instances of ``keras.callbacks.Callback``.
        session: the training they watch.
        probabilities: the model gives probabilities rather than logits.

    Raises:
        UsageError: one that is no callback, needs what is not there, or wants to be called where none is.
    """

    def __init__(self, callbacks: Sequence[Any], session: Session, *, probabilities: bool) -> None:
        functional = session.functional
        for callback in callbacks:
            check(callback, is_keras=functional.is_keras)
        self.callbacks, self.session = callbacks, session
        self.model = functional.model if functional.is_keras else SimpleNamespace(stop_training=False)
        self._borrowed: dict[str, Any] = {}  # attributes, as they were, of a model compiled for the callbacks' sake
        if callbacks and functional.is_keras and not session.owns_rate:
            self._borrowed = {name: getattr(self.model, name, None) for name in COMPILED_ATTRIBUTES}
            _compile(self.model, session.recipe, probabilities)

    def begin(self, *, epochs_done: int | None) -> None:
        """Tell the callbacks that training begins.

        Args:
            epochs_done: by the checkpoint that it goes on from; None where it begins anew.
        """
        self.model.stop_training = False
        for callback in self.callbacks:
            if epochs_done is not None and type(callback).__name__ == "CSVLogger":
                callback.append = True  # it would empty the file that it is to go on with
                drop_rows(Path(callback.filename), callback.sep, epochs_done)
            callback.set_model(self.model)
            callback.on_train_begin()

    def epoch_begin(self, epoch: int, step: int) -> None:
        """Tell the callbacks that an epoch begins, and take over a learning rate that one of them sets.

        Args:
            epoch: counted from 0, as Keras does.
            step: its first, counted from 0 over the whole training.
        """
        self._watch_rate("on_epoch_begin", epoch, {}, step)

    def epoch_end(self, epoch: int, logs: dict[str, Any], step: int) -> bool:
        """Tell the callbacks that an epoch has ended, and return whether one of them wants to stop.

        Args:
            epoch: counted from 0, as Keras does.
            logs: loss, accuracy, val_loss, val_accuracy and what else was measured.
            step: the epoch's first.
        """
        self._watch_rate("on_epoch_end", epoch, logs, step)
        return bool(self.model.stop_training)

    def end(self, logs: dict[str, Any]) -> None:
        """Tell the callbacks that training has ended; a Keras optimiser puts its averages in the weights' place."""
        if self.session.owns_rate:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def give_back(self) -> None:
        """Leave the model uncompiled where it was so before."""
        for name, value in self._borrowed.items():
            setattr(self.model, name, value)

    def _watch_rate(self, hook: str, epoch: int, logs: dict[str, Any], step: int) -> None:
        """Call a hook; where it changes the learning rate, keep the change as a factor on the recipe's schedule."""
        if self.session.owns_rate or not self._borrowed:
            self._call(hook, epoch, logs)
            return
        optimizer = self.model.optimizer
        optimizer.learning_rate = self.session.learning_rate(step)
        before = float(optimizer.learning_rate)
        self._call(hook, epoch, logs)
        after = float(optimizer.learning_rate)
        if after != before and before > 0:
            self.session.rate_factor *= after / before

    def _call(self, hook: str, epoch: int, logs: dict[str, Any]) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(epoch, logs)

    def facts(self) -> list[dict[str, Any]]:
        """Return each callback's plain attributes, for a checkpoint."""
        return [
            {name: value for name, value in vars(callback).items() if is_plain(value) and name not in SET_AT_BEGIN}
            for callback in self.callbacks
        ]

    def tensors(self) -> dict[str, Tensor]:
        """Return the arrays that callbacks hold, such as EarlyStopping's best weights, for a checkpoint."""
        return {
            f"{index}/{name}/{part:06d}": torch.from_numpy(np.ascontiguousarray(array))
            for index, callback in enumerate(self.callbacks)
            for name, value in vars(callback).items()
            if isinstance(value, list) and value and all(isinstance(array, np.ndarray) for array in value)
            for part, array in enumerate(value)
        }

    def restore(self, facts: list[dict[str, Any]], tensors: dict[str, Tensor]) -> None:
        """Take up what ``facts`` and ``tensors`` returned, after ``begin``.

        Raises:
            UsageError: there are now more or fewer callbacks.
        """
        if len(facts) != len(self.callbacks):
            raise UsageError(
                f"The run was begun with {len(facts)} callbacks and is resumed with {len(self.callbacks)}. "
                "Pass the same ones."
            )
        for callback, values in zip(self.callbacks, facts, strict=True):
            vars(callback).update(values)
        lists: dict[tuple[int, str], list[Any]] = {}
        for key in sorted(tensors):
            index, name, _ = key.split("/")
            lists.setdefault((int(index), name), []).append(tensors[key].numpy())
        for (number, name), arrays in lists.items():
            setattr(self.callbacks[number], name, arrays)


def is_plain(value: Any) -> bool:
    """Say whether a callback's attribute can be kept as JSON and comes back as it was.

    Example:
        >>> is_plain({"loss": [0.5, 0.4]}), is_plain((1, 2))
        (True, False)
    """
    if type(value) is list:
        return all(is_plain(part) for part in value)
    if type(value) is dict:
        return all(type(key) is str and is_plain(part) for key, part in value.items())
    return type(value) in PLAIN


def drop_rows(path: Path, separator: str, epochs_done: int) -> None:
    """Drop the last rows of a CSVLogger's file that are of epochs which will be trained again after a kill.

    Args:
        path: of the file; nothing is done where there is none.
        separator: of its columns, of which the first is the epoch, counted from 0.
        epochs_done: whose rows are kept.
    """
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    kept = list(lines)
    while len(kept) > 1 and not _is_of_epoch_before(kept[-1].split(separator)[0], epochs_done):
        kept.pop()
    if kept != lines:
        atomic_write(path, "".join(kept))


def _is_of_epoch_before(word: str, epochs_done: int) -> bool:
    return word.isdigit() and int(word) < epochs_done


def check(callback: Any, *, is_keras: bool) -> None:
    """Raise where a callback cannot do its work here.

    Raises:
        UsageError: names the callback, the reason and what to do.
    """
    import keras

    name = type(callback).__name__
    if not isinstance(callback, keras.callbacks.Callback):
        raise UsageError(f"Expected Keras callbacks, received {name}.")
    ships_with_keras = type(callback).__module__.startswith("keras.")
    if name == "TensorBoard" and find_spec("tensorflow") is None:
        raise UsageError("Callback TensorBoard needs TensorFlow, which is not installed. Use CSVLogger instead.")
    if name == "BackupAndRestore":
        raise UsageError("Callback BackupAndRestore is not needed: every run keeps its own checkpoint; use --resume.")
    if not is_keras and ships_with_keras and name not in WITHOUT_KERAS_MODEL:
        raise UsageError(f"Callback {name} needs a Keras model, and this one is a plain torch module.")
    if getattr(callback, "save_freq", "epoch") != "epoch":
        raise UsageError(f"Callback {name}: save_freq='epoch' is supported, received {callback.save_freq!r}.")
    unheard = [hook for hook in TEST_HOOKS if not ships_with_keras and _overrides(callback, hook)]
    if unheard:
        raise UsageError(
            f"Callback {name} has {unheard[0]}, which is never called here: validation is part of an epoch. Look at "
            "val_loss and val_accuracy in on_epoch_end."
        )
    if not ships_with_keras and any(_overrides(callback, hook) for hook in BATCH_HOOKS):
        raise UsageError(f"Callback {name} wants to be called at every batch; here callbacks are called once an epoch.")


def _overrides(callback: Any, hook: str) -> bool:
    import keras

    return getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)


def _compile(model: Any, recipe: Recipe, probabilities: bool) -> None:
    """Compile a model with what the recipe means, for callbacks to look at; our own update does the work."""
    import keras

    optimizer = getattr(keras.optimizers, KERAS_CLASSES[recipe.optimizer])(learning_rate=resolved(recipe).learning_rate)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not probabilities)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    model._compile_metrics.build(torch.zeros(2, dtype=torch.int64), torch.full((2, 2), 0.5))
