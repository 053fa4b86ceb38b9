"""`compare`: runs side by side, on the very same images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import Log, no_log
from fittingroom.errors import RunError, UsageError
from fittingroom.judging import Comparison, Seeds, differing, over_seeds
from fittingroom.judging import compare as compare_arrays
from fittingroom.runs import Predictions, Run, open_run
from fittingroom.words import counted
from fittingroom.workflows.run_data import (
    SplitName,
    dataset_judged,
    kept_predictions,
    predictions_of,
    run_dataset,
    run_predictions,
)
from fittingroom.workflows.run_group import is_group, open_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.data import Dataset


@dataclass(frozen=True, eq=False)
class Compared:
    """Runs that answered about the same images.

    Attributes:
        names: of the runs, told apart.
        predictions: of each.
        pairs: every two of them.
        seeds: what the runs share where they differ in their seed alone; None otherwise.
        dataset: the name of the data that was judged.
        run_seeds: the seed of each run.
        groups: where runs of several recipes or networks are there, some of them with several seeds: each one's name,
            and what its runs reached over the seeds; else empty.
        folders: of the runs.
    """

    names: tuple[str, ...]
    predictions: tuple[Predictions, ...]
    pairs: tuple[Comparison, ...]
    seeds: Seeds | None
    dataset: str
    run_seeds: tuple[int, ...]
    groups: tuple[tuple[str, Seeds], ...] = ()
    folders: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return "\n".join(f"{pair}." for pair in self.pairs)

    def differ(self, count: int) -> tuple[int, ...]:
        """Return the positions of images on which exactly one of the first two runs is right, the surest first."""
        first, second = self.predictions[:2]
        return tuple(differing(first.probabilities, second.probabilities, first.labels)[:count].tolist())


def compare(
    *runs: Run | str | Path,
    split: SplitName | None = None,
    data_dir: str | Path | None = None,
    data: Dataset | None = None,
    log: Log = no_log,
) -> Compared:
    """Compare what runs answered about the same images.

    No image is scored that was not scored before, so this is no look at the test images: they are compared where every
    run was evaluated on them already, otherwise the validation images that the runs held out are.

    Args:
        runs: two or more, or their folders; the folder of a group stands for its runs.
        split: "validation" or "test"; None for what the runs keep.
        data_dir: where the dataset's files are; None to look.
        data: what they were trained on; None to load it where a run has to be asked anew.
        log: told what takes a while.

    Returns:
        Every two of them, with the difference, its interval and p-value; printed, a sentence a pair.

    Raises:
        UsageError: fewer than two, or the same one twice.
        RunError: no such run, no predictions yet, or they are of other images.

    Example:
        >>> print(compare("runs/a", "runs/b"))  # doctest: +SKIP
        b is better: 1.20 points (95 % 0.80 to 1.60), n = 10,000, p < 0.0001.
    """
    opened = [each for run in runs for each in _opened(run)]
    folder = None if data_dir is None else Path(data_dir)
    if len(opened) < 2:
        raise UsageError("A comparison needs two or more runs. Example: fittingroom compare runs/a runs/b")
    if len({run.folder.resolve() for run in opened}) < len(opened):
        raise UsageError("Expected runs that differ, received the same one twice.")
    _check_same_data(opened, split)
    kept = [_predictions(run, split, folder, data, log) for run in opened]
    for run, other in zip(opened[1:], kept[1:], strict=True):
        _check_same(opened[0], kept[0], run, other)
    names = _names(opened)
    pairs = compare_arrays(kept[0].labels, {name: each.probabilities for name, each in zip(names, kept, strict=True)})
    return Compared(
        names=names,
        predictions=tuple(kept),
        pairs=pairs,
        seeds=_seeds(opened, kept),
        dataset=dataset_judged(opened[0], kept[0].fingerprint),
        run_seeds=tuple(run.environment["seed"] for run in opened),
        groups=_groups(opened, kept),
        folders=tuple(run.folder for run in opened),
    )


def _opened(run: Run | str | Path) -> Sequence[Run]:
    if isinstance(run, Run):
        return [run]
    return open_group(run).runs if is_group(run) else [open_run(run)]


def _check_same_data(runs: Sequence[Run], split: SplitName | None) -> None:
    """Raise where runs that were not evaluated learned from different data: there is nothing to compare them on."""
    marks = [_fingerprint(run, split) for run in runs]
    for run, mark in zip(runs[1:], marks[1:], strict=True):
        if mark != marks[0]:
            raise _different_data(runs[0], marks[0], run, mark)


def _fingerprint(run: Run, split: SplitName | None) -> str:
    kept = None if split == "validation" else kept_predictions(run)
    return kept.fingerprint if kept else str(run.environment.get("fingerprint"))


def _different_data(first: Run, mark: str, second: Run, other: str) -> RunError:
    return RunError(
        f"Expected runs on the same data: {first.folder} has {mark}, {second.folder} has {other}. "
        "Scores on different data cannot be compared."
    )


def _predictions(
    run: Run, split: SplitName | None, data_dir: Path | None, data: Dataset | None, log: Log
) -> Predictions:
    kept = kept_predictions(run)
    if kept is not None and split in (None, kept.split):
        return kept
    if split is None and not run.environment.get("held_out"):
        return run.predictions  # says what is missing
    data = data if data is not None else run_dataset(run, data_dir)
    log(f"Asking {run.folder} about its {split or 'validation'} images.")
    return predictions_of(*run_predictions(run, data, split), data)


def _check_same(first: Run, kept: Predictions, second: Run, other: Predictions) -> None:
    if kept.split != other.split:
        late = second if other.split != "test" else first
        raise RunError(
            f"Expected answers about the same images: {first.folder} has {kept.split}, {second.folder} has "
            f"{other.split}. Try: fittingroom evaluate {late.folder}, or --split validation."
        )
    if not (np.array_equal(kept.indices, other.indices) and np.array_equal(kept.labels, other.labels)):
        raise RunError(
            f"Expected answers about the same images: {first.folder} held out {counted(len(kept.indices), 'image')}, "
            f"{second.folder} other ones ({len(other.indices):,}). Train both with the same --validation."
        )


STAMP = re.compile(r"\d{8}-\d{6}-")


def _names(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the shortest names that tell runs apart: their folders' without the time, their folders', their paths."""
    own = tuple(run.folder.resolve().name for run in runs)
    bare = tuple(STAMP.sub("", name, count=1) for name in own)
    return next(
        (names for names in (bare, own) if len(set(names)) == len(names)), tuple(str(run.folder) for run in runs)
    )


