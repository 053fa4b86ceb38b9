"""What work tells whoever watches it: lines for a log, and the progress of a training.

The library prints nothing by itself: it calls functions like these. The command line passes its own.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

PACKAGE = str(Path(__file__).parent)

Log: TypeAlias = Callable[[str], None]


def no_log(line: str) -> None:
    """Say nothing.

    Args:
        line: one line of progress, without a line break; dropped.
    """


def warn_user(line: str) -> None:
    """Say a line as a Python warning at the place in the user's own code that called us.

    Args:
        line: what was chosen for the user, or what they may want to know.
    """
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(line, UserWarning, stacklevel=depth + 1)


def audible(log: Log) -> Log:
    """Return what a choice is told to: the log that the caller gave, else a Python warning.

    Args:
        log: as it was passed; `no_log` where nobody gave one.
    """
    return warn_user if log is no_log else log


@dataclass(frozen=True)
class Progress:
    """Where the training stands.

    Attributes:
        epoch: under way, counted from 1.
        epochs: of the whole training.
        images: seen in this epoch.
        total: images in an epoch.
        seconds: since this epoch began.
        loss: mean over the images seen in this epoch.
        accuracy: share of them that were right when they were seen.
        val_loss: after the epoch's end; None before, and without validation.
        val_accuracy: likewise.
        done: the epoch is over.
    """

    epoch: int
    epochs: int
    images: int
    total: int
    seconds: float
    loss: float
    accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None
    done: bool = False

    @property
    def images_per_second(self) -> float:
        """How many images are trained on in a second."""
        return self.images / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """How long the rest of the training takes at this pace."""
        left = (self.epochs - self.epoch + 1) * self.total - self.images
        return left / self.images_per_second if self.images_per_second else float("inf")

    def line(self) -> str:
        """Return it as one line of text.

        Example:
            >>> Progress(1, 5, 60000, 60000, 2.0, 0.6123, 0.7989, done=True).line()
            'epoch 1/5  loss 0.6123  accuracy 0.7989  30,000 images/s  8 s left'
        """
        parts = [f"epoch {self.epoch}/{self.epochs}", f"loss {self.loss:.4f}", f"accuracy {self.accuracy:.4f}"]
        if self.val_loss is not None and self.val_accuracy is not None:
            parts += [f"val_loss {self.val_loss:.4f}", f"val_accuracy {self.val_accuracy:.4f}"]
        parts += [f"{self.images_per_second:,.0f} images/s", f"{self.seconds_left:.0f} s left"]
        return "  ".join(parts)


OnProgress = Callable[[Progress], None]


def no_progress(progress: Progress) -> None:
    """Do nothing with the progress."""
    del progress


def each_epoch(log: Callable[[str], None]) -> OnProgress:
    """Return a watcher that says one line an epoch: what a log wants.

    Args:
        log: takes one line.
    """
    return lambda progress: log(progress.line()) if progress.done else None
