"""What came out of a sweep, judged where nothing was chosen: the best trials trained again with fresh seeds.

The highest of many noisy scores is too high: it was chosen for its luck as well. So the best few, and the recipe that
was varied, are trained again with seeds that no trial had, and judged on a second held-out part that no trial has met.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data.edits import parse_edits
from fittingroom.errors import Interrupted
from fittingroom.jobs.run_jobs import OnJob, run_jobs
from fittingroom.judging import over_seeds
from fittingroom.judging.intervals import student_interval
from fittingroom.runs import open_run
from fittingroom.words import counted
from fittingroom.workflows.train_jobs import train_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.data import Dataset, Log
    from fittingroom.jobs.job import Job, Report, Row
    from fittingroom.progress import OnProgress
    from fittingroom.workflows.sweep_plan import SweepPlan

FINALS = "finals"  # the folder of their runs
AS_IT_WAS = "recipe"  # the name of the recipe that was varied among them
Z = statistics.NormalDist().inv_cdf(0.975)


def judged_job(job: Job, data: Dataset | None, report: Report) -> Row:
    """Train a job's run and judge it on the images that its edits leave out: the second part.

    Args:
        job: as `SweepPlan.job` makes it.
        data: to train on, with all training images.
        report: whom to tell.

    Returns:
        The row of `train_job`, and second_accuracy and second_n.

    Raises:
        FittingRoomError: as `train_job`.
    """
    row = train_job(job, data, report)
    assert data is not None
    assert job.folder is not None
    edits = job.arguments["edits"]
    excluded = parse_edits(Path(edits["file"]), edits["text"], data).excluded
    part = data.train.take(np.flatnonzero(np.isin(data.train.indices, excluded)))
    answers = open_run(job.folder).predict(part.images, tempered=False).argmax(axis=1)
    return {**row, "second_accuracy": float(np.mean(answers == part.labels)), "second_n": len(part)}


def best_trials(rows: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    """Return the trials with the highest validation accuracy that were trained to their end, no settings twice.

    Args:
        rows: of `trial_rows`.
        count: how many at most.
    """
    done = sorted(
        (row for row in rows if row["outcome"] == "done"), key=lambda row: (-row["val_accuracy"], row["number"])
    )
    found: list[Mapping[str, Any]] = []
    for row in done:
        if len(found) < count and all(row["settings"] != other["settings"] for other in found):
            found.append(row)
    return found


def judge_best(
    plan: SweepPlan,
    best: Sequence[Mapping[str, Any]],
    fresh_seeds: int,
    log: Log,
    on_progress: OnProgress,
    on_job: OnJob,
) -> list[dict[str, Any]]:
    """Train the best trials, and the recipe that was varied, with fresh seeds, and judge them on the second part.

    Args:
        plan: of the sweep.
        best: rows of `best_trials`.
        fresh_seeds: how many, the same ones for each.
        log: takes one line for the user.
        on_progress: takes the progress of the training that this process is at.
        on_job: takes where each training stands.

    Returns:
        For each: name (the trial's, or `AS_IT_WAS`), settings, trial_accuracy (None for the recipe), by_seed (for each
        seed first and second, the accuracies on the two parts), first and second (mean, sd, intervals over the seeds;
        None where none was trained to its end), seconds (mean of a training), and error (the first one, or None).

    Raises:
        Interrupted: the user stopped it; the same call goes on.
        RunError: the cluster was lost.
    """
    entrants = [(row["trial"], row["settings"], row["val_accuracy"]) for row in best] + [(AS_IT_WAS, {}, None)]
    seeds = range(plan.seed + 1, plan.seed + 1 + fresh_seeds)
    jobs = [
        plan.job(plan.folder / FINALS / f"{name}-s{seed}", settings, seed)
        for seed in seeds
        for name, settings, _ in entrants
    ]
    log(
        f"The best {counted(len(best), 'trial')}, and the recipe as it was, are trained again with "
        f"{counted(fresh_seeds, 'fresh seed')} each: {counted(len(jobs), 'training')}."
    )
    came_to: dict[str, Row] = {}
    errors: dict[str, str] = {}
    try:
        for outcome in run_jobs(judged_job, jobs, plan.place, log=log, on_progress=on_progress, on_job=on_job):
            if outcome.row is not None:
                came_to[outcome.job.key] = outcome.row
            elif outcome.error is not None:
                errors[outcome.job.key] = str(outcome.error)
    except (Interrupted, KeyboardInterrupt):
        raise Interrupted(f"Stopped. {plan.folder} goes on by the same command again.") from None
    return [_judged(*entrant, seeds, came_to, errors) for entrant in entrants]


def _judged(
    name: str,
    settings: Mapping[str, Any],
    trial_accuracy: float | None,
    seeds: range,
    came_to: Mapping[str, Row],
    errors: Mapping[str, str],
) -> dict[str, Any]:
    rows = {seed: came_to[f"{name}-s{seed}"] for seed in seeds if f"{name}-s{seed}" in came_to}
    by_seed = {
        str(seed): {"first": row["val_accuracy"], "second": row["second_accuracy"]} for seed, row in rows.items()
    }
    found: dict[str, Any] = {"name": name, "settings": dict(settings), "trial_accuracy": trial_accuracy}
    found |= {"by_seed": by_seed, "first": None, "second": None, "second_n": None, "seconds": None}
    found["error"] = next((errors[f"{name}-s{seed}"] for seed in seeds if f"{name}-s{seed}" in errors), None)
    if rows:
        n = next(iter(rows.values()))["second_n"]
        found["first"] = statistics.fmean(row["val_accuracy"] for row in rows.values())
        second = over_seeds([row["second_accuracy"] for row in rows.values()], n)
        found["second"] = {**asdict(second), "mean_interval": second.mean_interval}
        found["second_n"] = n
        found["seconds"] = statistics.fmean(row["seconds"] for row in rows.values())
    return found


def chosen_of(judged: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the best of the judged trials by its fresh seeds on the first part; None where none was trained.

    The second part chooses nothing, so that what it says of the chosen one stays fair.

    Args:
        judged: as `judge_best` returns them.
    """
    able = [each for each in judged if each["name"] != AS_IT_WAS and each["first"] is not None]
    return max(able, key=lambda each: each["first"], default=None)


