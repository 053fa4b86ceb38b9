"""The loop over epochs and batches: order, validation, history, callbacks, checkpoints, and every way to stop."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from fittingroom.errors import FittingRoomError, Interrupted, RunError, TrainingError
from fittingroom.processes import STOPS
from fittingroom.progress import Progress
from fittingroom.training.batching import ImagesInFile, TrainingData, batches
from fittingroom.training.checkpoint import Checkpoint, group, grouped
from fittingroom.training.record import Record, summed
from fittingroom.training.snapshots import is_due

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import FrameType

    from fittingroom.training.callbacks import CallbackRunner
    from fittingroom.training.plan import Hooks, Line, TrainingPlan
    from fittingroom.training.step import Session


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
MOST_KEPT = 1 << 26  # numbers of an epoch's outputs that are kept to its end: 6.7 million images of ten classes
MOST_AT_ONCE = 1 << 23  # and otherwise until they are counted
ASKED_EVERY = 16  # steps, after which several ranks ask each other whether one of them is to stop


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
        self.validation, self.interrupted, self.ranks = validation, interrupted, session.ranks

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
            if self.ranks is not None:
                self.ranks.spread(self.session.tensors().values())
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
        if self.ranks is not None:
            self.ranks.seed_own_layers(self.plan.seed, state.epoch)
        rate = self.session.learning_rate(first)
        self.session.remember()
        started = time.perf_counter() - state.seconds
        record = self._steps(state, first, started)
        logs: Line = {"loss": record.loss(), "accuracy": record.accuracy(), **self._measured(record)}
        try:
            logs |= self._looked(first)
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

    @property
    def _counts_on_the_way(self) -> bool:
        """Whether an epoch has more outputs than are kept; the metrics of a compiled model are of them all."""
        return not self.session.owns_rate and len(self.session.data) * self.session.outputs > MOST_KEPT

    def _steps_a_tick(self) -> int:
        often = self.steps // TICKS_AN_EPOCH
        if self._counts_on_the_way:
            often = min(often, MOST_AT_ONCE // (self.session.recipe.batch_size * self.session.outputs))
        return max(1, often)

    def _record(self, state: LoopState, labels: Tensor) -> Record:
        """Return what this epoch's steps are written to, with those of before an interruption in it."""
        session, predicted = self.session, self.session.objective.predicted
        kept, state.tensors = state.tensors, {}
        if self.ranks is None and not self._counts_on_the_way and "sums" not in kept:
            record = Record(labels, predicted)
            record.load(kept)
            return record
        size = session.recipe.batch_size
        to_come = labels[state.step * size :]
        if self.ranks is not None:
            to_come = self.ranks.own_labels(to_come, size)
        record = Record(to_come, predicted, first=state.step, ranks=self.ranks, sums_only=not session.owns_rate)
        record.load(summed(kept, labels, predicted))
        return record

    def _steps(self, state: LoopState, first: int, started: float) -> Record:
        """Take the steps that are left in this epoch."""
        session, batch_size = self.session, self.session.recipe.batch_size
        order = session.data.order(self.plan.seed, state.epoch)
        ordered = session.data.labels.index_select(0, order)
        record, labels = self._record(state, ordered), ordered.split(batch_size)  # type: ignore[no-untyped-call]
        tick, checked = self._steps_a_tick(), state.step
        watched = bool(self.runner.at_batches) or self.runner.stopping  # fit looks at it after each batch only
        with self._reading_ahead(order, batch_size, state.step):
            for step, rows in enumerate(batches(order, batch_size, state.step), state.step):
                if watched:
                    self.runner.batch_begin(step, first + step)
                record.add(*session.take_step(rows, labels[step], state.epoch, first + step), len(rows))
                self._snapshot(first + step + 1)
                last = step + 1 == self.steps
                if watched:
                    last = self._told(record, step, first) or last
                at_tick = (step + 1) % tick == 0 or last
                stop = self._asked_to_stop(step, at_tick)
                if stop or at_tick:
                    self._check_finite(state, record, checked, first)
                    checked = step + 1
                    self._stop_if(stop and not last, state, record, checked, started)
                    self.hooks.on_progress(self._progress(state, record, time.perf_counter() - started, {}))
                if last:
                    break
        return record

    def _reading_ahead(self, order: Tensor, batch_size: int, step: int) -> AbstractContextManager[None]:
        images = self.session.data.images
        if not isinstance(images, ImagesInFile):
            return nullcontext()
        return images.ahead(self.session.reads(rows) for rows in batches(order, batch_size, step))

    def _asked_to_stop(self, step: int, at_tick: bool) -> bool:
        """Say whether the user wants to stop; several ranks stop after the same step."""
        if self.ranks is None:
            return self.interrupted()
        return (at_tick or (step + 1) % ASKED_EVERY == 0) and self.ranks.any(self.interrupted())

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
        self._save(state, record)
        if self.hooks.save is None:
            raise self._of_all(Interrupted(f"{where}; nothing was saved, since there is no run folder."))
        raise self._of_all(Interrupted(f"{where}; all is saved."))

    def _of_all(self, error: FittingRoomError) -> FittingRoomError:
        """Return an error that every rank raises here, as this one is to raise it."""
        return error if self.ranks is None else self.ranks.agreed(error)

    def _check_finite(self, state: LoopState, record: Record, since: int, first: int) -> None:
        bad = record.first_not_finite(since)
        loss, where = None if bad is None else record.loss_at(bad), ""
        if self.ranks is not None:
            bad, loss, where = self._first_of_ranks(bad, loss)
        if bad is None:
            return
        rate = self.session.learning_rate(first + bad)
        self.session.roll_back()
        raise self._of_all(
            TrainingError(
                f"The loss is {loss} in epoch {state.epoch}, step {bad + 1} of {self.steps}{where}, at a "
                f"learning rate of {rate:g}. Try a learning rate of {rate / 10:g}, or gradient_clip=1. "
                "The weights from before this epoch are kept."
            )
        )

    def _first_of_ranks(self, bad: int | None, loss: float | None) -> tuple[int | None, float | None, str]:
        """Return the first step whose loss is not finite on any rank, that loss, and on which rank in words."""
        assert self.ranks is not None
        if not self.ranks.any(bad is not None):
            return None, None, ""
        found = [(step, rank, value) for rank, (step, value) in enumerate(self.ranks.gathered((bad, loss)))]
        step, rank, value = min((each for each in found if each[0] is not None), key=lambda each: each[:2])
        return step, value, f", on rank {rank} of {self.ranks.size} (counted from 0)"

    def _measured(self, record: Record, since: int = 0) -> dict[str, Any]:
        """Return the owner's metrics of an epoch up to now; batches before ``since`` are in them already."""
        if not self.session.owns_rate:
            return {}
        outputs = torch.cat(record.outputs[since:])
        labels = record.labels[record.images - len(outputs) : record.images]
        return self._metrics(outputs, labels, since == 0)

    def _metrics(self, outputs: Tensor, labels: Tensor, fresh: bool) -> dict[str, Any]:
        values = self.session.objective.metrics(outputs, labels, fresh)
        return {name: value for name, value in values.items() if name != "accuracy"}

    @property
    def _held_out(self) -> Tensor:
        """The images to look at after an epoch, which are in memory, uint8 ``(n, h, w)``."""
        assert self.validation is not None
        assert isinstance(self.validation.images, Tensor)
        return self.validation.images

    def _looked(self, first: int) -> dict[str, Any]:
        """Look at the validation images; of several ranks the first does, with the mean of their moving averages."""
        if self.ranks is None:
            return self._validated(first)
        self.ranks.average(self.session.functional.buffers)
        return self.ranks.from_first(lambda: self._validated(first))

    def _validated(self, first: int) -> dict[str, Any]:
        """Look at the validation images with the weights that would be kept."""
        if self.validation is None:
            return {"val_loss": None, "val_accuracy": None}
        self.runner.test_begin(first)
        try:
            with self.session.averaging.in_place():
                outputs, penalty = self.session.infer(self._held_out, self._leave_if_interrupted)
        except Interrupted:
            self.runner.test_end({}, first)  # what a callback has exchanged for the test it puts back
            raise
        if self.runner.at_test_batches:
            self.runner.test_batches(self._batch_by_batch(outputs, penalty), first)
        labels = self.validation.labels
        objective = self.session.objective
        loss = objective.held_out(self._held_out, outputs, labels)
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
            loss = objective.held_out(self._held_out[rows], some, theirs)
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
        if self.hooks.save is None and self.ranks is None:
            return
        kept = record.state() if record else {}
        if record is not None and self.ranks is not None:  # in an epoch's middle: at its end it is done
            self.ranks.average(self.session.functional.buffers)
        if self.hooks.save is None:
            return
        groups = {"random": self.session.random_states(), "callbacks": self.runner.tensors()}
        tensors = self.session.tensors() | grouped(groups | {"record": kept})
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
