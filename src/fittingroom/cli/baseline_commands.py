"""`fittingroom baselines`: the table of classifiers that can be run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fittingroom.cli.formats import Format, refuse_both, written_table
from fittingroom.cli.job_table import job_table
from fittingroom.cli.options import DataDir, DatasetName, Json, On, Quiet, Threads
from fittingroom.cli.output import emit, emit_json, log_unless


def baselines(
    *families: str,
    suite: Annotated[str, Parameter(help="paper, modern or ladder, or a TOML file like theirs.")] = "paper",
    dataset: DatasetName = "fashion-mnist",
    budget: Annotated[
        str | None, Parameter(help="Time that a row may take, such as 30s, 10m or 2h; the suite's if left out.")
    ] = None,
    on: On = None,
    threads: Threads = None,
    out: Annotated[Path, Parameter(help="Folder of the tables; this one's is OUT/SUITE-DATASET.")] = Path("baselines"),
    table_only: Annotated[bool, Parameter(help="Fit nothing; write the table from the rows that are there.")] = False,
    data_dir: DataDir = None,
    format: Format = None,  # noqa: A002  (the option's own name)
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a suite of classifiers, a row each, and set them beside the figures of the dataset's paper.

    Rows that are there are not fitted again, so that it can be stopped and started; failures and time-outs are rows.

    Args:
        families: only these, such as SVC; all of the suite if left out.
    """
    from fittingroom.baselines.baseline_table import BEST, COLUMNS, PAGE, best_rows, run_baselines
    from fittingroom.baselines.suite import parse_budget, read_suite

    refuse_both(format, json)
    seconds = None if budget is None else parse_budget(budget)
    best_known = read_suite(suite).paper_best
    log = log_unless(quiet or json)
    with job_table(quiet or json or on is None) as on_job:
        rows, folder = run_baselines(
            suite,
            dataset,
            families=families,
            budget_seconds=seconds,
            on=on,
            threads=threads,
            out=out,
            data_dir=data_dir,
            table_only=table_only,
            log=log,
            on_job=on_job,
        )
    best = best_rows(rows, best_known)
    if json:
        emit_json({"schema": "fittingroom/baselines/1", "folder": str(folder), "rows": rows, "best": best})
    elif format:
        emit(written_table(format, COLUMNS, [list(row.values()) for row in rows]))
    else:
        emit(written_table("markdown", BEST, [list(row.values()) for row in best]) + f"\nThe page: {folder / PAGE}")
