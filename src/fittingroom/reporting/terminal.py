"""Words for the terminal: step headings, tables, one line an epoch; plain text wherever it is not a terminal.

Everything goes to standard error, so that standard output stays free for data. What writes nothing returns strings.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fittingroom.reporting.sentences import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import TaskID

    from fittingroom.judging.verdict import Verdict
    from fittingroom.reporting.report import Epoch


def make_console(stream: TextIO | None = None) -> Console:
    """Return a console that honours ``NO_COLOR`` and writes no control character unless it is a terminal.

    Args:
        stream: where to write; default standard error.
    """
    out = stream or sys.stderr
    # FORCE_COLOR and its kin make rich believe in a terminal; a log file stays a log file.
    terminal = None if out.isatty() else False
    return Console(file=out, force_terminal=terminal, highlight=False, soft_wrap=True, emoji=False, markup=False)


@dataclass(frozen=True)
class Narrator:
    """Tells what happens, step by step.

    Attributes:
        console: where to.
        quiet: say nothing at all.
    """

    console: Console = field(default_factory=make_console)
    quiet: bool = False

    def say(self, line: str) -> None:
        """Write one line."""
        if not self.quiet:
            self.console.print(line)

    def step(self, number: int, name: str, line: str = "") -> None:
        """Write a step's heading, and a line on what it does."""
        if self.quiet:
            return
        self.console.print(f"\n{number}  {name}", style="bold")
        if line:
            self.console.print(f"   {line}")

    def block(self, text: str) -> None:
        """Write several lines, indented under their step."""
        for line in text.splitlines():
            self.say(f"   {line}".rstrip())

    @contextmanager
    def training(self, epochs: int, images: int) -> Iterator[EpochProgress]:
        """Follow a training: a live bar on a terminal, one plain line an epoch elsewhere.

        Args:
            epochs: how many there will be.
            images: training images in an epoch.
        """
        if self.quiet or not (self.console.is_terminal and self.console.is_interactive):
            yield EpochProgress(self, epochs, images)
            return
        columns = (TextColumn("   {task.description}"), BarColumn(24), TextColumn("{task.fields[rate]}"))
        with Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True) as bar:
            yield EpochProgress(self, epochs, images, bar, bar.add_task("epoch 1", total=epochs * images, rate=""))


@dataclass(frozen=True)
class EpochProgress:
    """The progress of one training, moved on by the trainer.

    Attributes:
        narrator: who writes.
        epochs: how many there will be.
        images: training images in an epoch.
        bar: the live bar; None where there is none.
        task: its handle.
    """

    narrator: Narrator
    epochs: int
    images: int
    bar: Progress | None = None
    task: TaskID | None = None

    def advance(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        """Move the bar to ``images`` of this epoch (from 1); without a terminal this says nothing."""
        if self.bar is None or self.task is None:
            return
        done = (epoch - 1) * self.images + images
        words = f"epoch {epoch}/{self.epochs}  loss {loss:.4f}  accuracy {accuracy:.4f}"
        speed = self.bar.tasks[0].speed
        rate = f"{speed:,.0f} images/s" if speed else ""
        self.bar.update(self.task, completed=done, description=words, rate=rate)

    def finish_epoch(self, epoch: Epoch) -> None:
        """Write the epoch's line, above the bar where there is one."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=epoch.epoch * self.images)
        self.narrator.say(f"   {epoch_line(epoch, self.epochs)}")


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """Return an epoch as one line.

    Example:
        >>> from fittingroom.reporting.report import Epoch
        >>> epoch_line(Epoch(1, 2.0, 60_000, 0.001, 0.5784, 0.7979), 5)
        'epoch 1/5  loss 0.5784  accuracy 0.7979  30,000 images/s  2.0 s'
    """
    parts = [f"epoch {epoch.epoch}/{epochs}", f"loss {epoch.loss:.4f}", f"accuracy {epoch.accuracy:.4f}"]
    if epoch.val_loss is not None:
        parts.append(f"validation loss {epoch.val_loss:.4f}")
    if epoch.val_accuracy is not None:
        parts.append(f"validation accuracy {epoch.val_accuracy:.4f}")
    if epoch.seconds > 0:
        parts.append(f"{epoch.images / epoch.seconds:,.0f} images/s")
    return "  ".join([*parts, f"{epoch.seconds:.1f} s"])


def counts_table(class_names: Sequence[str], train_counts: Sequence[int], test_counts: Sequence[int]) -> str:
    """Return the labels per class as text, a line a class.

    Example:
        >>> print(counts_table(["Trouser", "Bag"], [6000, 6000], [1000, 1000]))
        label  class    train   test
            0  Trouser  6,000  1,000
            1  Bag      6,000  1,000
    """
    rows = [
        (str(label), name, f"{train:,}", f"{test:,}")
        for label, (name, train, test) in enumerate(zip(class_names, train_counts, test_counts, strict=True))
    ]
    return text_table(("label", "class", "train", "test"), rows, left=(1,))


def fit_table(history: Sequence[Epoch], compare: bool = False) -> str:
    """Return the training by epoch as text, beside the reference run's two figures where they may be compared."""
    validated = any(epoch.val_accuracy is not None for epoch in history)
    headings = [
        "epoch",
        "loss",
        "accuracy",
        *(["validation"] if validated else []),
        *(["reference"] if compare else []),
    ]
    known = {history[0].epoch: REFERENCE.first_accuracy, history[-1].epoch: REFERENCE.last_accuracy}
    rows = []
    for epoch in history:
        row = [str(epoch.epoch), f"{epoch.loss:.4f}", f"{epoch.accuracy:.4f}"]
        row += [_four(epoch.val_accuracy)] if validated else []
        row += [_four(known.get(epoch.epoch))] if compare else []
        rows.append(row)
    return text_table(headings, rows)


def final_line(score: Verdict, page: str) -> str:
    """Return the last line of a tutorial: the accuracy with its interval, and where the page is."""
    low, high = score.accuracy_interval
    return f"Test accuracy {score.accuracy:.4f} (95 % {low:.4f} to {high:.4f}, n = {score.n:,}). Page: {page}"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = ()) -> str:
    """Return rows as text in columns, flush right but for the columns named in ``left``.

    Example:
        >>> print(text_table(["name", "n"], [["a", "10"], ["bc", "5"]], left=[0]))
        name   n
        a     10
        bc     5
    """
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _four(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
