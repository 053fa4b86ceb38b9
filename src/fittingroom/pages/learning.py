"""A run's history as values: one an epoch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.judging.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Epoch:
    """One line of ``history.jsonl``.

    Attributes:
        epoch: from 1.
        seconds: wall clock of this epoch.
        images: training images seen in it.
        learning_rate: at its end.
        loss: running mean over the epoch, while the network changed.
        accuracy: running share of right answers, likewise.
        val_loss: on the validation images after the epoch; None without.
        val_accuracy: likewise.
    """

    epoch: int
    seconds: float
    images: int
    learning_rate: float | None
    loss: float
    accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None


def read_history(lines: Sequence[Mapping[str, Any]]) -> tuple[Epoch, ...]:
    """Return the lines of a history as values; keys we do not know are left out.

    Example:
        >>> read_history([{"epoch": 1, "seconds": 2.0, "images": 10, "learning_rate": 0.1, "loss": 1.0,
        ...                "accuracy": 0.5, "note": "x"}])[0].accuracy
        0.5
    """
    known = {each.name for each in fields(Epoch)}
    return tuple(Epoch(**{name: value for name, value in line.items() if name in known}) for line in lines)


RISE = 1.01  # of the lowest validation loss: a smaller rise is chance

Finding = Literal["rising loss", "gap", "none", "better held out", "unknown"]


@dataclass(frozen=True)
class Learning:
    """What an epoch's figures on the images learned from and on those held out say together.

    Attributes:
        finding: "rising loss" and "gap" are overfitting; "unknown" where nothing was held out.
        gap: running training accuracy less validation accuracy, in the last epoch; None without validation.
        best_epoch: of the lowest validation loss; None without validation.
        best_loss: that loss.
        last_loss: the validation loss of the last epoch.
        validation_interval: Wilson 95 % of the last validation accuracy.
        sentence: all this in words.
    """

    finding: Finding
    gap: float | None
    best_epoch: int | None
    best_loss: float | None
    last_loss: float | None
    validation_interval: tuple[float, float] | None
    sentence: str


def read_learning(history: Sequence[Epoch], validation_images: int) -> Learning:
    """Return what a history says about overfitting.

    Args:
        history: one value an epoch, at least one.
        validation_images: how many were held out; 0 for none.
    """
    last = history[-1]
    known = [(each.val_loss, each.epoch) for each in history if each.val_loss is not None]
    if last.val_accuracy is None or last.val_loss is None or not known or not validation_images:
        sentence = "No images were held out, so overfitting cannot be told from these curves."
        return Learning("unknown", None, None, None, None, None, sentence)
    seen = _Seen(last, *min(known), validation_images)
    finding = _finding(seen)
    return Learning(
        finding=finding,
        gap=last.accuracy - last.val_accuracy,
        best_epoch=seen.best_epoch,
        best_loss=seen.best_loss,
        last_loss=last.val_loss,
        validation_interval=seen.interval,
        sentence=_SENTENCES[finding](seen),
    )


@dataclass(frozen=True)
class _Seen:
    """What the findings follow from; `n` is the number of validation images."""

    last: Epoch
    best_loss: float
    best_epoch: int
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(round((self.last.val_accuracy or 0) * self.n), self.n)

    def __str__(self) -> str:
        validation = f"{self.last.val_accuracy:.4f} of the validation images"
        return f"{self.last.accuracy:.4f} of the training images right and {validation}"


def _finding(seen: _Seen) -> Finding:
    low, high = seen.interval
    if (seen.last.val_loss or 0) > RISE * seen.best_loss:
        return "rising loss"
    if seen.last.accuracy > high:
        return "gap"
    return "better held out" if seen.last.accuracy < low else "none"


def _rising(seen: _Seen) -> str:
    return (
        f"Overfitting since epoch {seen.best_epoch}: there the validation loss was lowest, {seen.best_loss:.4f}; by "
        f"the last epoch it had risen to {seen.last.val_loss:.4f}, with {seen}. Fewer epochs, or augmentation, would "
        "help."
    )


def _gap(seen: _Seen) -> str:
    points, (low, high) = 100 * (seen.last.accuracy - (seen.last.val_accuracy or 0)), seen.interval
    return (
        f"Overfitting: {seen}, a gap of {points:.1f} points, more than the chance of {seen.n:,} validation images "
        f"explains (95 % {low:.4f} to {high:.4f}). The network knows the images it learned from better than new ones; "
        "yet its validation loss had not begun to rise, so the last epochs still helped."
    )


def _none(seen: _Seen) -> str:
    low, high = seen.interval
    return f"No overfitting that {seen.n:,} validation images could show: {seen} (95 % {low:.4f} to {high:.4f})."


def _better(seen: _Seen) -> str:
    return (
        f"No overfitting: {seen}. Training figures can lie below, because they are averages over an epoch that began "
        "with a worse network, and over images that dropout or augmentation made harder."
    )


_SENTENCES = {"rising loss": _rising, "gap": _gap, "none": _none, "better held out": _better}
