"""`fittingroom.train_seeds`: one recipe trained with several seeds, a run each, into one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import check_whole
from fittingroom.data import Log, no_log
from fittingroom.data.edits import read_edits
from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.files import read_json, write_json
from fittingroom.jobs.places import MOST_THREADS, check_reachable, find_place
from fittingroom.jobs.run_jobs import OnJob, no_job_lines, run_jobs
from fittingroom.progress import OnProgress, no_progress
from fittingroom.runs import ROOT, open_run
from fittingroom.training.tracking import check_trackers
from fittingroom.words import listed
from fittingroom.workflows.run_group import MARK, RunGroup, is_group
from fittingroom.workflows.train_jobs import train_job, training_job
from fittingroom.workflows.training import DEFAULT_DATASET, check_name, found_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.data.edits import Edits
    from fittingroom.jobs.job import Job

OTHERS = ("recipe", "settings", "validation", "track", "data_dir", "edits", "onnx")
SHORTCUTS = {"epochs": "epochs", "batch_size": "batch_size", "lr": "learning_rate", "device": "device"}


def train_seeds(
    model: Any = None,
    data: Any = DEFAULT_DATASET,
    *,
    seeds: int,
    seed: int = 0,
    on: str | None = None,
    threads: int | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    command: str | Sequence[str] = "Python call",
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
    on_job: OnJob = no_job_lines,
    **asked: Any,
) -> RunGroup:
    """Train one recipe with several seeds, a run each, in one folder; ``fittingroom train --seeds`` is this function.

    What is there already is not trained again: a group that was interrupted goes on by the same call, and one with
    more seeds makes it larger. No test image is looked at.

    Args:
        model: in words, as `train` takes it: one in memory would not begin anew with each seed.
        data: a name or a folder.
        seeds: how many.
        seed: the first; the others follow it.
        on: where: None for this process, one after another; ``local`` or ``local:4`` for worker processes, or the
            address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``. A script that asks for ``local`` stands
            below ``if __name__ == "__main__":``.
        threads: of the processor, of each training, which are part of what a run is; where it is None torch's own
            choice, for worker processes a fair share of the cores, and on a cluster one.
        name: of the group: letters, digits, dots, dashes and underscores.
        out: the folder of the group; where it is None, ``runs/NAME-seeds-`` and eight digits that stand for all that
            was asked, so that the same words find it again.
        command: how this was called, for the runs' records.
        log: takes one line for the user.
        on_progress: takes the progress of the run that this process trains.
        on_job: takes where each run stands.
        asked: what else `train` takes by name and words can say: recipe, settings, epochs, batch_size, lr, device,
            validation (a number), track, data_dir, edits, onnx.

    Returns:
        The group, with the accuracies of its runs.

    Raises:
        UsageError: what a group cannot be made of, or a cluster that is not there.
        RunError: the folder holds another group, or something else; or another process is at one of its runs; or the
            cluster was lost.
        Interrupted: the user stopped it; the same call goes on.
    """
    count, first = check_whole(seeds, "seeds", least=1, most=None), check_whole(seed, "seed")
    check_whole(first + count - 1, "seed of the last run")
    check_name(name)
    place = find_place(on, None if threads is None else check_whole(threads, "threads", least=1, most=MOST_THREADS))
    _refuse_what_words_cannot_say(model, data, asked)
    found = _found(model, data, first, asked, log)
    edits = None if asked.get("edits") is None else read_edits(asked["edits"], found[1])
    facts = _facts(found, asked, edits, place.threads if place else threads or _threads_here())
    folder = Path(out) if out is not None else ROOT / f"{name or facts['title']}-seeds-{_digits(facts)}"
    check_reachable(place)
    _begin(folder, facts)
    notes = {"command": command, "tracking": check_trackers(asked.get("track", ()))}
    numbers = range(first, first + count)
    jobs = [_job(folder / f"seed-{each}", found, data, each, facts, name, notes, edits, asked) for each in numbers]
    try:
        for outcome in run_jobs(train_job, jobs, place, log=log, on_progress=on_progress, on_job=on_job):
            if outcome.was_there:
                log(f"Seed {outcome.job.arguments['seed']}: {outcome.job.folder}")
                log("It is trained already.")
            if outcome.error is not None:
                raise outcome.error
    except Interrupted as stopped:
        raise Interrupted(f"{stopped} The group goes on by the same command again.") from None
    except KeyboardInterrupt:
        raise Interrupted(f"Stopped. {folder} goes on by the same command again.") from None
    return RunGroup(folder, tuple(open_run(folder / f"seed-{each}") for each in numbers))


def _threads_here() -> int:
    import torch

    return torch.get_num_threads()


def _job(
    folder: Path,
    found: tuple[Any, Any, Any, Mapping[str, Any]],
    data: str | Path,
    seed: int,
    facts: Mapping[str, Any],
    name: str | None,
    notes: Mapping[str, Any],
    edits: Edits | None,
    asked: Mapping[str, Any],
) -> Job:
    return training_job(
        folder,
        found,
        (data, asked.get("data_dir")),
        seed=seed,
        threads=facts["asked"]["threads"],
        validation=asked.get("validation"),
        onnx=asked.get("onnx", True),
        edits=edits,
        facts={**notes, "name": name and f"{name}-s{seed}"},
    )


def _refuse_what_words_cannot_say(model: object, data: object, asked: Mapping[str, Any]) -> None:
    """Raise for what would differ from seed to seed, or could not be found again to go on."""
    for what, value in (("model", model), ("data", data)):
        if value is not None and not isinstance(value, str | Path):
            raise UsageError(
                f"{what}: expected a name or a file for a group of seeds, received {type(value).__name__}. Train "
                "one in memory by fr.train, a fresh one for each seed."
            )
    if not isinstance(asked.get("validation"), int | None):
        raise UsageError("validation: expected how many images to hold out, for a group of seeds.")
    unknown = [each for each in asked if each not in (*SHORTCUTS, *OTHERS)]
    if unknown:
        raise UsageError(f"{unknown[0]} is not taken for a group of seeds. Train each seed by fr.train.")


def _found(
    model: str | Path | None, data: str | Path, seed: int, asked: Mapping[str, Any], log: Log
) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Return model, dataset, recipe and facts of the first seed, found by their names."""
    shortcuts = {setting: asked.get(option) for option, setting in SHORTCUTS.items()}
    return found_by_name(
        model, data, asked.get("recipe"), asked.get("settings"), shortcuts, seed, asked.get("data_dir"), log
    )


