"""`fittingroom bench`, `ladder` and `baselines`: measure speed, the ladder's rungs, other libraries' classifiers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from fittingroom.cli.formats import Format, refuse_both, written_table
from fittingroom.cli.job_table import job_table
from fittingroom.cli.options import DataDir, DatasetName, Json, On, Quiet, Threads, whole
from fittingroom.cli.output import emit, emit_json, log_unless, progress
from fittingroom.words import counted

Race = Literal["walkthrough", "thin-conv", "one-hot", "whole"]


def speed(
    *,
    only: Annotated[Race | None, Parameter(help="One of the tables; all of them if left out.")] = None,
    rounds: Annotated[int, Parameter(help="How often each framework is timed."), whole(1)] = 3,
    peers: Annotated[Path, Parameter(help="Folder with peer scripts, peer_NAME.py.")] = Path("benchmarks"),
    environments: Annotated[Path, Parameter(help="Folder that `make bench-peers` made.")] = Path(".peers"),
    quiet: Quiet = False,
) -> None:
    """Measure an epoch of this trainer beside its rivals, and the walk-through as a whole beside plain Keras scripts.

    The contenders take turns, each in a process of its own; the tables give medians, spread and ratios. Those on JAX
    and TensorFlow take part where `make bench-peers` has made their environments.
    """
    from fittingroom.backend import choose_device, versions
    from fittingroom.speed.contenders import JOBS
    from fittingroom.speed.lineup import Places, fill, versions_elsewhere
    from fittingroom.speed.race import race, race_table, race_whole, whole_table

    log = log_unless(quiet)
    with TemporaryDirectory() as folder:
        places = Places(peers, environments, fill(Path(folder)))
        device, numbers = choose_device(), versions(("torch", "keras")) | versions_elsewhere(places)
        made_with = ", ".join(f"{package} {number}" for package, number in numbers.items())
        threads = counted(device.threads, "thread")
        emit(f"# Speed: this trainer beside its rivals\n\n{device.title}, {threads}; {made_with}\n")
        for job in JOBS:
            if only in (None, job):
                emit(race_table(job, race(job, rounds, places, log)))
        if only in (None, "whole"):
            emit(whole_table(*race_whole(rounds, places, log)))


def step(
    *recipes: str,
    dataset: DatasetName = "fashion-mnist",
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """Say where the seconds of a training step go: a table by operation, each beside its floor on this machine.

    Nothing else should run meanwhile. A floor is what a large matrix product and a large copy on this machine allow.

    Args:
        recipes: names or TOML files; walkthrough and 92 if left out.
    """
    from fittingroom.data import load
    from fittingroom.recipes import load_recipe
    from fittingroom.speed.step_table import step_table

    asked = {name: load_recipe(name) for name in recipes or ("walkthrough", "92")}
    data = load(dataset, data_dir=data_dir, log=log_unless(quiet))
    for name, recipe in asked.items():
        emit(step_table(recipe, data).markdown(f"recipe {name}"))


def ladder(
    *rungs: str,
    dataset: DatasetName = "fashion-mnist",
    seeds: Annotated[
        int | None,
        Parameter(help="At most this many seeds for each rung; the protocol's number if left out."),
        whole(1),
    ] = None,
    out: Annotated[Path, Parameter(help="Folder for the runs, the table, the plot and the page.")] = Path("ladder"),
    test_log: Annotated[
        Path | None, Parameter(name="--log", help="File for the test looks; OUT/test_log.jsonl.")
    ] = None,
    times: Annotated[Path | None, Parameter(help="File for the timed epochs; OUT/epoch_times.jsonl.")] = None,
    no_timing: Annotated[bool, Parameter(help="Do not time: other programs are running on this machine.")] = False,
    peers: Annotated[Path, Parameter(help="Folder with peer_plain_torch.py, the yardstick.")] = Path("benchmarks"),
    table_only: Annotated[bool, Parameter(help="Measure nothing; write table, plot and page from the logs.")] = False,
    data_dir: DataDir = None,
    format: Format = None,  # noqa: A002  (the option's own name)
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure the ladder: train each rung's recipe with each seed, score it once on the test set, and write the page.

    What the log already holds for the recipe as it is now is not measured again, so that it can be stopped and started.

    Args:
        rungs: their names; all that have a recipe if left out.
    """
    from fittingroom.data import load
    from fittingroom.ladder.ladder_plan import chosen, run_ladder, written
    from fittingroom.ladder.ladder_table import PLAIN_COLUMNS, as_json, markdown, plain_rows
    from fittingroom.ladder.measure import YARDSTICK, plain_loop

    refuse_both(format, json)
    asked, log = chosen(rungs), log_unless(quiet or json)
    looks, timings = test_log or out / "test_log.jsonl", times or out / "epoch_times.jsonl"
    if table_only:
        rows = written(out, looks, timings, dataset)
    else:
        data, script = load(dataset, data_dir=data_dir, log=log), peers / YARDSTICK
        yardstick = plain_loop(script) if script.is_file() else None
        if yardstick is None and not no_timing:
            log(f"No {script}: seconds without a yardstick, which cannot be compared with another machine's.")
        options: dict[str, Any] = {"seeds": seeds, "timed": not no_timing, "yardstick": yardstick, "log": log}
        with progress(quiet or json) as on_progress:
            rows = run_ladder(asked, data, out, looks, timings, on_progress=on_progress, **options)
    if json:
        emit_json(as_json(rows))
    elif format:
        emit(written_table(format, PLAIN_COLUMNS, plain_rows(rows)))
    else:
        emit(markdown(rows) + f"\nThe page: {out / 'ladder.html'}")
    return 0


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
