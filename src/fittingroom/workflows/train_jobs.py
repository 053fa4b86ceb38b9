"""A training as a job: from plain values to a run folder, on whatever machine, gone on with where it was begun."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data.edits import parse_edits
from fittingroom.errors import RunError, UsageError
from fittingroom.files import PARTIAL
from fittingroom.inference.model_files import ONNX_IN_A_RUN
from fittingroom.jobs.job import Job, Report, Row, place_of
from fittingroom.models.custom import is_custom
from fittingroom.runs import LOCK, Run, is_run, open_run
from fittingroom.training import Recipe, checkpoint, resume, train_model
from fittingroom.training.trainer import is_finished
from fittingroom.workflows.training import built, write_twin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.data import Dataset
    from fittingroom.data.edits import Edits

GPUS = ("cuda", "mps")


def training_job(
    folder: Path,
    found: tuple[Any, Any, Recipe, Mapping[str, Any]],
    data: tuple[str | Path, str | Path | None],
    *,
    seed: int,
    threads: int,
    validation: int | None = None,
    onnx: bool = True,
    edits: Edits | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Job:
    """Return a training as a job.

    Args:
        folder: of the run; its name is the job's key.
        found: model, dataset, recipe and facts, as `found_by_name` gives them.
        data: what the dataset was loaded by: its name or path, and where a known one's files are.
        seed: of the run.
        threads: of the processor.
        validation: how many images to hold out.
        onnx: whether to write ``model.onnx``.
        edits: of the training images, to be carried out first.
        facts: what the run's record is to hold besides: its name, the command.
    """
    _, loaded, recipe, known = found
    source = known["model_source"]
    is_file = source["kind"] == "file"
    arguments = {
        "model": f"{source['file']}:{source['function']}" if is_file else source["name"],
        "model_sha256": source["sha256"] if is_file else None,
        "recipe": recipe.as_dict(),
        "seed": seed,
        "validation": validation,
        "onnx": onnx,
        "edits": edits and {"file": edits.name, "text": edits.text},
    }
    notes = {key: value for key, value in known.items() if key not in ("model", "model_source")} | dict(facts or {})
    needs = {"GPU": 1} if recipe.device in GPUS else {}
    return Job(folder.name, folder, arguments, threads, place_of(loaded, *data), notes, needs)


def train_job(job: Job, data: Dataset | None, report: Report) -> Row:
    """Train a job's run, go on with it, or take it as it is there; the `Work` of every training.

    Args:
        job: as `training_job` makes it.
        data: to train on.
        report: whom to tell.

    Returns:
        The run's last figures: seed, threads, epochs, seconds, accuracy, val_accuracy, val_loss.

    Raises:
        FittingRoomError: as `train` and `resume_run`.
    """
    assert job.folder is not None
    assert data is not None
    if edits := job.arguments["edits"]:
        data = data.edited(parse_edits(Path(edits["file"]), edits["text"], data))
    report.log(f"Seed {job.arguments['seed']}: {job.folder}")
    run = begun_run(job.folder, report)
    if run is None:
        run = _trained(job, data, report)
    elif not is_finished(run):
        model = _model(job, data)[0] if is_custom(job.arguments["model"]) else None
        run = resume(run, data, model=model, log=report.log, on_progress=report.on_progress)
    else:
        report.log("It is trained already.")
    if job.arguments["onnx"] and not (run.folder / ONNX_IN_A_RUN).exists():
        write_twin(run, data, report.log)
    last = run.history[-1]
    seconds = sum(line["seconds"] for line in run.history)
    figures = {key: last[key] for key in ("accuracy", "val_accuracy", "val_loss")}
    return {
        "seed": job.arguments["seed"],
        "threads": job.threads,
        "epochs": last["epoch"],
        "seconds": seconds,
        **figures,
    }


def _trained(job: Job, data: Dataset, report: Report) -> Run:
    asked = job.arguments
    model, facts = _model(job, data)
    return train_model(
        model,
        data,
        Recipe.from_dict(asked["recipe"]),
        seed=asked["seed"],
        validation=asked["validation"],
        out=job.folder,
        facts={**job.notes, **facts},
        log=report.log,
        on_progress=report.on_progress,
    )


def _model(job: Job, data: Dataset) -> tuple[Any, dict[str, Any]]:
    """Return the network of a job, and what it is made by.

    Raises:
        UsageError: it is made by a file that is another here than where the job comes from.
    """
    model, facts = built(job.arguments["model"], data, job.arguments["seed"])
    wanted = job.arguments["model_sha256"]
    if wanted is not None and facts["model_source"]["sha256"] != wanted:
        raise UsageError(f"{job.arguments['model']}: this file is another here than on the machine that sends the job.")
    return model, facts


def begun_run(folder: Path, report: Report) -> Run | None:
    """Return the run that a folder holds; None where there is none, or one that was killed at its start.

    Args:
        folder: of a job.
        report: whom to tell.

    Raises:
        RunError: another process is at it.
    """
    if not is_run(folder):
        if folder.is_dir() and all(path.name.startswith((PARTIAL, LOCK)) for path in folder.iterdir()):
            shutil.rmtree(folder)
        return None
    run = open_run(folder)
    if run.state == "training":
        raise RunError(f"{folder}: another process is training this run. Wait for it, or stop it.")
    if is_finished(run) or (folder / "checkpoint" / checkpoint.FILE).is_file():
        return run
    report.log("It was stopped before its first checkpoint, and begins anew.")
    shutil.rmtree(folder)
    return None