def flattery(
    winner: Mapping[str, Any], as_it_was: Mapping[str, Any] | None, validation_n: int
) -> dict[str, Any] | None:
    """Return by how much the trial with the highest score flattered itself.

    Args:
        winner: of `judge_best`, the trial that was first by its own score.
        as_it_was: likewise, the recipe that was varied: nothing has chosen it, so it tells how far the parts differ.
        validation_n: images of the first part.

    Returns:
        trial: its score when it was a trial; first: with fresh seeds on the same images; second: with fresh seeds on
        images that no trial has met; too_high: trial less second; interval: of that, 95 %, from the sampling errors of
        both parts and the spread over seeds, taken as normal; easier: by how much the second part is easier than the
        first for the recipe as it was, or None. None where no fresh seed was trained.
    """
    if winner["second"] is None:
        return None
    own, second = winner["trial_accuracy"], winner["second"]
    seeds, sd = len(second["accuracies"]), second["sd"] or 0.0
    spread = own * (1 - own) / validation_n + second["mean"] * (1 - second["mean"]) / second["n"] + sd**2 / seeds
    too_high, half = own - second["mean"], Z * math.sqrt(spread)
    is_known = as_it_was is not None and as_it_was["second"] is not None
    easier = as_it_was["second"]["mean"] - as_it_was["first"] if as_it_was is not None and is_known else None
    return {
        "trial": own,
        "first": winner["first"],
        "second": second["mean"],
        "too_high": too_high,
        "interval": [too_high - half, too_high + half],
        "easier": easier,
    }


def gain_over(chosen: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what one recipe gains over another on the second part, paired by seed.

    Args:
        chosen: of `judge_best`.
        other: likewise, such as the recipe as it was.

    Returns:
        mean: of the differences; interval: Student's, 95 %, over the seeds, None for fewer than two; seeds: how many.
        None where they share no seed.

    Example:
        >>> ours = {"by_seed": {"1": {"second": 0.93}, "2": {"second": 0.94}}}
        >>> theirs = {"by_seed": {"1": {"second": 0.92}, "2": {"second": 0.92}}}
        >>> round(gain_over(ours, theirs)["mean"], 3)
        0.015
    """
    shared = [seed for seed in chosen["by_seed"] if seed in other["by_seed"]]
    gains = [chosen["by_seed"][seed]["second"] - other["by_seed"][seed]["second"] for seed in shared]
    if not gains:
        return None
    return {"mean": statistics.fmean(gains), "interval": student_interval(gains), "seeds": len(gains)}


def pareto_front(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the trials that none beats in both accuracy and cost, from the cheapest to the dearest.

    Args:
        rows: of `trial_rows`; only those that were trained to their end take part.

    Example:
        >>> rows = [("a", 1.0, 0.8), ("b", 2.0, 0.9), ("c", 3.0, 0.85)]
        >>> pareto_front([{"trial": t, "seconds": s, "val_accuracy": v, "outcome": "done"} for t, s, v in rows])
        ['a', 'b']
    """
    done = [row for row in rows if row["outcome"] == "done" and row["seconds"] is not None]
    front, best = [], -math.inf
    for row in sorted(done, key=lambda row: (row["seconds"], -row["val_accuracy"])):
        if row["val_accuracy"] > best:
            front.append(row["trial"])
            best = row["val_accuracy"]
    return front
