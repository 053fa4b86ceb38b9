"""Which classes are taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from fittingroom.arrays import Array

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class ConfusedPair:
    """One class taken for another.

    Attributes:
        true: the class that it is.
        predicted: the class that was said.
        count: how often.
        share: of all samples of the true class, in (0, 1].
    """

    true: str
    predicted: str
    count: int
    share: float


def most_confused(
    confusion: Int64[Array, "c c"], class_names: Sequence[str], min_count: int = 1
) -> tuple[ConfusedPair, ...]:
    """Return the pairs of classes that are confused, the most frequent first; of equal ones in label order.

    Args:
        confusion: counts by ``(true, predicted)``.
        class_names: by label.
        min_count: leaves out pairs confused less often.

    Example:
        >>> most_confused(np.array([[8, 2], [1, 9]]), ["cat", "dog"])[0]
        ConfusedPair(true='cat', predicted='dog', count=2, share=0.2)
    """
    counts = np.array(confusion, np.int64)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")
    pairs = [(int(flat) // len(counts), int(flat) % len(counts)) for flat in order]
    return tuple(
        ConfusedPair(class_names[true], class_names[said], int(counts[true, said]), float(counts[true, said] / total))
        for true, said in pairs
        if counts[true, said] >= max(1, min_count) and (total := totals[true])
    )
