"""`fittingroom.sweep`: many settings of a recipe tried, the best judged again, and a folder with all of it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import check_whole
from fittingroom.data import Log, no_log
from fittingroom.errors import TrainingError, UsageError
from fittingroom.extras import install_line, missing
from fittingroom.files import atomic_write, write_json
from fittingroom.jobs.places import MOST_THREADS, check_reachable, find_place
from fittingroom.jobs.run_jobs import OnJob, no_job_lines
from fittingroom.lookup import look_up
from fittingroom.pages.sweep.gather import gather_sweep
from fittingroom.pages.sweep.page import sweep_page
from fittingroom.progress import OnProgress, no_progress
from fittingroom.words import counted
from fittingroom.workflows.sweep_finals import best_trials, judge_best
from fittingroom.workflows.sweep_plan import (
    Pruner,
    Sampler,
    SweepPlan,
    asked_of,
    begun,
    digits_of,
    find_networks,
    sweep_alone,
    threads_here,
)
from fittingroom.workflows.sweep_space import held_out_sizes, read_space, trial_count
from fittingroom.workflows.sweep_trials import (
    OnTrials,
    TrialRunner,
    no_trials,
    open_study,
    optuna_told,
    trial_rows,
    write_trials,
)
from fittingroom.workflows.training import DEFAULT_DATASET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.pages.sweep.values import SweepReport

ROOT = Path("sweeps")
PAGE, TWIN, TABLE, BEST = "sweep.html", "results.json", "trials.csv", "best.toml"
FINALISTS, FRESH_SEEDS = 5, 5
MOST_TRIALS, MOST_SEED, MOST_FRESH = 100_000, 2**32 - 1, 1000
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random", "grid")
PRUNERS: tuple[Pruner, ...] = ("hyperband", "none")


def sweep(
    space: str | Path | Mapping[str, Any],
    data: str | Path = DEFAULT_DATASET,
    *,
    trials: int | None = None,
    sampler: Sampler = "tpe",
    pruner: Pruner = "hyperband",
    finalists: int = FINALISTS,
    fresh_seeds: int = FRESH_SEEDS,
    validation: int | None = None,
    second: int | None = None,
    seed: int = 0,
    on: str | None = None,
    threads: int | None = None,
    storage: str | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    command: str | Sequence[str] = "Python call",
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
    on_job: OnJob = no_job_lines,
    on_trials: OnTrials = no_trials,
) -> SweepReport:
    """Search for better settings of a recipe by many trials; ``fittingroom sweep`` is this function.

    Two parts of the training images are held out. The first judges the trials. The best of them, and the recipe as it
    was, are then trained again with fresh seeds and judged on the second, which no trial has met: only so can be told
    what was gained, and by how much the best trial flattered itself. No test image is looked at. A call that was
    interrupted goes on by the same call, and one with more trials adds some.

    Args:
        space: what is varied: a TOML file, or its values, ``{"recipe": "92", "space": {"learning_rate": {"low": 0.01,
            "high": 0.1, "log": True}, "optimizer": ["sgd", "adam"]}}``; see `fittingroom.workflows.sweep_space`.
        data: a name or a folder.
        trials: how many in all; 40 where it is None, or all combinations of a grid.
        sampler: who proposes: "tpe" looks at what the trials before came to (tree-structured Parzen estimators),
            "random" draws, "grid" takes every combination.
        pruner: "hyperband" stops trials early that are behind others after as many epochs; "none" trains all.
        finalists: how many of the best are trained again; 0 for none, and then it is not known how much is luck.
        fresh_seeds: with how many seeds each, those after ``seed``.
        validation: images of the first part, held out of the training images; a sixth of them, 10,000 at most, where it
            is None.
        second: of the second part; likewise.
        seed: of every trial's training, and of what is proposed.
        on: where: None for this process; ``local`` or ``local:4`` for worker processes, or a Dask scheduler.
        threads: of the processor, of each training; see `train_seeds`.
        storage: an address that Optuna knows, such as ``sqlite:///sweep.db``, where several machines share one study;
            a journal in the folder where it is None.
        out: the sweep's folder; ``sweeps/NAME-`` and eight digits that stand for all that was asked where it is None.
        data_dir: where a known dataset's files are; None to look.
        command: how this was called, for the page.
        log: takes one line for the user.
        on_progress: takes the progress of the training that this process is at.
        on_job: takes where each training stands.
        on_trials: takes the rows of all trials, whenever one begins or ends; see
            `fittingroom.workflows.sweep_trials.trial_rows`.

    Returns:
        What came out; the folder has it as ``results.json``, ``trials.csv``, ``best.toml`` (a recipe) and
        ``sweep.html``, with the runs of all trials.

    Raises:
        UsageError: Optuna is not installed; a space file with an unknown name or nothing to vary; a cluster or a
            storage that does not answer.
        DataError: data that cannot be had.
        RunError: the folder holds another sweep, or the cluster or the study was lost.
        TrainingError: every trial failed.
        Interrupted: the user stopped it; the same call goes on.
    """
    check_whole(finalists, "finalists", 0, None)
    check_whole(fresh_seeds, "fresh_seeds", 1, MOST_FRESH)
    words = command if isinstance(command, str) else shlex.join(command)
    plan = _planned(space, data, data_dir, seed, sampler, pruner, trials, (on, threads), (validation, second), log)
    asked = asked_of(plan)
    plan = replace(plan, folder=Path(out) if out is not None else ROOT / f"{plan.space.name}-{digits_of(asked)}")
    check_reachable(plan.place)
    if storage is not None:
        with optuna_told() as optuna:
            open_study(optuna, plan, f"fittingroom-{digits_of(asked)}", storage)  # refused before a folder is made
    plan = begun(plan, asked)
    with sweep_alone(plan.folder), optuna_told() as optuna:
        study = open_study(optuna, plan, f"fittingroom-{digits_of(asked)}", storage)
        names = [each.name for each in plan.space.dimensions]

        def keep_table(rows: Sequence[Mapping[str, Any]]) -> None:
            write_trials(plan.folder / TABLE, rows, names)
            on_trials(rows)

        try:
            TrialRunner(plan, optuna, study, storage is not None, log).run(on_progress, on_job, keep_table)
        finally:
            rows = trial_rows(study, plan.folder)
            keep_table(rows)
        best = best_trials(rows, max(1, finalists))
        if not best:
            raise TrainingError(f"No trial was trained to its end. What was tried is in {plan.folder / TABLE}.")
        judged = judge_best(plan, best, fresh_seeds, log, on_progress, on_job) if finalists else []
        report = gather_sweep(plan, study, rows, best, judged, words)
    _write(report, plan)
    return report


def _planned(
    space: str | Path | Mapping[str, Any],
    data: str | Path,
    data_dir: str | Path | None,
    seed: int,
    sampler: Sampler,
    pruner: Pruner,
    trials: int | None,
    where: tuple[str | None, int | None],
    held_out: tuple[int | None, int | None],
    log: Log,
) -> SweepPlan:
    """Return all that decides a sweep, found and checked; nothing is written."""
    if missing("sweep"):
        raise UsageError(f"A sweep needs Optuna, which is not installed. Install it: {install_line('sweep')}")
    if not isinstance(data, str | Path):
        raise UsageError(f"data: expected a name or a folder for a sweep, received {type(data).__name__}.")
    for name, value, known in (("sampler", sampler, SAMPLERS), ("pruner", pruner, PRUNERS)):
        look_up(value, dict.fromkeys(known), name)
    check_whole(seed, "seed", 0, MOST_SEED - MOST_FRESH)
    count = None if trials is None else check_whole(trials, "trials", 1, MOST_TRIALS)
    threads = None if where[1] is None else check_whole(where[1], "threads", 1, MOST_THREADS)
    place, read = find_place(where[0], threads), read_space(space)
    total = trial_count(read, sampler, count)
    loaded, base, known_facts, networks = find_networks(read, data, data_dir, seed, log)
    sizes = held_out_sizes(len(loaded.train), *held_out)
    return SweepPlan(
        folder=ROOT,
        space=read,
        base=base,
        known=known_facts,
        networks=networks,
        loaded=loaded,
        data=(data, data_dir),
        validation=sizes[0],
        second=sizes[1],
        seed=seed,
        trials=total,
        sampler=sampler,
        pruner=pruner,
        threads=place.threads if place else threads or threads_here(),
        place=place,
    )


def _write(report: SweepReport, plan: SweepPlan) -> None:
    """Write what came out: the best recipe, the page, and its twin.

    Raises:
        UsageError: the folder cannot be written.
    """
    best = plan.base.replace(**report.best)
    head = f"# The best of {counted(len(report.trials), 'trial')} on {report.dataset} ({report.chosen}); see {PAGE}.\n"
    try:
        atomic_write(plan.folder / BEST, head + best.to_toml())
        write_json(plan.folder / TWIN, report.to_dict())
        atomic_write(plan.folder / PAGE, sweep_page(report, plan.space.dimensions))
    except OSError as error:
        raise UsageError(f"{plan.folder}: the sweep's page cannot be written: {error.strerror}.") from error
