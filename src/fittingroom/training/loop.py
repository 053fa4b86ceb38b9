"""The loop over epochs and batches: order, validation, history, callbacks, checkpoints, and every way to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from fittingroom.errors import Interrupted, TrainingError
from fittingroom.training.averaging import averaged
from fittingroom.training.checkpoint import Checkpoint, group, grouped
from fittingroom.training.data import TrainingData, batches
from fittingroom.training.progress import Progress, Watch
from fittingroom.training.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from fittingroom.models.infer import Infer
    from fittingroom.training.callbacks import Host
    from fittingroom.training.session import Session

TICKS_AN_EPOCH = 20  # how often losses are read, checked for being finite, and shown

Line = dict[str, Any]


@dataclass(frozen=True)
class Sinks:
    """Where the loop's results go.

    Attributes:
        line: takes one epoch's line of the history.
        save: takes a checkpoint, or is None.
        watch: takes the progress.
        interrupted: says whether the user wants to stop.
        resume_hint: how to go on after an interruption, for the message.
    """

    line: Callable[[Line], None]
    save: Callable[[Checkpoint], None] | None
    watch: Watch
    interrupted: Callable[[], bool]
    resume_hint: str


@dataclass
class Position:
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


@dataclass(frozen=True)
class Loop:
    """A training from some position to its end.

    Attributes:
        session: the parts of a step.
        host: callbacks.
        sinks: where results go.
        validation: what is looked at after every epoch, or None.
        infer: the model's forward pass.
        seed: of the order.
        facts: what else a checkpoint is to remember.
    """

    session: Session
    host: Host
    sinks: Sinks
    validation: TrainingData | None
    infer: Infer
    seed: int
    facts: Line

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.session.data.steps(self.session.recipe.batch_size)

    def run(self, position: Position) -> None:
        """Train until the recipe's last epoch or until a callback stops it; the position goes along.

        Raises:
            TrainingError: the loss is not finite, or memory or disk ran out.
            Interrupted: the user stopped it; the state is saved.
        """
        with torch.no_grad():
            while position.epoch <= self.session.recipe.epochs and position.stopped is None:
                self._epoch(position)
        if self.session.averaging.use:
            self.session.flat.parameters.copy_(self.session.averaging.state["average"])

    def _epoch(self, position: Position) -> None:
        first = (position.epoch - 1) * self.steps
        if position.step == 0:
            self.host.epoch_begin(position.epoch - 1, first)
        rate = self.session.learning_rate(first)
        self.session.remember()
        started = time.perf_counter() - position.seconds
        record = self._steps(position, first, started)
        logs: Line = {"loss": record.loss(), "accuracy": record.accuracy(), **self._measured(record)}
        try:
            logs |= self._validated()
        except Interrupted:
            self._stop(position, record, self.steps, started)
        seconds = time.perf_counter() - started
        self.sinks.watch(self._progress(position, record, seconds, logs))
        line = {"epoch": position.epoch, "seconds": seconds, "images": record.images, "learning_rate": rate, **logs}
        position.history.append(line)
        shown = {name: value for name, value in logs.items() if value is not None}
        if self.host.epoch_end(position.epoch - 1, shown, first):
            position.stopped = f"a callback stopped it after epoch {position.epoch}"
        position.epoch, position.step, position.seconds = position.epoch + 1, 0, 0.0
        self._save(position, None)
        self.sinks.line(line)

    def _steps(self, position: Position, first: int, started: float) -> Record:
        """Take the steps that are left in this epoch."""
        session, batch_size = self.session, self.session.recipe.batch_size
        order = session.data.order(self.seed, position.epoch)
        record = Record(session.data.labels.index_select(0, order))
        record.load(position.tensors)
        position.tensors = {}
        labels = record.labels.split(batch_size)  # type: ignore[no-untyped-call]
        tick, checked = max(1, self.steps // TICKS_AN_EPOCH), position.step
        for step, rows in enumerate(batches(order, batch_size, position.step), position.step):
            record.add(*session.take_step(rows, labels[step], position.epoch, first + step))
            stop = self.sinks.interrupted()
            if stop or (step + 1) % tick == 0 or step + 1 == self.steps:
                self._check_finite(position, record, checked, first)
                checked = step + 1
                self._stop_if(stop, position, record, checked, started)
                self.sinks.watch(self._progress(position, record, time.perf_counter() - started, {}))
        return record

    def _stop_if(self, stop: bool, position: Position, record: Record, step: int, started: float) -> None:
        if stop and step < self.steps:  # after the last step the epoch is all but over; validation looks again
            self._stop(position, record, step, started)

    def _stop(self, position: Position, record: Record, step: int, started: float) -> NoReturn:
        position.step, position.seconds = step, time.perf_counter() - started
        where = f"Stopped in epoch {position.epoch} after step {step} of {self.steps}"
        if self.sinks.save is None:
            raise Interrupted(f"{where}; nothing was saved, since there is no run folder.")
        self._save(position, record)
        raise Interrupted(f"{where}; all is saved. {self.sinks.resume_hint}")

    def _check_finite(self, position: Position, record: Record, since: int, first: int) -> None:
        bad = record.first_not_finite(since)
        if bad is None:
            return
        rate = self.session.learning_rate(first + bad)
        self.session.roll_back()
        raise TrainingError(
            f"The loss is {float(record.losses[bad])} in epoch {position.epoch}, step {bad + 1} of {self.steps}, at a "
            f"learning rate of {rate:g}. Try a learning rate of {rate / 10:g}, or gradient_clip=1. "
            "The weights from before this epoch are kept."
        )

    def _measured(self, record: Record) -> dict[str, float]:
        values = self.session.objective.metrics(torch.cat(record.outputs), record.labels)
        return {name: value for name, value in values.items() if name != "accuracy"}

    def _validated(self) -> dict[str, float | None]:
        """Look at the validation images with the weights that would be kept."""
        if self.validation is None:
            return {"val_loss": None, "val_accuracy": None}
        with averaged(self.session.flat.parameters, self.session.averaging):
            outputs, penalty = self.infer(self.validation.images, self._leave_if_interrupted)
        labels = self.validation.labels
        loss = self.session.objective.loss(outputs, (labels,))
        right = (outputs.argmax(dim=1) == labels).double().mean()
        values = self.session.objective.metrics(outputs, labels)
        extra = {f"val_{name}": value for name, value in values.items() if name != "accuracy"}
        return {"val_loss": float(loss if penalty is None else loss + penalty), "val_accuracy": float(right), **extra}

    def _leave_if_interrupted(self) -> None:
        if self.sinks.interrupted():
            raise Interrupted("Stopped while looking at the validation images.")

    def _progress(self, position: Position, record: Record, seconds: float, logs: Line) -> Progress:
        return Progress(
            position.epoch,
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

    def _save(self, position: Position, record: Record | None) -> None:
        if self.sinks.save is None:
            return
        groups = {"random": self.session.random_states(), "callbacks": self.host.tensors()}
        tensors = self.session.tensors() | grouped(groups | {"record": record.state() if record else {}})
        facts = self.facts | {
            "epoch": position.epoch,
            "step": position.step,
            "seconds": position.seconds,
            "history": list(position.history),
            "stopped": position.stopped,
            "rate_factor": self.session.rate_factor,
            "callbacks": self.host.facts(),
        }
        self.sinks.save(Checkpoint(tensors, facts))


def restored(loop: Loop, checkpoint: Checkpoint) -> Position:
    """Bring a session to where a checkpoint was written and return that position.

    Raises:
        RunError: the checkpoint is of another model or recipe.
    """
    facts, tensors = checkpoint.facts, dict(checkpoint.tensors)
    callbacks = group(tensors, "callbacks")
    loop.session.restore({name: value for name, value in tensors.items() if not name.startswith("callbacks/")})
    loop.session.rate_factor = facts["rate_factor"]
    loop.host.restore(facts["callbacks"], callbacks)
    return Position(
        facts["epoch"],
        facts["step"],
        facts["seconds"],
        list(facts["history"]),
        facts["stopped"],
        group(tensors, "record"),
    )
