"""Keras callbacks, called as ``model.fit`` calls them, with effects that are real on our own loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from fittingroom.errors import UsageError
from fittingroom.files import atomic_write
from fittingroom.progress import Log, no_log
from fittingroom.training.live_settings import LiveSettings
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.recipe import Recipe
    from fittingroom.training.step import Session

WITHOUT_KERAS_MODEL = ("CSVLogger", "History", "LambdaCallback", "ProgbarLogger", "TerminateOnNaN")
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
TEST_BATCH_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
AT_BATCHES = (
    "LambdaCallback",
    "ProgbarLogger",
)  # of Keras's own; the others need none, or are looked after by the loop
COMPILED_ATTRIBUTES = ("optimizer", "loss", "compiled", "_compile_loss", "_compile_metrics", "_loss_tracker")
KERAS_CLASSES = {"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "muon": "Muon"}
SET_AT_BEGIN = ("append", "append_header")  # by a CSVLogger, as it finds its file
TRACES_FOR_BATCHES = 3  # a callback that changes settings at batches is followed so many times, then the step is eager
PLAIN = (int, float, str, bool, type(None))


class CallbackRunner:
    """Callbacks, checked, and the model that they work on; their hooks are called when and as ``model.fit`` does.

    Args:
        callbacks: instances of ``keras.callbacks.Callback``.
        session: the training they watch.
        probabilities: the model gives probabilities rather than logits.
        log: told where what a callback changes cannot be followed by tracing anew.

    Attributes:
        at_batches: those that want to be called before and after every batch.
        at_test_batches: likewise for batches of the held-out images.

    Raises:
        UsageError: one that is no callback, or needs what is not there.
    """

    def __init__(self, callbacks: Any, session: Session, *, probabilities: bool, log: Log = no_log) -> None:
        functional = session.functional
        self.callbacks, self.session = callback_list(callbacks), session
        for callback in self.callbacks:
            check(callback, functional)
        self.model = functional.model if functional.is_keras else ModuleForCallbacks(functional.model)
        self.at_batches = [callback for callback in self.callbacks if _at_batches(callback, BATCH_HOOKS)]
        self.at_test_batches = [callback for callback in self.callbacks if _at_batches(callback, TEST_BATCH_HOOKS)]
        self._follower = Follower(session, log)
        self._last_logs: dict[str, Any] = {}
        self._borrowed: dict[str, Any] = {}  # attributes, as they were, of a model compiled for the callbacks' sake
        if self.callbacks and functional.is_keras and not session.owns_rate:
            self._borrowed = {name: getattr(self.model, name, None) for name in COMPILED_ATTRIBUTES}
            _compile(self.model, session.recipe, probabilities)

    @property
    def stopping(self) -> bool:
        """Whether a callback wants the training to end."""
        return bool(self.model.stop_training)

    @property
    def changed(self) -> list[str]:
        """The names of the settings that callbacks have changed since training began."""
        return self._follower.names

    def begin(self, steps: int, *, epochs_done: int | None) -> None:
        """Tell the callbacks that training begins.

        Args:
            steps: batches in an epoch.
            epochs_done: by the checkpoint that it goes on from; None where it begins anew.
        """
        self.model.stop_training = False
        self._last_logs = {}
        for callback in self.callbacks:
            if epochs_done is not None and type(callback).__name__ == "CSVLogger":
                callback.append = True  # it would empty the file that it is to go on with
                drop_rows(Path(callback.filename), callback.sep, epochs_done)
            callback.set_model(self.model)
            callback.set_params({"verbose": 0, "epochs": self.session.recipe.epochs, "steps": steps})
        self._call("on_train_begin", {}, step=0)
        self.changed.clear()  # what changes here does so again when a run is resumed

    def epoch_begin(self, epoch: int, step: int) -> None:
        """Tell the callbacks that an epoch begins, and take over what one of them sets.

        Args:
            epoch: counted from 0, as Keras does.
            step: its first, counted from 0 over the whole training.
        """
        self._call("on_epoch_begin", epoch, {}, step=step)
        if self.at_batches:
            self.model.train()

    def epoch_end(self, epoch: int, logs: dict[str, Any], step: int) -> bool:
        """Tell the callbacks that an epoch has ended, and return whether one of them wants to stop.

        Args:
            epoch: counted from 0, as Keras does.
            logs: loss, accuracy, val_loss, val_accuracy and what else was measured.
            step: the epoch's first.
        """
        self._last_logs = logs
        self._call("on_epoch_end", epoch, logs, step=step)
        return self.stopping

    def batch_begin(self, batch: int, step: int) -> None:
        """Tell those that want to know it that a batch begins.

        Args:
            batch: counted from 0 in this epoch.
            step: the same, counted from 0 over the whole training.
        """
        self._call("on_train_batch_begin", batch, {}, step=step, callbacks=self.at_batches)

    def batch_end(self, batch: int, logs: dict[str, Any], step: int) -> None:
        """Tell those that want to know it that a batch has ended.

        Args:
            batch: counted from 0 in this epoch.
            logs: loss, accuracy and metrics of the epoch's images so far.
            step: the same, counted from 0 over the whole training.
        """
        self._call("on_train_batch_end", batch, logs, step=step, callbacks=self.at_batches)

    def test_begin(self, step: int) -> None:
        """Tell the callbacks that the held-out images will be looked at.

        Args:
            step: the epoch's first.
        """
        self._call("on_test_begin", {}, step=step)

    def test_batches(self, logs: Iterator[dict[str, Any]], step: int) -> None:
        """Tell those that want to know it of the batches of held-out images; they were all looked at just now.

        Args:
            logs: loss, accuracy and metrics of the images up to each batch.
            step: the epoch's first.
        """
        self.model.train(False)
        for batch, values in enumerate(logs):
            self._call("on_test_batch_begin", batch, {}, step=step, callbacks=self.at_test_batches)
            self._call("on_test_batch_end", batch, values, step=step, callbacks=self.at_test_batches)

    def test_end(self, logs: dict[str, Any], step: int) -> None:
        """Tell the callbacks that the held-out images were looked at.

        Args:
            logs: loss, accuracy and metrics.
            step: the epoch's first.
        """
        self._call("on_test_end", logs, step=step)

    def end(self) -> None:
        """Tell the callbacks that training has ended; a Keras optimiser puts its averages in the weights' place.

        They are told the logs of the last epoch, as `fit` tells them; nothing where this call trained none.
        """
        if self.session.owns_rate:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        if self.callbacks:
            self.model.train(False)
        for callback in self.callbacks:
            callback.on_train_end(self._last_logs)

    def give_back(self) -> None:
        """Leave the model uncompiled where it was so before."""
        for name, value in self._borrowed.items():
            setattr(self.model, name, value)

    def _call(self, hook: str, *arguments: Any, step: int, callbacks: list[Any] | None = None) -> None:
        """Call a hook of some callbacks, as a rule of all, and take over what they change."""
        called = self.callbacks if callbacks is None else callbacks
        called = [callback for callback in called if _may_do_something(callback, hook)]
        if not called:
            return
        at_batch = "_batch_" in hook
        if not at_batch:
            self.model.train(False)  # as fit has it between its batches
        follows = any(_may_change_settings(callback) for callback in called)
        with self._rate(step), self._follower.following(at_batch=at_batch) if follows else nullcontext():
            before = self._compiled_with() if follows else None
            for callback in called:
                if at_batch:  # so does fit, by position and by name
                    getattr(callback, hook)(arguments[0], logs=arguments[1])
                else:
                    getattr(callback, hook)(*arguments)
            if follows and before != (now := self._compiled_with()):
                self._refuse(hook, before, now)

    @contextmanager
    def _rate(self, step: int) -> Iterator[None]:
        """Where callbacks change the learning rate, keep the change as a factor on the recipe's schedule."""
        if not self._borrowed:
            yield
            return
        optimizer = self.model.optimizer
        optimizer.learning_rate = self.session.learning_rate(step)
        before = float(optimizer.learning_rate)
        yield
        after = float(optimizer.learning_rate)
        scheduled = self.session.rate(step)
        if after != before and scheduled > 0:
            self.session.rate_factor = after / scheduled

    def _compiled_with(self) -> dict[str, Any]:
        """Return what callbacks may not exchange while a training is under way, by the words to refuse it with."""
        if not self.session.functional.is_keras:
            return {}
        model = self.model
        fixed: dict[str, Any] = {"compiled the model anew": (id(model._compile_loss), id(model._compile_metrics))}
        if self._borrowed:
            config = {name: value for name, value in vars(model.optimizer).items() if isinstance(value, PLAIN)}
            fixed["exchanged the optimiser"] = (id(model.optimizer), id(model.optimizer._learning_rate))
            fixed |= {f"set the optimiser's {name} to {value}": value for name, value in config.items()}
        return fixed

    def _refuse(self, hook: str, before: Any, now: dict[str, Any]) -> NoReturn:
        words = next(
            (words for words, value in now.items() if before.get(words, now) != value), "changed the optimiser"
        )
        of_recipe = (
            "Of a recipe's optimiser callbacks can set the learning rate alone; compile the model before training, and "
            "its own optimiser is used."
        )
        raise UsageError(
            f"A callback {words} in {hook}, which the training under way cannot follow. "
            f"{of_recipe if self._borrowed else 'Train twice instead.'}"
        )

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


