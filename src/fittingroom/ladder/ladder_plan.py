"""Climb the ladder: every seed of every rung that is not in the log yet, then the table, the plot and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.errors import UsageError
from fittingroom.files import atomic_write, write_json
from fittingroom.ladder import look_log
from fittingroom.ladder.ladder_table import RUNGS, Row, as_json, markdown, rows
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.ladder.measure import scored, time_epochs, trained
from fittingroom.lookup import look_up
from fittingroom.progress import OnProgress, no_log, no_progress
from fittingroom.recipes import recipe_names, recipe_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fittingroom.data import Dataset, Log
    from fittingroom.ladder.measure import Yardstick


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Return the rungs that are meant; all that have a recipe where none is named.

    Raises:
        UsageError: an unknown rung, or one without a recipe.
    """
    ready = [name for name in RUNGS if name in recipe_names()]
    for name in names:
        look_up(name, RUNGS, "rung")
        if name not in ready:
            raise UsageError(f"Rung '{name}' has no recipe yet. Expected one of {', '.join(ready)}.")
    return tuple(names) or tuple(ready)


def run_ladder(
    rungs: Sequence[str],
    data: Dataset,
    root: Path,
    looks: Path,
    timings: Path,
    *,
    seeds: int | None = None,
    timed: bool = True,
    yardstick: Yardstick | None = None,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> list[Row]:
    """Measure what is not measured yet; one line to the log for each look, so that it can be stopped at any time.

    Args:
        rungs: their names.
        data: on what.
        root: where runs, table, plot and page go.
        looks: the log of the looks at the test set.
        timings: the log of the timed epochs.
        seeds: at most so many of each rung; None for the protocol's number.
        timed: whether to time epochs; only alone on the machine.
        yardstick: what is timed before and after each timing, so that seconds can be compared between machines.
        log: takes one line for the user.
        on_progress: takes the progress.
    """
    for rung in rungs:
        for seed in range(min(seeds or RUNGS[rung].seeds, RUNGS[rung].seeds)):
            if not _is_scored(looks, rung, seed, data.name):
                log(f"Rung {rung}, seed {seed}")
                run = trained(root / "runs", rung, seed, data, log=log, on_progress=on_progress)
                look_log.append(looks, scored(run, rung, seed, data))
        if timed and not _is_timed(timings, rung):
            log(f"Rung {rung}: timing an epoch")
            look_log.append(timings, time_epochs(rung, data, yardstick, log=log))
    return written(root, looks, timings, data.name)


def _is_scored(path: Path, rung: str, seed: int, dataset: str) -> bool:
    meant = (rung, seed, dataset, recipe_sha256(rung))
    return any(
        (look.rung, look.seed, look.dataset, look.recipe_sha256) == meant for look in look_log.read(path, TestLook)
    )


def _is_timed(path: Path, rung: str) -> bool:
    return any(line.recipe_sha256 == recipe_sha256(rung) for line in look_log.read(path, Timing))


def written(root: Path, looks: Path, timings: Path, dataset: str) -> list[Row]:
    """Write table, plot and page into a folder from the logs, and return the rows."""
    from fittingroom.ladder.ladder_page import page

    ladder = shipped_rows(look_log.read(looks, TestLook), look_log.read(timings, Timing), dataset)
    root.mkdir(parents=True, exist_ok=True)
    atomic_write(root / "ladder.md", markdown(ladder))
    write_json(root / "ladder.json", as_json(ladder))
    atomic_write(root / "ladder.html", page(ladder, dataset))
    return ladder


def shipped_rows(looks: Sequence[TestLook], timings: Sequence[Timing], dataset: str) -> list[Row]:
    """Return the rows of the recipes as they are in the package."""
    known = recipe_names()
    return rows(looks, timings, lambda name: recipe_sha256(name) if name in known else None, dataset)
