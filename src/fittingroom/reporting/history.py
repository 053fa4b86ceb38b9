"""A run's history as values: one an epoch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

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