class Follower:
    """Has a training follow what callbacks change.

    Args:
        session: the training.
        log: told where it cannot be followed by tracing anew.

    Attributes:
        names: of what was changed so far.
    """

    def __init__(self, session: Session, log: Log) -> None:
        self.session, self.log = session, log
        self.names: list[str] = []
        self._at_batches = 0
        self._standing: LiveSettings | None = None

    @contextmanager
    def following(self, *, at_batch: bool) -> Iterator[None]:
        """Compare all settings before and after the block, and trace anew where one has changed.

        Args:
            at_batch: the block is run at every batch, where tracing anew each time would not pay.
        """
        before = (self._standing if at_batch else None) or LiveSettings(self.session.functional)
        yield
        name = before.changed()
        self._standing = before if at_batch and name is None else None
        if name is not None:
            self._follow(name, at_batch)
        elif not before.complete and self.session.traces:
            self.log("Training without a trace: the model leads to too much for a callback's changes to be noticed.")
            self.session.renew(trace=False)

    def _follow(self, name: str, at_batch: bool) -> None:
        if name not in self.names:
            self.names.append(name)
        self._at_batches += at_batch
        pays = self._at_batches <= TRACES_FOR_BATCHES
        if not pays and self.session.traces:
            self.log(f"Training without a trace: a callback changes {name} between batches.")
        self.session.renew(trace=pays)


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


