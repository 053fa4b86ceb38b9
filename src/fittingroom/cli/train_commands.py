"""`fittingroom train` and `tutorial`: train a model and keep the run; the walk-through, from data to a page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fittingroom.cli.job_table import job_table
from fittingroom.cli.options import (
    MOST_SEED,
    DataDir,
    DatasetName,
    Epochs,
    Json,
    On,
    Out,
    Quiet,
    Seed,
    Threads,
    whole,
)
from fittingroom.cli.output import command_words, emit, emit_json, log_unless, progress, table
from fittingroom.cli.verdict_text import score_line, show_references
from fittingroom.errors import UsageError
from fittingroom.judging import references_line, wilson_interval
from fittingroom.runs import PAGE, TUTORIAL, Run
from fittingroom.training.recipe import parse_setting
from fittingroom.tutorial_plan import EPOCHS, PALETTE, TutorialPlan
from fittingroom.words import counted

if TYPE_CHECKING:
    from fittingroom.judging import Seeds, Verdict
    from fittingroom.workflows.run_group import RunGroup


def train(
    *,
    model: Annotated[
        str | None,
        Parameter(name=["--model", "-m"], help="An architecture (`fittingroom models list`), or FILE.py:function."),
    ] = None,
    dataset: Annotated[
        str | None, Parameter(name=["--dataset", "-d"], help="A known dataset, or a folder; fashion-mnist if left out.")
    ] = None,
    recipe: Annotated[
        str | None, Parameter(help="A name (`fittingroom recipes list`), or a TOML file of name = value lines.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        Parameter(name="--set", help="One setting of the recipe, such as learning_rate=0.05; repeatable."),
    ] = None,
    epochs: Epochs = None,
    batch_size: Annotated[int | None, Parameter(help="Images a step; the recipe's batch_size."), whole(1)] = None,
    lr: Annotated[
        str | None, Parameter(help="Size of an update, such as 0.05; the recipe's learning_rate.", show_default=False)
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"] | None,
        Parameter(help="Where to train; a CUDA card where there is one, else the processor, if left out."),
    ] = None,
    validation: Annotated[
        int | None, Parameter(help="Training images to hold out, to measure the network after each epoch."), whole(1)
    ] = None,
    seed: Annotated[
        int | None,
        Parameter(help="All random choices follow from it: the same seed gives the same run; 0 if left out."),
        whole(0, MOST_SEED),
    ] = None,
    seeds: Annotated[
        int | None,
        Parameter(help="Train so many runs, with --seed and those after it, and tell their mean and spread."),
        whole(1),
    ] = None,
    on: On = None,
    threads: Threads = None,
    name: Annotated[str | None, Parameter(help="Of the run: letters, digits, dots, dashes and underscores.")] = None,
    out: Out = None,
    resume: Annotated[
        Path | None, Parameter(help="Go on with this run from its last checkpoint; a finished one for --epochs in all.")
    ] = None,
    preview: Annotated[
        Path | None,
        Parameter(help="Train nothing; draw the first batch as the network would get it, into this picture."),
    ] = None,
    find_lr: Annotated[
        Path | None, Parameter(help="Keep nothing; try growing learning rates, and draw the loss into this picture.")
    ] = None,
    track: Annotated[
        list[str] | None,
        Parameter(help="Tell each epoch's figures to tensorboard, mlflow, trackio or wandb; repeatable."),
    ] = None,
    edits: Annotated[
        Path | None, Parameter(help="A completed edits.csv of `fittingroom audit`: carried out before training.")
    ] = None,
    snapshots: Annotated[
        bool, Parameter(help="Keep the weights after steps 1, 2, 4, 8, ... too: the run's page replays the training.")
    ] = False,
    no_onnx: Annotated[bool, Parameter(help="Do not write model.onnx beside model.keras.")] = False,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model on a dataset's training images and keep everything about it in a run folder."""
    from fittingroom.training.ranks import is_first, refuse_ranks
    from fittingroom.workflows import training

    quiet = quiet or not is_first()
    if preview is not None or find_lr is not None or seeds is not None or on is not None:
        refuse_ranks("--preview, --find-lr, --seeds and --on")
    asked: dict[str, Any] = {"recipe": recipe, "epochs": epochs, "validation": validation, "seed": seed}
    asked |= {"batch_size": batch_size, "lr": _rate(lr), "device": device, "track": track, "name": name, "out": out}
    asked |= {"edits": edits, "snapshots": snapshots or None}
    found: dict[str, Any] = {"data_dir": data_dir, "log": log_unless(quiet or json)}
    data = dataset or training.DEFAULT_DATASET
    if preview is not None or find_lr is not None:
        given = {
            **asked,
            "seeds": seeds,
            "on": on,
            "threads": threads,
            "resume": resume,
            "preview": preview and find_lr,
        }
        _refuse_before_training(given, TAKEN_BY_FIND_LR if preview is None else TAKEN_BY_PREVIEW)
        settings = _with_options(_settings(set_ or []), batch_size=batch_size, device=device)
        named = {"recipe": recipe, "settings": settings, "seed": seed or 0, "validation": validation, "data": data}
        named |= found | {"edits": edits}
        _draw_preview(preview, model, named, json) if preview else _try_rates(find_lr, model, named, json)
        return
    if resume is not None:
        kept = {key: asked[key] for key in asked if key not in ("epochs", "name", "out")}
        _refuse_with_resume({"recipe": recipe, "set": set_, **kept, "seeds": seeds, "on": on, "threads": threads})
    if seeds is not None and snapshots:
        raise UsageError(
            "Expected --snapshots without --seeds: they are kept of one training at a time. Leave one out."
        )
    if seeds is None and (on is not None or threads is not None):
        raise UsageError("Expected --on and --threads with --seeds: they are for several trainings. Add --seeds 1.")
    where: dict[str, Any] = {"model": model, "onnx": not no_onnx, "command": command_words(), **found}
    if seeds is not None:
        asked |= {"seed": seed or 0, "settings": _settings(set_ or []), "track": track or (), **where}
        del asked["snapshots"]
        _train_seeds({**asked, "data": data, "seeds": seeds, "on": on, "threads": threads}, quiet, json)
        return
    with progress(quiet or json) as on_progress:
        if resume is not None:
            more: dict[str, Any] = {"epochs": epochs, "name": name, "out": out, "on_progress": on_progress}
            run = training.resume_run(resume, dataset=dataset, **more, **where)
        else:
            asked |= {"seed": seed or 0, "settings": _settings(set_ or []), "track": track or (), **where}
            asked |= {"data": data, "snapshots": snapshots, "on_progress": on_progress}
            run = training.train(**asked)
    if is_first():
        _print(run, json)


