"""A run's history as values, an epoch each, and what it says about overfitting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import hypot, sqrt
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.judging.intervals import wilson_interval
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Epoch:
    """One line of ``history.jsonl``.

    Attributes:
        epoch: from 1.
        seconds: wall clock of this epoch.
        images: training images seen in it.
        learning_rate: of its first step.
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


BEYOND = 2.0  # standard deviations: what lies within is chance
LOSS_SPREAD = 2.0  # standard deviation of one image's loss, in means: losses are many small ones and a few large

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
    by_chance = _by_chance([loss for loss, _ in known], LOSS_SPREAD * best_loss / sqrt(validation_images))
    spread = _spread([each.val_accuracy for each in history if each.val_accuracy is not None])
    finding = _finding(last, best_loss + by_chance, interval, BEYOND * spread)
    gap, (low, high) = last.accuracy - last.val_accuracy, interval
    sentence = SENTENCES[finding].format(
        both=f"training accuracy {last.accuracy:.4f} and validation accuracy {last.val_accuracy:.4f}",
        images=counted(validation_images, "validation image"),
        interval=f"95 % {low:.4f} to {high:.4f}",
        points=100 * gap,
        best_epoch=best_epoch,
        best_loss=best_loss,
        last_loss=last.val_loss,
    )
    return Learning(finding, gap, best_epoch, best_loss, last.val_loss, interval, sentence)


def _by_chance(losses: Sequence[float], sampling: float) -> float:
    """Return how far the last validation loss may lie above the lowest by chance; anything before three epochs."""
    if len(losses) < 3:
        return float("inf")
    return BEYOND * hypot(sampling, sqrt(2) * _spread(losses))


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation from epoch to epoch about a curve, from how far each lies off its neighbours' mean.

    The median, so that the steep first epochs of a training do not count as chance; 0 before three epochs.

    Example:
        >>> round(_spread([0.5, 0.4, 0.3, 0.2]), 6)
        0.0
    """
    around = zip(values, values[1:], values[2:], strict=False)
    off = [abs(middle - (before + after) / 2) for before, middle, after in around]
    return 1.4826 * median(off) / sqrt(1.5) if off else 0.0


def _finding(last: Epoch, highest_loss: float, interval: tuple[float, float], spread: float) -> Finding:
    low, high = interval
    if last.val_loss is not None and last.val_loss > highest_loss:
        return "rising loss"
    gap = last.accuracy - (last.val_accuracy or 0.0)
    if last.accuracy > high and gap > spread:
        return "gap"
    return "better held out" if last.accuracy < low and -gap > spread else "none"


SENTENCES: dict[Finding, str] = {
    "rising loss": (
        "Overfitting since epoch {best_epoch}: there the validation loss was lowest, {best_loss:.4f}; by the last "
        "epoch it had risen to {last_loss:.4f}, with {both}. Fewer epochs, or augmentation, would help."
    ),
    "gap": (
        "Overfitting: {both}, a gap of {points:.1f} points, more than chance with {images} explains "
        "({interval}). The network knows its training images better than new ones; but its validation loss did not "
        "rise by more than it varies from one epoch to the next, so nothing here shows that fewer epochs would help."
    ),
    "none": (
        "No overfitting is detected with {images}: {both} ({interval}), and the validation loss did "
        "not rise by more than it varies by chance."
    ),
    "better held out": (
        "No overfitting: {both}. Training accuracy can be the lower one, because it is an average over an epoch that "
        "began with a worse network, and over images that dropout or augmentation made harder."
    ),
    "unknown": "No images were held out, so overfitting cannot be detected from these curves.",
}