class ModuleForCallbacks:
    """A torch module as callbacks see it: itself, with ``stop_training`` beside it."""

    def __init__(self, module: Any) -> None:
        vars(self).update(_module=module, stop_training=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_module"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "stop_training":
            vars(self)[name] = value
        else:
            setattr(self._module, name, value)

    def __getitem__(self, index: Any) -> Any:
        return self._module[index]

    def __call__(self, *inputs: Any) -> Any:
        """Run the module."""
        return self._module(*inputs)


def callback_list(callbacks: Any) -> list[Any]:
    """Return callbacks as a list: of one, of several, of a ``CallbackList``, of None.

    Example:
        >>> callback_list(None), callback_list(()), callback_list(["a", ("b",)])
        ([], [], ['a', 'b'])
    """
    import keras

    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return [part for each in callbacks for part in callback_list(each)] if _is_several(callbacks) else [callbacks]


def _is_several(callbacks: Any) -> bool:
    return isinstance(callbacks, list | tuple | set | Iterator)


def check(callback: Any, functional: FunctionalModel) -> None:
    """Raise where a callback cannot do its work here.

    Raises:
        UsageError: names the callback, the reason and what to do.
    """
    import keras

    name = type(callback).__name__
    if not isinstance(callback, keras.callbacks.Callback):
        kind = f"the class {callback.__name__}; make one: {callback.__name__}()" if isinstance(callback, type) else name
        raise UsageError(f"Expected Keras callbacks, received {kind}.")
    ships_with_keras = _ships_with_keras(callback)
    if name == "TensorBoard" and find_spec("tensorflow") is None:
        raise UsageError("Callback TensorBoard needs TensorFlow, which is not installed. Use CSVLogger instead.")
    if name == "BackupAndRestore":
        raise UsageError("Callback BackupAndRestore is not needed: every run keeps its own checkpoint; use --resume.")
    if not functional.is_keras and ships_with_keras and name not in WITHOUT_KERAS_MODEL:
        raise UsageError(f"Callback {name} needs a Keras model, and this one is a plain torch module.")
    if isinstance(callback, keras.callbacks.SwapEMAWeights) and not _averages(functional.model):
        raise UsageError(
            f"Callback {name} needs a model compiled with an optimiser that has use_ema=True. In a recipe it is "
            "averaging='ema', without a callback."
        )


def _averages(model: Any) -> bool:
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return any(getattr(each, "use_ema", False) for each in getattr(optimizer, "optimizers", [optimizer]))


def _ships_with_keras(callback: Any) -> bool:
    return type(callback).__module__.startswith("keras.")


def _may_do_something(callback: Any, hook: str) -> bool:
    """Say whether a callback's class, or the callback itself as a LambdaCallback, has a hook of its own."""
    short = hook.replace("_train_", "_") if "_train_batch_" in hook else hook  # Keras's default calls the short one
    return any(_overrides(callback, name) for name in {hook, short})


def _may_change_settings(callback: Any) -> bool:
    """Say whether a callback may change a layer's or an optimiser's settings; Keras's own change only the rate."""
    return not _ships_with_keras(callback) or type(callback).__name__ == "LambdaCallback"


def _at_batches(callback: Any, hooks: tuple[str, ...]) -> bool:
    wants = (
        not _ships_with_keras(callback)
        or type(callback).__name__ in AT_BATCHES
        or getattr(callback, "save_freq", "epoch") != "epoch"  # a ModelCheckpoint
    )
    return wants and any(_overrides(callback, hook) for hook in hooks)


def _overrides(callback: Any, hook: str) -> bool:
    import keras

    function = getattr(callback, hook)
    return getattr(function, "__func__", function) is not getattr(keras.callbacks.Callback, hook)


def _compile(model: Any, recipe: Recipe, probabilities: bool) -> None:
    """Compile a model with what the recipe means, for callbacks to look at; our own update does the work."""
    import keras

    optimizer = getattr(keras.optimizers, KERAS_CLASSES[recipe.optimizer])(learning_rate=resolved(recipe).learning_rate)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not probabilities)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    model._compile_metrics.build(torch.zeros(2, dtype=torch.int64), torch.full((2, 2), 0.5))