def _train_seeds(asked: dict[str, Any], quiet: bool, json: bool) -> None:
    from fittingroom.workflows.seed_training import train_seeds

    elsewhere = asked["on"] is not None
    with progress(quiet or json or elsewhere) as on_progress, job_table(quiet or json or not elsewhere) as on_job:
        group = train_seeds(on_progress=on_progress, on_job=on_job, **asked)
    _print_group(group, json)


TAKEN_BY_FIND_LR = ("recipe", "seed", "validation", "batch_size", "device", "edits")
TAKEN_BY_PREVIEW = ("recipe", "seed", "validation", "batch_size", "edits")


def _rate(text: str | None) -> float | Literal["auto"] | None:
    """Return the learning rate that ``--lr`` gives."""
    rate: float | Literal["auto"] | None = None if text is None else parse_setting(f"learning_rate={text}")[1]
    return rate


def _with_options(settings: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return settings with those that have options of their own, where they were given.

    Raises:
        UsageError: one was given twice.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name in settings:
            raise UsageError(f"Expected {name} once, received it twice: by itself and among the settings.")
    return settings | given


def _refuse_before_training(asked: dict[str, Any], taken: tuple[str, ...]) -> None:
    given = [_option(name) for name, value in asked.items() if value is not None and name not in taken]
    if given:
        raise UsageError(
            f"Expected --preview or --find-lr without {', '.join(given)}: nothing is trained to keep. Leave that out."
        )


def _draw_preview(path: Path, model: str | None, named: dict[str, Any], json: bool) -> None:
    from fittingroom.pages.figures import preview_figure, save_figure
    from fittingroom.workflows.training_previews import preview

    if model is not None:
        raise UsageError("Expected --preview without --model: every network gets the same batch. Leave that out.")
    rows = preview(**named)
    save_figure(preview_figure(rows), path)
    if json:
        emit_json(
            {"schema": "fittingroom/preview/1", "picture": str(path), "images": len(rows[0]), "epochs": len(rows) - 1}
        )
        return
    emit(
        f"{counted(len(rows[0]), 'image')} of the first batch, as they are and as the network gets them in "
        f"{counted(len(rows) - 1, 'epoch')}: {path}"
    )


def _try_rates(path: Path | None, model: str | None, named: dict[str, Any], json: bool) -> None:
    from fittingroom.pages.figures import rate_figure, save_figure
    from fittingroom.workflows.training_previews import find_learning_rate

    assert path is not None
    curve = find_learning_rate(model, **named)
    save_figure(rate_figure(curve), path)
    if json:
        emit_json({"schema": "fittingroom/find-lr/1", "picture": str(path), **curve._asdict()})
        return
    emit(
        f"Suggested learning rate: {curve.suggestion:g}, the smallest at which the loss has come down nine tenths "
        f"of the way. The curve: {path}\nTrain with it by adding: --set learning_rate={curve.suggestion:g}"
    )


def _refuse_with_resume(asked: dict[str, Any]) -> None:
    given = [_option(name) for name, value in asked.items() if value is not None]
    if given:
        raise UsageError(
            f"Expected --resume without {', '.join(given)}: a run goes on with the recipe, seed and held-out images "
            "that it has. Leave that out, or train anew without --resume."
        )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _settings(texts: list[str]) -> dict[str, Any]:
    """Return the recipe's settings that ``--set`` gives, by name."""
    return dict(parse_setting(text) for text in texts)


def _print(run: Run, json: bool) -> None:
    from fittingroom.training.tracking import ways_to_look

    last = run.history[-1]
    if json:
        validated = {"validation_n": run.environment["validation_images"], "validation_interval": _interval(run)}
        emit_json({"schema": "fittingroom/train/1", "run": str(run.folder), "last_epoch": last, **validated})
        return
    emit(f"Training accuracy {last['accuracy']:.4f} after {counted(last['epoch'], 'epoch')}")
    interval = _interval(run)
    if interval is not None:
        facts = run.environment
        emit(
            f"Validation accuracy {last['val_accuracy']:.4f} (95 % {interval[0]:.4f} to {interval[1]:.4f}, "
            f"n = {facts['validation_images']:,}), seed {facts['seed']}, data {facts['fingerprint']}"
        )
        if references_line(str(facts["dataset"])):
            emit(references_line(str(facts["dataset"])))
    for command in ways_to_look(run):
        emit(f"Look at what was tracked: {command}")
    name = run.environment.get("name")
    emit(f"The run{f' {name}' if name else ''}: {run.folder}\nTest it, once: fittingroom evaluate {run.folder}")


def _interval(run: Run) -> tuple[float, float] | None:
    """Return the interval of the last epoch's validation accuracy; None where nothing was held out."""
    n, share = run.environment["validation_images"], run.history[-1]["val_accuracy"]
    return wilson_interval(round(share * n), n) if n and share is not None else None


def _print_group(group: RunGroup, json: bool) -> None:
    splits = {"training": group.training, "validation": group.validation, "test": group.test}
    if json:
        seeds = {
            split: found and {**asdict(found), "mean_interval": found.mean_interval} for split, found in splits.items()
        }
        emit_json({"schema": "fittingroom/train-seeds/1", "group": str(group.folder), "runs": _rows(group), **seeds})
        return
    cells = [[_cell(value) for value in row.values()] for row in _rows(group)]
    emit(table(["run", "seed", "training", "validation", "test"], cells) + "\n")
    for split, found in splits.items():
        if found is not None and (split != "training" or not (splits["validation"] or splits["test"])):
            emit(_over_seeds_line(split, found))
    if not (splits["validation"] or splits["test"]):
        emit("Accuracy on images that were not trained on: hold some out, --validation 10000, or evaluate each run.")
    emit(f"The group: {group.folder}\nBeside another: fittingroom compare {group.folder} OTHER")


def _rows(group: RunGroup) -> list[dict[str, Any]]:
    """Return each run's folder, its seed and its accuracies, None for what is not known."""
    rows = []
    for run in group.runs:
        last, verdict = run.history[-1], run.verdict or {}
        test = verdict.get("accuracy") if verdict.get("split") == "test" else None
        facts = {"run": str(run.folder), "seed": run.environment["seed"], "accuracy": last["accuracy"]}
        rows.append({**facts, "val_accuracy": last["val_accuracy"], "test_accuracy": test})
    return rows


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _over_seeds_line(split: str, found: Seeds) -> str:
    """Return mean, sd and interval over the seeds in words."""
    start = f"{split.capitalize()} accuracy over {counted(len(found.accuracies), 'seed')}: mean {found.mean:.4f}"
    n = f"n = {found.n:,}"
    if found.sd is None or found.mean_interval is None:
        return f"{start}; sd and interval need two or more. {n}"
    low, high = found.mean_interval
    return f"{start}, sd {found.sd:.4f}, 95 % of the mean {low:.4f} to {high:.4f} (Student's t), {n}"


def tutorial(
    *,
    dataset: DatasetName = "fashion-mnist",
    against: Annotated[str | None, Parameter(help="Another dataset for the same network, to compare: mnist.")] = None,
    epochs: Annotated[int, Parameter(help="Epochs: passes through all the training images."), whole(1)] = EPOCHS,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    palette: Annotated[
        str, Parameter(help="Colours of right and wrong: classic-marked, classic, colour-blind.")
    ] = PALETTE,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Load, look, rescale, build, compile, fit, evaluate, predict and show: nine steps, and a page of them."""
    from fittingroom.tutorial import tutorial as walk_through

    quiet_ = quiet or json
    plan = TutorialPlan(dataset, against, seed, epochs, out, palette, data_dir)
    with progress(quiet_) as on_progress:
        run, verdict = walk_through(plan, log=log_unless(quiet_), on_progress=on_progress)
    if json:
        emit_json(_tutorial_facts(run, verdict))
        return
    environment = run.environment
    emit(score_line(verdict, "Test", environment["fingerprint"], seed))
    show_references(verdict, environment["dataset"])
    emit(f"The page: {run.folder / PAGE}")


def _tutorial_facts(run: Run, verdict: Verdict) -> dict[str, Any]:
    return {
        "schema": "fittingroom/tutorial/1",
        "test_accuracy": verdict.accuracy,
        "test_accuracy_interval": list(verdict.accuracy_interval),
        "n": verdict.n,
        "test_loss": verdict.log_loss,
        "train_accuracy": run.history[-1]["accuracy"],
        "epochs": len(run.history),
        "seconds": run.read_json(TUTORIAL)["seconds"],
        "seed": run.environment["seed"],
        "dataset": run.environment["dataset"],
        "fingerprint": run.environment["fingerprint"],
        "run": str(run.folder),
    }
