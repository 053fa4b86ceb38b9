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
        return Learning("unknown", None, None, None, None, None, SENTENCES["unknown"])
    best_loss, best_epoch = min(known)
    interval = wilson_interval(round(last.val_accuracy * validation_images), validation_images)
    finding = _finding(last.accuracy, last.val_loss, best_loss, interval)
    gap, (low, high) = last.accuracy - last.val_accuracy, interval
    sentence = SENTENCES[finding].format(
        both=f"{last.accuracy:.4f} of the training images right and {last.val_accuracy:.4f} of the validation images",
        images=f"{validation_images:,} validation images",
        interval=f"95 % {low:.4f} to {high:.4f}",
        points=100 * gap,
        best_epoch=best_epoch,
        best_loss=best_loss,
        last_loss=last.val_loss,
    )
    return Learning(finding, gap, best_epoch, best_loss, last.val_loss, interval, sentence)


def _finding(accuracy: float, val_loss: float, best_loss: float, interval: tuple[float, float]) -> Finding:
    low, high = interval
    if val_loss > RISE * best_loss:
        return "rising loss"
    if accuracy > high:
        return "gap"
    return "better held out" if accuracy < low else "none"


SENTENCES: dict[Finding, str] = {
    "rising loss": (
        "Overfitting since epoch {best_epoch}: there the validation loss was lowest, {best_loss:.4f}; by the last "
        "epoch it had risen to {last_loss:.4f}, with {both}. Fewer epochs, or augmentation, would help."
    ),
    "gap": (
        "Overfitting: {both}, a gap of {points:.1f} points, more than the chance of {images} explains ({interval}). "
        "The network knows the images it learned from better than new ones; yet its validation loss had not begun to "
        "rise, so the last epochs still helped."
    ),
    "none": "No overfitting that {images} could show: {both} ({interval}).",
    "better held out": (
        "No overfitting: {both}. Training figures can lie below, because they are averages over an epoch that began "
        "with a worse network, and over images that dropout or augmentation made harder."
    ),
    "unknown": "No images were held out, so overfitting cannot be told from these curves.",
}
