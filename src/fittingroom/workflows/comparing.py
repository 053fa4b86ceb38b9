"""`compare`: runs side by side, on the very same images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.errors import RunError, UsageError
from fittingroom.judging import Comparison, Seeds, differing, over_seeds
from fittingroom.judging import compare as compare_arrays
from fittingroom.runs import Predictions, Run, open_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class Compared:
    """Runs that answered about the same images.

    Attributes:
        names: of the runs, told apart.
        predictions: of each.
        pairs: every two of them.
        seeds: what the runs share where they differ in their seed alone; None otherwise.
    """

    names: tuple[str, ...]
    predictions: tuple[Predictions, ...]
    pairs: tuple[Comparison, ...]
    seeds: Seeds | None

    def differ(self, count: int) -> tuple[int, ...]:
        """Return the positions of images on which exactly one of the first two runs is right, the surest first."""
        first, second = self.predictions[:2]
        return tuple(differing(first.probabilities, second.probabilities, first.labels)[:count].tolist())


def compare_runs(folders: Sequence[str | Path]) -> Compared:
    """Compare the predictions that runs keep.

    Args:
        folders: of two or more runs, each evaluated, or each with validation predictions.

    Raises:
        UsageError: fewer than two, or the same one twice.
        RunError: no such run, no predictions yet, or they are of other images.
    """
    runs = [open_run(folder) for folder in folders]
    if len(runs) < 2:
        raise UsageError("A comparison needs two or more runs. Example: fittingroom compare runs/a runs/b")
    if len({run.folder.resolve() for run in runs}) < len(runs):
        raise UsageError("Expected runs that differ, received the same one twice.")
    kept = [run.predictions for run in runs]
    for run, other in zip(runs[1:], kept[1:], strict=True):
        _check_same(runs[0], kept[0], run, other)
    names = _names(runs)
    pairs = compare_arrays(kept[0].labels, {name: each.probabilities for name, each in zip(names, kept, strict=True)})
    return Compared(names, tuple(kept), pairs, _seeds(runs, kept))


def _check_same(first: Run, kept: Predictions, second: Run, other: Predictions) -> None:
    if kept.fingerprint != other.fingerprint:
        raise RunError(
            f"Expected runs on the same data: {first.folder} has {kept.fingerprint}, {second.folder} has "
            f"{other.fingerprint}. Scores on different data cannot be compared."
        )
    if kept.split != other.split:
        late = second if other.split != "test" else first
        raise RunError(
            f"Expected answers about the same images: {first.folder} has {kept.split}, {second.folder} has "
            f"{other.split}. Try: fittingroom evaluate {late.folder}"
        )
    if not (np.array_equal(kept.indices, other.indices) and np.array_equal(kept.labels, other.labels)):
        raise RunError(
            f"Expected answers about the same images: {first.folder} held out {len(kept.indices):,} images, "
            f"{second.folder} other ones ({len(other.indices):,}). Train both with the same --validation."
        )


def _names(runs: Sequence[Run]) -> tuple[str, ...]:
    short = tuple(run.folder.resolve().name for run in runs)
    return short if len(set(short)) == len(short) else tuple(str(run.folder) for run in runs)


def _seeds(runs: Sequence[Run], kept: Sequence[Predictions]) -> Seeds | None:
    settings = [{name: value for name, value in run.resolved.items() if name != "seed"} for run in runs]
    if any(one != settings[0] for one in settings[1:]):
        return None
    accuracies = [float(np.mean(each.probabilities.argmax(axis=1) == each.labels)) for each in kept]
    return over_seeds(accuracies, len(kept[0].labels))