def _facts(
    found: tuple[Any, Any, Any, Mapping[str, Any]], asked: Mapping[str, Any], edits: Edits | None, threads: int
) -> dict[str, Any]:
    """Return all that the runs of a group have in common, as its ``group.json`` keeps it."""
    _, loaded, recipe, facts = found
    source = {key: value for key, value in facts["model_source"].items() if key != "arguments"}
    return {
        "schema": "fittingroom/group/1",
        "title": facts.get("model") or source.get("function"),
        "asked": {
            "network": source,
            "recipe": recipe.as_dict(),
            "fingerprint": loaded.fingerprint,
            "validation": asked.get("validation"),
            **({"edits": edits.sha256} if edits else {}),
            "threads": threads,
        },
    }


def _digits(facts: Mapping[str, Any]) -> str:
    from hashlib import sha256

    return sha256(json.dumps(facts["asked"], sort_keys=True).encode()).hexdigest()[:8]


def _begin(folder: Path, facts: Mapping[str, Any]) -> None:
    """Make the folder of a group, or see that the one that is there is this very group's."""
    if is_group(folder):
        before = read_json(folder / MARK, {"asked": "dict"}, RunError)["asked"]
        changed = [key for key, value in facts["asked"].items() if before.get(key) != value]
        if changed:
            again = ""
            if "threads" in changed and before.get("threads"):
                changed[changed.index("threads")] = "number of threads"
                again = f" It was begun with --threads {before['threads']}."
            raise RunError(
                f"{folder} holds a group of runs with another {listed(changed)}.{again} Choose another --out, or leave "
                "it out."
            )
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder}: expected an empty or a new folder for the group, found something else there.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / MARK, facts)
    except OSError as error:
        raise RunError(f"{folder}: the group's folder cannot be written: {error.strerror}.") from error