def _seeds(runs: Sequence[Run], kept: Sequence[Predictions]) -> Seeds | None:
    """Return mean and spread where runs differ in their seed alone."""
    asked = [_asked(run) for run in runs]
    if any(one != asked[0] for one in asked[1:]) or _has_a_seed_twice(runs):
        return None
    return _over_seeds(kept)


def _asked(run: Run) -> dict[str, Any]:
    """Return what a run was asked for, but for its seed."""
    facts = run.environment
    return {"network": facts.get("model"), "images": facts.get("train_images"), **run.resolved, "seed": None}


def _has_a_seed_twice(runs: Sequence[Run]) -> bool:
    return len({run.resolved["seed"] for run in runs}) < len(runs)


def _over_seeds(kept: Sequence[Predictions]) -> Seeds:
    accuracies = [float(np.mean(each.probabilities.argmax(axis=1) == each.labels)) for each in kept]
    return over_seeds(accuracies, len(kept[0].labels))


def _groups(runs: Sequence[Run], kept: Sequence[Predictions]) -> tuple[tuple[str, Seeds], ...]:
    """Return what each network and recipe reached over its seeds, where several are there, in the order of the runs."""
    asked = [_asked(run) for run in runs]
    firsts = [index for index, one in enumerate(asked) if one not in asked[:index]]
    members = [[index for index, one in enumerate(asked) if one == asked[first]] for first in firsts]
    if len(firsts) < 2 or max(map(len, members)) < 2:
        return ()
    if any(_has_a_seed_twice([runs[index] for index in rows]) for rows in members):
        return ()  # the same training twice says nothing of other seeds
    names = _names_of_groups([asked[first] for first in firsts])
    return tuple(
        (name, _over_seeds([kept[index] for index in rows])) for name, rows in zip(names, members, strict=True)
    )


def _names_of_groups(asked: Sequence[dict[str, Any]]) -> list[str]:
    """Return a name for each of several networks and recipes: the network, and the settings in which not all agree."""
    keys = [key for key in asked[0] if key not in ("network", "model", "schema")]
    differing_ = [key for key in keys if any(one.get(key) != asked[0][key] for one in asked[1:])]
    return [", ".join([str(one["network"]), *(f"{key}={one.get(key)}" for key in differing_)]) for one in asked]
