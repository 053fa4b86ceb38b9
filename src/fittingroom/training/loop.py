"""The loop over epochs and batches: order, validation, history, callbacks, checkpoints, and every way to stop."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from fittingroom.arrays import Array
from fittingroom.errors import Interrupted, RunError, TrainingError
from fittingroom.processes import STOPS
from fittingroom.progress import Log, OnProgress, Progress, no_log, no_progress
from fittingroom.training.batching import TrainingData, batches
from fittingroom.training.checkpoint import Checkpoint, group, grouped
from fittingroom.training.losses import predicted_labels
from fittingroom.training.snapshots import is_due

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from fittingroom.training.callbacks import CallbackRunner
    from fittingroom.training.recipe import Recipe
    from fittingroom.training.step import Session

Line = dict[str, Any]


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained on, and how.

    Attributes:
        images: uint8 ``(n, h, w)``.
        labels: whole numbers ``(n,)``.
        recipe: how.
        seed: of shuffling, augmentation and dropout; the weights are the model's own when it comes.
        validation: images and labels to look at after every epoch, or None.
        callbacks: Keras callbacks.
        facts: what a run and its checkpoints remember of data and model besides.
    """

    images: Array
    labels: Array
    recipe: Recipe
    seed: int = 0
    validation: tuple[Array, Array] | None = None
    callbacks: Sequence[Any] = ()
    facts: Line = field(default_factory=dict)


@dataclass(frozen=True)
class Hooks:
    """Where what happens goes; by default nowhere.

    Attributes:
        log: takes one line for the user.
        on_progress: takes the progress, about twenty times an epoch.
        on_epoch: takes one line of the history an epoch.
        save: takes a checkpoint, or None to make none.
        snapshot: takes how many steps have been taken, how many epochs these are, and the weights to look at later,
            see `fittingroom.training.snapshots`; None to take none.
    """

    log: Log = no_log
    on_progress: OnProgress = no_progress
    on_epoch: Callable[[Line], None] = lambda _: None
    save: Callable[[Checkpoint], None] | None = None
    snapshot: Callable[[int, float, Sequence[Tensor]], None] | None = None


@dataclass
class LoopState:
    """Where a training stands.

    Attributes:
        epoch: under way, counted from 1.
        step: the next in this epoch, counted from 0.
        seconds: already spent in this epoch.
        history: one line for each epoch that is over.
        stopped: why training ended before its last epoch; None while it did not.
        tensors: what was recorded in this epoch before it was interrupted.
    """

    epoch: int = 1
    step: int = 0
    seconds: float = 0.0
    history: list[Line] = field(default_factory=list)
    stopped: str | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)


class Record:
    """Losses and outputs of the steps of one epoch, in order.

    Attributes:
        labels: of the epoch's images in the order in which they are seen, int64 ``(n,)``.
        losses: one tensor without axes a step.
        outputs: one tensor ``(batch, c)`` a step.
        images: how many images those steps have seen.
        measured: how many of those steps are in the owner's metrics already, where callbacks are told at batches.
    """

    def __init__(self, labels: Tensor, predicted: Callable[[Tensor], Tensor] | None = None) -> None:
        self.labels = labels
        self._predicted = predicted or predicted_labels(probabilities=False)
        self.losses: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.images = 0
        self.measured = 0
        self._loss_sum, self._summed = 0.0, 0
        self._right, self._counted = 0, 0

    def add(self, loss: Tensor, outputs: Tensor) -> None:
        """Keep what a step gave."""
        self.losses.append(loss)
        self.outputs.append(outputs)
        self.images += len(outputs)

    def first_not_finite(self, since: int) -> int | None:
        """Return the index of the first step, from ``since`` on, whose loss is not a finite number; None if all are."""
        if since >= len(self.losses):
            return None
        bad = torch.stack(self.losses[since:]).isfinite().logical_not().nonzero()
        return since + int(bad[0]) if len(bad) else None

    def loss(self) -> float:
        """Return the mean loss over the images seen, each batch weighted by its size."""
        fresh = self.losses[self._summed :]
        if fresh:
            sizes = [len(outputs) for outputs in self.outputs[self._summed :]]
            # one after the other in Python's floats: the sum is the same however often it is asked for on the way
            for loss, size in zip(torch.stack(fresh).tolist(), sizes, strict=True):
                self._loss_sum += loss * size
            self._summed = len(self.losses)
        return self._loss_sum / max(1, self.images)

    def accuracy(self) -> float:
        """Return the share of the images seen whose largest output was their label's."""
        fresh = self.outputs[self._counted :]
        if fresh:
            start = self.images - sum(len(outputs) for outputs in fresh)
            chosen = self._predicted(torch.cat(fresh))
            self._right += int((chosen == self.labels[start : self.images]).sum())
            self._counted = len(self.outputs)
        return self._right / max(1, self.images)

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors, for a checkpoint in the middle of an epoch."""
        if not self.losses:
            return {}
        sizes = torch.tensor([len(outputs) for outputs in self.outputs])
        return {"losses": torch.stack(self.losses), "outputs": torch.cat(self.outputs), "sizes": sizes}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what ``state`` returned."""
        if state:
            self.losses = list(state["losses"].unbind())
            sizes = state["sizes"].tolist()
            self.outputs = list(state["outputs"].split(sizes))  # type: ignore[no-untyped-call]
            self.images = len(state["outputs"])


@contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Hold back the first Ctrl-C (or SIGTERM) and give a function that says whether it came.

    A second one interrupts at once, as always. Outside the main thread, where Python delivers no signals, nothing is
    held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *STOPS)}

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        came.set()
        _put_back(before)

    for number in before:
        signal.signal(number, note)
    try:
        yield came.is_set
    finally:
        _put_back(before)


def _put_back(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


TICKS_AN_EPOCH = 20  # how often losses are read, checked for being finite, and shown


class Loop:
    """A training from some state to its end.

    Args:
        session: the parts of a step.
        runner: the callbacks.
        plan: its seed orders the images; its facts go into checkpoints.
        hooks: where results go.
        validation: the plan's, on the device.
        interrupted: says whether the user wants to stop.
    """

    def __init__(
        self,
        session: Session,
        runner: CallbackRunner,
        plan: TrainingPlan,
        hooks: Hooks,
        validation: TrainingData | None,
        interrupted: Callable[[], bool],
    ) -> None:
        self.session, self.runner, self.plan, self.hooks = session, runner, plan, hooks
        self.validation, self.interrupted = validation, interrupted

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.session.data.steps(self.session.recipe.batch_size)

    def train(self, checkpoint: Checkpoint | None = None) -> LoopState:
        """Train until the recipe's last epoch or until a callback stops it, and return where that is.

        Args:
            checkpoint: where to go on from, or None to begin.

        Raises:
            TrainingError: the loss is not finite, or memory or disk ran out.
            Interrupted: the user stopped it; the state is saved.
            RunError: the checkpoint is of another model or recipe.
        """
        try:
            self.runner.begin(self.steps, epochs_done=checkpoint.facts["epoch"] - 1 if checkpoint else None)
            state = self._restored(checkpoint) if checkpoint else LoopState()
            with torch.no_grad():
                if checkpoint is None:
                    self._snapshot(0)
                while state.epoch <= self.session.recipe.epochs and state.stopped is None:
                    self._epoch(state)
                self.session.averaging.finish()
                self._snapshot((state.epoch - 1) * self.steps, is_last=True)
            self.runner.end()
        finally:
            self.runner.give_back()
        return state

    def _epoch(self, state: LoopState) -> None:
        first = (state.epoch - 1) * self.steps
        if state.step == 0:
            self.runner.epoch_begin(state.epoch - 1, first)
        rate = self.session.learning_rate(first)
        self.session.remember()
        started = time.perf_counter() - state.seconds
        record = self._steps(state, first, started)
        logs: Line = {"loss": record.loss(), "accuracy": record.accuracy(), **self._measured(record)}
        try:
            logs |= self._validated(first)
        except Interrupted:
            self._stop(state, record, self.steps, started)
        seconds = time.perf_counter() - started
        self.hooks.on_progress(self._progress(state, record, seconds, logs))
        line = {"epoch": state.epoch, "seconds": seconds, "images": record.images, "learning_rate": rate, **logs}
        state.history.append(line)
        shown = {name: value for name, value in logs.items() if value is not None}
        if self.runner.epoch_end(state.epoch - 1, shown, first):
            state.stopped = f"a callback stopped it after epoch {state.epoch}"
        state.epoch, state.step, state.seconds = state.epoch + 1, 0, 0.0
        self._save(state, None)
        self.hooks.on_epoch(line)

    def _steps(self, state: LoopState, first: int, started: float) -> Record:
        """Take the steps that are left in this epoch."""
        session, batch_size = self.session, self.session.recipe.batch_size
        order = session.data.order(self.plan.seed, state.epoch)
        record = Record(session.data.labels.index_select(0, order), session.objective.predicted)
        record.load(state.tensors)
        state.tensors = {}
        labels = record.labels.split(batch_size)  # type: ignore[no-untyped-call]
        tick, checked = max(1, self.steps // TICKS_AN_EPOCH), state.step
        watched = bool(self.runner.at_batches) or self.runner.stopping  # fit looks at it after each batch only
        for step, rows in enumerate(batches(order, batch_size, state.step), state.step):
            if watched:
                self.runner.batch_begin(step, first + step)
            record.add(*session.take_step(rows, labels[step], state.epoch, first + step))
            self._snapshot(first + step + 1)
            last = step + 1 == self.steps
            if watched:
                last = self._told(record, step, first) or last
            stop = self.interrupted()
            if stop or (step + 1) % tick == 0 or last:
                self._check_finite(state, record, checked, first)
                checked = step + 1
                self._stop_if(stop and not last, state, record, checked, started)
                self.hooks.on_progress(self._progress(state, record, time.perf_counter() - started, {}))
            if last:
                break
        return record

    def _snapshot(self, step: int, *, is_last: bool = False) -> None:
        """Have the weights kept after a step where that is due: those that would be kept if training ended there."""
        if self.hooks.snapshot is None or not (is_last or is_due(step)):
            return
        with self.session.averaging.in_place():
            weights = [*self.session.flat.parameter_views, *self.session.functional.buffers]
            self.hooks.snapshot(step, step / self.steps, weights)

    def _told(self, record: Record, step: int, first: int) -> bool:
        """Tell callbacks that want to know it of a batch, and return whether one of them ends the epoch."""
        if self.runner.at_batches:
            logs = {"loss": record.loss(), "accuracy": record.accuracy(), **self._measured(record, record.measured)}
            record.measured = len(record.outputs)
            self.runner.batch_end(step, logs, first + step)
        return self.runner.stopping

    def _stop_if(self, stop: bool, state: LoopState, record: Record, step: int, started: float) -> None:
        if stop:  # not after the last step: the epoch is all but over, and validation looks again
            self._stop(state, record, step, started)

    def _stop(self, state: LoopState, record: Record, step: int, started: float) -> NoReturn:
        state.step, state.seconds = step, time.perf_counter() - started
        where = f"Stopped in epoch {state.epoch} after step {step} of {self.steps}"
        if self.hooks.save is None:
            raise Interrupted(f"{where}; nothing was saved, since there is no run folder.")
        self._save(state, record)
        raise Interrupted(f"{where}; all is saved.")

    def _check_finite(self, state: LoopState, record: Record, since: int, first: int) -> None:
        bad = record.first_not_finite(since)
        if bad is None:
            return
        rate = self.session.learning_rate(first + bad)
        self.session.roll_back()
        raise TrainingError(
            f"The loss is {float(record.losses[bad])} in epoch {state.epoch}, step {bad + 1} of {self.steps}, at a "
            f"learning rate of {rate:g}. Try a learning rate of {rate / 10:g}, or gradient_clip=1. "
            "The weights from before this epoch are kept."
        )

    def _measured(self, record: Record, since: int = 0) -> dict[str, Any]:
        """Return the owner's metrics of an epoch up to now; batches before ``since`` are in them already."""
        outputs = torch.cat(record.outputs[since:])
        labels = record.labels[record.images - len(outputs) : record.images]
        return self._metrics(outputs, labels, since == 0)

    def _metrics(self, outputs: Tensor, labels: Tensor, fresh: bool) -> dict[str, Any]:
        values = self.session.objective.metrics(outputs, labels, fresh)
        return {name: value for name, value in values.items() if name != "accuracy"}

    def _validated(self, first: int) -> dict[str, Any]:
        """Look at the validation images with the weights that would be kept."""
        if self.validation is None:
            return {"val_loss": None, "val_accuracy": None}
        self.runner.test_begin(first)
        try:
            with self.session.averaging.in_place():
                outputs, penalty = self.session.infer(self.validation.images, self._leave_if_interrupted)
        except Interrupted:
            self.runner.test_end({}, first)  # what a callback has exchanged for the test it puts back
            raise
        if self.runner.at_test_batches:
            self.runner.test_batches(self._batch_by_batch(outputs, penalty), first)
        labels = self.validation.labels
        objective = self.session.objective
        loss = objective.held_out(self.validation.images, outputs, labels)
        right = int((objective.predicted(outputs) == labels).sum()) / len(labels)  # Apple's GPU has no float64
        extra = self._metrics(outputs, labels, True)
        logs = {"loss": float(loss if penalty is None else loss + penalty), "accuracy": right, **extra}
        self.runner.test_end(dict(logs), first)
        return {f"val_{name}": value for name, value in logs.items()}

    def _batch_by_batch(self, outputs: Tensor, penalty: Tensor | None) -> Iterator[Line]:
        """Yield loss, accuracy and metrics of the validation images up to each batch of the training's size."""
        assert self.validation is not None
        size, objective, labels = self.session.recipe.batch_size, self.session.objective, self.validation.labels
        loss_sum, right = 0.0, 0
        for start in range(0, len(labels), size):
            rows = slice(start, start + size)
            some, theirs = outputs[rows], labels[rows]
            loss = objective.held_out(self.validation.images[rows], some, theirs)
            loss_sum += float(loss if penalty is None else loss + penalty) * len(some)
            right += int((objective.predicted(some) == theirs).sum())
            seen = start + len(some)
            yield {"loss": loss_sum / seen, "accuracy": right / seen, **self._metrics(some, theirs, start == 0)}

    def _leave_if_interrupted(self) -> None:
        if self.interrupted():
            raise Interrupted("Stopped while looking at the validation images.")

    def _progress(self, state: LoopState, record: Record, seconds: float, logs: Line) -> Progress:
        return Progress(
            state.epoch,
            self.session.recipe.epochs,
            record.images,
            len(self.session.data),
            seconds,
            record.loss(),
            record.accuracy(),
            logs.get("val_loss"),
            logs.get("val_accuracy"),
            done=bool(logs),
        )

    def _save(self, state: LoopState, record: Record | None) -> None:
        if self.hooks.save is None:
            return
        groups = {"random": self.session.random_states(), "callbacks": self.runner.tensors()}
        tensors = self.session.tensors() | grouped(groups | {"record": record.state() if record else {}})
        facts = {
            **self.plan.facts,
            "recipe": self.plan.recipe.as_dict(),
            "seed": self.plan.seed,
            "epoch": state.epoch,
            "step": state.step,
            "seconds": state.seconds,
            "history": list(state.history),
            "stopped": state.stopped,
            "rate_factor": self.session.rate_factor,
            "callbacks": self.runner.facts(),
            "changed": list(self.runner.changed),
        }
        self.hooks.save(Checkpoint(tensors, facts))

    def _restored(self, checkpoint: Checkpoint) -> LoopState:
        facts, tensors = checkpoint.facts, dict(checkpoint.tensors)
        if facts.get("changed"):
            raise RunError(
                f"A callback had changed {', '.join(facts['changed'])} before this run was stopped, and a checkpoint "
                "does not keep settings of layers and optimisers: going on would give another model. Train anew."
            )
        callbacks = group(tensors, "callbacks")
        self.session.restore({name: value for name, value in tensors.items() if not name.startswith("callbacks/")})
        self.session.rate_factor = facts["rate_factor"]
        self.runner.restore(facts["callbacks"], callbacks)
        record = group(tensors, "record")
        return LoopState(
            facts["epoch"], facts["step"], facts["seconds"], list(facts["history"]), facts["stopped"], record
        )
