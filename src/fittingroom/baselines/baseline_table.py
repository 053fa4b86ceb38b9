"""The table of baselines: rows fitted where they lack, beside the paper's figures, as CSV and page."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.backend import processor_name
from fittingroom.baselines.fitting import fit_job
from fittingroom.baselines.suite import BaselineRow, Suite, read_suite
from fittingroom.data import Dataset, Log, load, no_log
from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.files import atomic_write, read_json
from fittingroom.jobs.job import FIELDS, ROW, Job, Row, place_of
from fittingroom.jobs.places import Place, cores, find_place
from fittingroom.jobs.run_jobs import OnJob, no_job_lines, run_jobs
from fittingroom.judging import wilson_interval
from fittingroom.lookup import look_up
from fittingroom.pages.html import render

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    "family",
    "settings",
    "seed",
    "outcome",
    "accuracy",
    "low",
    "high",
    "n",
    "paper",
    "differs",
    "fit_seconds",
    "predict_seconds",
    "peak_bytes",
    "threads",
    "budget_seconds",
    "dataset",
    "fingerprint",
    "versions",
    "error",
)
FEWER = ("family", "settings", "seed", "outcome", "accuracy", "low", "high", "fit_seconds", "peak_bytes")
BEST = ("family", "best here", "low", "high", "settings", "best in the paper", "differs", "rows", "failed", "not run")
PAPER_N = 10_000  # test images of the paper's figures
CHANCE = 0.05
FILE, PAGE = "baselines.csv", "baselines.html"


def run_baselines(
    suite: str | Path,
    dataset: str | Path = "fashion-mnist",
    *,
    families: Sequence[str] = (),
    budget_seconds: float | None = None,
    on: str | None = None,
    threads: int | None = None,
    out: str | Path = "baselines",
    data_dir: Path | None = None,
    table_only: bool = False,
    log: Log = no_log,
    on_job: OnJob = no_job_lines,
) -> tuple[list[dict[str, Any]], Path]:
    """Fit the rows of a suite that are not there yet, and write the table of all of them.

    Every row is fitted on all training images and scored once on the test images: its settings are the suite's, and
    none is chosen by a score.

    Args:
        suite: a name or a TOML file.
        dataset: a name or a folder.
        families: only these; all where there are none.
        budget_seconds: that a row may take; None for the suite's.
        on: see `find_place`.
        threads: of the processor, of each row; None for a fair share of the cores, all of them without ``on``.
        out: the folder of all tables; this one's is ``OUT/SUITE-DATASET`` in it.
        data_dir: where a known dataset's files are.
        table_only: fit nothing.
        log: takes one line for the user.
        on_job: takes where each row stands.

    Returns:
        The rows, with a value for each of `COLUMNS`, those that were not run too; and the folder.

    Raises:
        UsageError: a suite, family or place that is none.
        DataError: data that cannot be had.
        RunError: the cluster was lost.
        Interrupted: the user stopped it; the same call goes on.
    """
    plan, place = read_suite(suite), find_place(on, threads)
    for family in families:
        look_up(family, dict.fromkeys(row.family for row in plan.rows), "family of this suite")
    data = load(dataset, data_dir=data_dir, log=log)
    folder = Path(out) / f"{plan.name}-{data.name}"
    count = place.threads if place else threads or cores()
    budget = budget_seconds or plan.budget_seconds
    where = place_of(data, dataset, data_dir)
    jobs = [_job(row, plan, folder, where, count, budget) for row in plan.rows]
    if not table_only:
        asked = [job for job in jobs if not families or job.arguments["family"] in families]
        _fit(asked, place, folder, log, on_job)
    rows = [_row(row, job, data) for row, job in zip(plan.rows, jobs, strict=True)]
    _write(rows, plan, data, folder)
    return rows, folder


def _job(row: BaselineRow, plan: Suite, folder: Path, data: Any, threads: int, budget: float) -> Job:
    arguments = {"family": row.family, "settings": row.settings, "seed": row.seed, "scaling": plan.scaling}
    digits = hashlib.sha256(json.dumps(row.settings, sort_keys=True).encode()).hexdigest()[:8]
    key = f"{row.family}-{digits}-s{row.seed}"
    return Job(key, folder / key, arguments, threads, data, {"words": row.words, "budget_seconds": budget})


def _fit(jobs: list[Job], place: Place | None, folder: Path, log: Log, on_job: OnJob) -> None:
    for job in jobs:
        kept = _kept(job)
        is_late = kept is not None and kept["outcome"] == "timed out"
        if kept is not None and is_late and kept["budget_seconds"] < job.notes["budget_seconds"] and job.folder:
            (job.folder / ROW).unlink()  # it has more time now
    try:
        for outcome in run_jobs(fit_job, jobs, place, log=log, on_job=on_job):
            if outcome.error is not None:
                raise outcome.error
            if not outcome.was_there and outcome.row is not None:
                log(f"{outcome.job.key}: {told(outcome.row)}")
    except KeyboardInterrupt:
        raise Interrupted(f"Stopped. {folder} goes on by the same command again, row by row.") from None


def told(row: dict[str, Any]) -> str:
    """Return what became of a row in words."""
    if row["outcome"] != "done":
        return f"{row['outcome']}: {row['error']}"
    return f"accuracy {row['accuracy']:.4f}, fitted in {row['fit_seconds']:.1f} s"


def _kept(job: Job) -> Row | None:
    """Return the row that is kept of a job, with however many threads it was fitted."""
    if job.folder is None or not (job.folder / ROW).exists():
        return None
    row: Row = read_json(job.folder / ROW, FIELDS, RunError)["row"]
    return row if job.data is not None and row.get("fingerprint") == job.data.fingerprint else None


def _row(row: BaselineRow, job: Job, data: Dataset) -> dict[str, Any]:
    found = _kept(job) or {"outcome": "not run"}
    known = {"family": row.family, "settings": row.words, "seed": row.seed, "threads": job.threads}
    known |= {"dataset": data.name, "fingerprint": data.fingerprint, "budget_seconds": job.notes["budget_seconds"]}
    edges: dict[str, Any] = {"paper": row.paper}
    if found.get("accuracy") is not None:
        low, high = wilson_interval(round(found["accuracy"] * found["n"]), found["n"])
        edges |= {"low": low, "high": high}
        if row.paper is not None:
            edges["differs"] = differs(found["accuracy"], found["n"], row.paper)
    versions = " ".join(f"{name} {number}" for name, number in (found.get("versions") or {}).items())
    values = {**known, **found, **edges, "versions": versions or None}
    return {name: values.get(name) for name in COLUMNS}


def best_rows(rows: Sequence[dict[str, Any]], paper_best: dict[str, float]) -> list[dict[str, Any]]:
    """Return a row a family: its best setting here beside the paper's best, and whether the two differ beyond chance.

    Both are the best of several by test score, chosen alike, so both flatter their family. The mean over seeds stands
    for a setting that was fitted with several.

    Args:
        rows: of a suite.
        paper_best: by family, where it is known.
    """
    found = []
    for family in dict.fromkeys(row["family"] for row in rows):
        mine = [row for row in rows if row["family"] == family]
        settings = dict.fromkeys(row["settings"] for row in mine if row["accuracy"] is not None)
        scores = {
            one: [r["accuracy"] for r in mine if r["settings"] == one and r["accuracy"] is not None] for one in settings
        }
        means = {one: sum(values) / len(values) for one, values in scores.items()}
        best = max(means, key=means.__getitem__) if means else None
        n = next((row["n"] for row in mine if row["n"]), PAPER_N)
        low, high = wilson_interval(round(means[best] * n), n) if best else (None, None)
        theirs = paper_best.get(family)
        values = [family, means[best] if best else None, low, high, best, theirs]
        values.append(differs(means[best], n, theirs) if best and theirs else None)
        failed = sum(row["outcome"] in ("failed", "timed out") for row in mine)
        found.append(
            dict(zip(BEST, [*values, len(mine), failed, sum(r["outcome"] == "not run" for r in mine)], strict=True))
        )
    return found


def differs(accuracy: float, n: int, theirs: float) -> str:
    """Return whether two accuracies differ beyond chance: a test of two proportions, as if of two test sets.

    The paper's answers are not known one by one, so the two cannot be paired; on the same images a paired test would
    find smaller differences.

    Args:
        accuracy: here, on ``n`` images.
        n: test images.
        theirs: the paper's, on 10,000.

    Example:
        >>> differs(0.897, 10_000, 0.897), differs(0.86, 10_000, 0.897)
        ('no', 'lower here')
    """
    pooled = (accuracy * n + theirs * PAPER_N) / (n + PAPER_N)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / PAPER_N))
    if error == 0 or math.erfc(abs(accuracy - theirs) / error / math.sqrt(2)) >= CHANCE:
        return "no"
    return "higher here" if accuracy > theirs else "lower here"


def _write(rows: list[dict[str, Any]], plan: Suite, data: Dataset, folder: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / FILE, text.getvalue())
        html = render(
            "baselines.html.j2",
            rows=rows,
            best=best_rows(rows, plan.paper_best),
            title=plan.title,
            dataset=data.name,
            fingerprint=data.fingerprint,
            machine=processor_name(),
        )
        atomic_write(folder / PAGE, html)
    except OSError as error:
        raise UsageError(f"{folder}: the table cannot be written: {error.strerror}.") from error
