"""`fittingroom sweep`: many settings of a recipe tried, and the best of them judged again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from fittingroom.cli.job_table import job_table
from fittingroom.cli.options import DataDir, DatasetName, Json, On, Quiet, Threads, whole
from fittingroom.cli.output import command_words, emit, emit_json, log_unless, progress, table

if TYPE_CHECKING:
    from fittingroom.pages.sweep.values import SweepReport

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["hyperband", "none"]
MOST_SEED = 2**32 - 1001  # so that fresh seeds come after it


def sweep(
    space: Path,
    /,
    *,
    dataset: DatasetName = "fashion-mnist",
    trials: Annotated[
        int | None, Parameter(help="How many in all; 40, or every combination of a grid, if left out."), whole(1)
    ] = None,
    sampler: Annotated[
        Sampler, Parameter(help="Who proposes: tpe learns from the trials before, random draws, grid takes all.")
    ] = "tpe",
    pruner: Annotated[
        Pruner, Parameter(help="hyperband stops early what is behind others after as many epochs; none trains all.")
    ] = "hyperband",
    finalists: Annotated[
        int, Parameter(help="Of the best, to be trained again with fresh seeds; 0 for none."), whole(0)
    ] = 5,
    fresh_seeds: Annotated[int, Parameter(help="With how many seeds each."), whole(1, 1000)] = 5,
    validation: Annotated[
        int | None,
        Parameter(help="Training images to hold out, which judge the trials; a sixth, at most 10,000, if left out."),
        whole(1),
    ] = None,
    second: Annotated[
        int | None,
        Parameter(help="Training images to hold out besides, which judge only the best; likewise if left out."),
        whole(1),
    ] = None,
    seed: Annotated[
        int, Parameter(help="Of every trial's training, and of what is proposed."), whole(0, MOST_SEED)
    ] = 0,
    on: On = None,
    threads: Threads = None,
    storage: Annotated[
        str | None,
        Parameter(
            help="A database that several machines share, as Optuna names it, such as sqlite:///sweep.db; a file in "
            "the sweep's folder if left out."
        ),
    ] = None,
    out: Annotated[Path | None, Parameter(name="--out", help="The sweep's folder; below sweeps/ if left out.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Try many settings of a recipe, each trained on the training images, and judge the best of them again.

    Two parts of the training images are held out: one judges the trials, the other only the best of them, trained again
    with fresh seeds. No test image is looked at. Stopped, it goes on by the same command; with more --trials it adds
    some. Out come a page, trials.csv, and the best recipe, best.toml.

    Args:
        space: a TOML file that says what is varied (docs/many.md).
    """
    from fittingroom.pages.sweep_report import sweep as search

    elsewhere, is_quiet = on is not None, quiet or json
    with progress(is_quiet or elsewhere) as on_progress, job_table(is_quiet or not elsewhere) as on_job:
        report = search(
            space,
            dataset,
            trials=trials,
            sampler=sampler,
            pruner=pruner,
            finalists=finalists,
            fresh_seeds=fresh_seeds,
            validation=validation,
            second=second,
            seed=seed,
            on=on,
            threads=threads,
            storage=storage,
            out=out,
            data_dir=data_dir,
            command=command_words(),
            log=log_unless(is_quiet),
            on_progress=on_progress,
            on_job=on_job,
        )
    if json:
        emit_json(report.to_dict())
    else:
        emit(_told(report))


def _told(report: SweepReport) -> str:
    """Return what came out in words."""
    from fittingroom.pages.sweep import values
    from fittingroom.pages.sweep_report import BEST, PAGE

    lines = [values.trials_sentence(report)]
    if report.importance:
        shares = [f"{name} {100 * share:.0f} %" for name, share in report.importance.items()]
        lines.append(f"What mattered: {', '.join(shares)}.")
    if report.finalists:
        rows = [_row(report, each) for each in report.finalists]
        lines += ["", table(["settings", "second part", "sd", "seeds", "first part", "as a trial"], rows), ""]
        lines += [line for line in (values.flattery_sentence(report), values.gain_sentence(report)) if line]
    else:
        lines.append("The best were not trained again (--finalists 0): the best trial's score is too high.")
    lines.append(f"The best: {report.chosen}: {values.setting_words(report.best)}")
    lines.append(f"As a recipe: {report.folder / BEST}\nThe page: {report.folder / PAGE}")
    return "\n".join(lines)


def _row(report: SweepReport, each: object) -> list[str]:
    from fittingroom.pages.sweep.values import finalist_name

    assert isinstance(each, dict)
    name = finalist_name(report, each["name"])
    if each["second"] is None:
        return [name, f"failed: {each['error']}", "-", "0", "-", "-"]
    shown = [each["second"]["mean"], each["second"]["sd"]]
    seeds, rest = str(len(each["by_seed"])), [each["first"], each["trial_accuracy"]]
    cells = ["-" if value is None else f"{value:.4f}" for value in (*shown, *rest)]
    return [name, *cells[:2], seeds, *cells[2:]]
