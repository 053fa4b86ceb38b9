"""`fittingroom.train_seeds`: one recipe trained with several seeds, a run each, into one folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import check_whole
from fittingroom.data import Dataset, Log, no_log
from fittingroom.data.edits import read_edits
from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.files import read_json, write_json
from fittingroom.progress import OnProgress, no_progress
from fittingroom.runs import ROOT, Run, is_run, open_run
from fittingroom.training.trainer import is_finished
from fittingroom.words import listed
from fittingroom.workflows.run_group import MARK, RunGroup, is_group
from fittingroom.workflows.training import DEFAULT_DATASET, check_name, found_by_name, resume_run, train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHORTCUTS = {"epochs": "epochs", "batch_size": "batch_size", "lr": "learning_rate", "device": "device"}


def train_seeds(
    model: Any = None,
    data: Any = DEFAULT_DATASET,
    *,
    seeds: int,
    seed: int = 0,
    name: str | None = None,
    out: str | Path | None = None,
    command: str | Sequence[str] = "Python call",
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
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
        name: of the group: letters, digits, dots, dashes and underscores.
        out: the folder of the group; where it is None, ``runs/NAME-seeds-`` and eight digits that stand for all that
            was asked, so that the same words find it again.
        command: how this was called, for the runs' records.
        log: takes one line for the user.
        on_progress: takes the progress.
        asked: what else `train` takes by name and words can say: recipe, settings, epochs, batch_size, lr, device,
            validation (a number), track, data_dir, edits, onnx.

    Returns:
        The group, with the accuracies of its runs.

    Raises:
        UsageError: what a group cannot be made of.
        RunError: the folder holds another group, or something else; or another process is at one of its runs.
        Interrupted: the user stopped it; the same call goes on.
    """
    count, first = check_whole(seeds, "seeds", least=1, most=None), check_whole(seed, "seed")
    check_whole(first + count - 1, "seed of the last run")
    check_name(name)
    _refuse_what_words_cannot_say(model, data, asked)
    facts = _facts(model, data, first, asked, log)
    folder = Path(out) if out is not None else ROOT / f"{name or facts['title']}-seeds-{_digits(facts)}"
    _begin(folder, facts)
    named = {"name": name, "command": command, "log": log, "on_progress": on_progress, **asked}
    runs = [_trained(folder / f"seed-{each}", model, data, each, named) for each in range(first, first + count)]
    return RunGroup(folder, tuple(runs))


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
    refused = [name for name in ("callbacks", "validation_data", "validation_split") if name in asked]
    if refused:
        raise UsageError(f"{refused[0]} is not taken for a group of seeds. Train each seed by fr.train.")


def _facts(model: str | Path | None, data: str | Path, seed: int, asked: Mapping[str, Any], log: Log) -> dict[str, Any]:
    """Return all that the runs of a group have in common, as its ``group.json`` keeps it."""
    shortcuts = {setting: asked.get(option) for option, setting in SHORTCUTS.items()}
    found = found_by_name(
        model, data, asked.get("recipe"), asked.get("settings"), shortcuts, seed, asked.get("data_dir"), log
    )
    _, loaded, recipe, facts = found
    assert isinstance(loaded, Dataset)
    source = {key: value for key, value in facts["model_source"].items() if key != "arguments"}
    edits = asked.get("edits") and read_edits(asked["edits"], loaded)
    return {
        "schema": "fittingroom/group/1",
        "title": facts.get("model") or source.get("function"),
        "asked": {
            "network": source,
            "recipe": recipe.as_dict(),
            "fingerprint": loaded.fingerprint,
            "validation": asked.get("validation"),
            **({"edits": edits.sha256} if edits else {}),
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
            raise RunError(
                f"{folder} holds a group of runs with another {listed(changed)}. Choose another --out, or leave it out."
            )
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder}: expected an empty or a new folder for the group, found something else there.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / MARK, facts)
    except OSError as error:
        raise RunError(f"{folder}: the group's folder cannot be written: {error.strerror}.") from error


def _trained(folder: Path, model: str | Path | None, data: str | Path, seed: int, named: dict[str, Any]) -> Run:
    """Return the run of a seed: as it is there, gone on with, or trained."""
    log: Log = named["log"]
    log(f"Seed {seed}: {folder}")
    try:
        begun = _begun(folder, log)
        if begun is None:
            name = named["name"] and f"{named['name']}-s{seed}"
            return train(model, data, **{**named, "name": name, "seed": seed, "out": folder})
        if is_finished(begun):
            log("It is trained already.")
            return begun
        more = {key: named[key] for key in ("data_dir", "onnx", "on_progress") if key in named}
        return resume_run(folder, log=log, **more)
    except Interrupted as stopped:
        raise Interrupted(f"{stopped} The group goes on by the same command again.") from None


def _begun(folder: Path, log: Log) -> Run | None:
    """Return the run that a folder of a group holds; None where it has none, or one that was killed at its start."""
    if not is_run(folder):
        return None
    run = open_run(folder)
    if run.state == "training":
        raise RunError(f"{folder}: another process is training this run. Wait for it, or stop it.")
    if run.history or is_finished(run) or (folder / "checkpoint").exists():
        return run
    log("It was stopped before its first checkpoint, and begins anew.")
    shutil.rmtree(folder)
    return None
