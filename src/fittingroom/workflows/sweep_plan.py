"""What a sweep is made of, found and checked before anything is trained: its plan, its folder, its two held-out parts.

Trials are trained on what neither part has. The first part judges the trials; the second judges only what came out of
them, so that the winner of many trials cannot flatter itself there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.data import Dataset, Log, hold_out
from fittingroom.data.edits import read_edits, write_edits
from fittingroom.errors import RunError, UsageError
from fittingroom.files import held_alone, read_json, write_json
from fittingroom.recipes import recipe_sha256
from fittingroom.words import listed
from fittingroom.workflows.train_jobs import training_job
from fittingroom.workflows.training import DEFAULT_MODEL, built, found_by_name, valid_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fittingroom.data.edits import Edits
    from fittingroom.jobs.job import Job
    from fittingroom.jobs.places import Place
    from fittingroom.training import Recipe
    from fittingroom.workflows.sweep_space import SweepSpace

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["hyperband", "none"]
MARK, SECOND = "sweep.json", "second-part.csv"
SECOND_SEED = 1  # of the draw of the second part; that of the first is 0, as everywhere


@dataclass(frozen=True, eq=False)
class SweepPlan:
    """All that decides a sweep, found and checked.

    Attributes:
        folder: of the sweep.
        space: what is varied.
        base: the recipe that is varied.
        known: what a run is to keep of where its recipe and data come from.
        networks: what each network is made by, by its name; None is the default one's.
        loaded: the dataset.
        data: what it was loaded by: name or path, and where a known one's files are.
        validation: how many images judge a trial: the first part.
        second: how many images judge what came out: the second part, which no training meets.
        seed: of every trial's training, and of what is proposed.
        trials: how many there are to be.
        sampler: "tpe", "random" or "grid".
        pruner: "hyperband" or "none".
        threads: of each training.
        place: where they are done; None for this process.
        token: of this folder, which tells its trials from those of other machines in one study.
        edits: leave the second part out of the training images; None until the folder is begun.
    """

    folder: Path
    space: SweepSpace
    base: Recipe
    known: Mapping[str, Any]
    networks: Mapping[str | None, Mapping[str, Any]]
    loaded: Dataset
    data: tuple[str | Path, str | Path | None]
    validation: int
    second: int
    seed: int
    trials: int
    sampler: Sampler
    pruner: Pruner
    threads: int
    place: Place | None
    token: str = ""
    edits: Edits | None = None

    def job(self, folder: Path, values: Mapping[str, Any], seed: int) -> Job:
        """Return the training of some settings as a job.

        Args:
            folder: of the run.
            values: of what is varied, in the place of the base recipe's.
            seed: of the training.
        """
        recipe = self.base.replace(**values)
        named = {**self.known["recipe"], "changes": recipe.differences(self.space.origin())}
        known = {**self.known, "recipe": named, **self.networks[recipe.model]}
        return training_job(
            folder,
            (None, self.loaded, recipe, known),
            self.data,
            seed=seed,
            threads=self.threads,
            validation=self.validation,
            onnx=False,
            edits=self.edits,
            facts={"name": None},
        )


def find_networks(
    space: SweepSpace, data: str | Path, data_dir: str | Path | None, seed: int, log: Log
) -> tuple[Dataset, Recipe, dict[str, Any], dict[str | None, dict[str, Any]]]:
    """Return the dataset, the base recipe, what a run keeps of them, and what each network of the trials is made by.

    Raises:
        UsageError: no such network, or the images of this dataset may not be mirrored and that would be varied.
        DataError: data that cannot be had.
    """
    model = space.models(space.base())[0]
    base = space.base().replace(model=model)
    _, loaded, base, known = found_by_name(None, data, base, None, {}, seed, data_dir, log)
    is_mirrored = any(each.name == "flip" for each in space.dimensions)
    if is_mirrored and valid_for(base.replace(flip="random"), loaded).flip == "none":
        raise UsageError(
            f"[space] flip cannot be varied on {loaded.name}: an image mirrored left to right may be of another "
            "class. Leave it out."
        )
    named = {"name": space.recipe, "sha256": None if space.recipe is None else recipe_sha256(space.recipe)}
    networks = {name: built(name or DEFAULT_MODEL, loaded, seed)[1] for name in space.models(base)}
    rest = {key: value for key, value in known.items() if key not in ("model", "model_source", "recipe")}
    return loaded, base, {**rest, "recipe": named}, networks


def asked_of(plan: SweepPlan) -> dict[str, Any]:
    """Return what decides a sweep as plain values: a folder with other ones holds another sweep."""
    sources = {
        str(name): {key: value for key, value in facts["model_source"].items() if key != "arguments"}
        for name, facts in plan.networks.items()
    }
    return {
        "space": plan.space.as_dict(),
        "recipe": plan.base.as_dict(),
        "networks": sources,
        "fingerprint": plan.loaded.fingerprint,
        "validation": plan.validation,
        "second": plan.second,
        "seed": plan.seed,
        "sampler": plan.sampler,
        "pruner": plan.pruner,
        "threads": plan.threads,
    }


def digits_of(asked: Mapping[str, Any]) -> str:
    """Return eight digits that stand for all that decides a sweep."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]


def begun(plan: SweepPlan, asked: Mapping[str, Any]) -> SweepPlan:
    """Return the plan with its folder made, or found to be this very sweep's, and the second part written down there.

    Args:
        plan: of the sweep.
        asked: of `asked_of`.

    Raises:
        RunError: the folder holds another sweep or something else, or cannot be written.
    """
    token = _token_of(plan.folder, asked)
    return replace(plan, token=token, edits=_second_part(plan.folder, plan.loaded, plan.second))


def _token_of(folder: Path, asked: Mapping[str, Any]) -> str:
    if (folder / MARK).is_file():
        before = read_json(folder / MARK, {"asked": "dict", "token": "str"}, RunError)
        now = json.loads(json.dumps(asked))  # as the file has it: lists for tuples
        changed = [key for key, value in now.items() if before["asked"].get(key) != value]
        if changed:
            raise RunError(
                f"{folder} holds a sweep with another {listed(changed)}. Choose another --out, or leave it out."
            )
        return str(before["token"])
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder}: expected an empty or a new folder for the sweep, found something else there.")
    token = token_hex(8)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / MARK, {"schema": "fittingroom/sweep-folder/1", "asked": asked, "token": token})
    except OSError as error:
        raise RunError(f"{folder}: the sweep's folder cannot be written: {error.strerror}.") from error
    return token


def sweep_alone(folder: Path) -> AbstractContextManager[None]:
    """Hold a sweep's folder for this process; RunError where another one is at it."""
    return held_alone(folder / ".sweep.lock", "at this sweep")


def _second_part(folder: Path, data: Dataset, count: int) -> Edits:
    """Return the edits that leave the second part out of the training images, written down in the sweep's folder."""
    _, held = hold_out(data.train, count, seed=SECOND_SEED)
    path = folder / SECOND
    if not path.exists():
        write_edits(path, data, ({"index": int(index), "edit": "exclude"} for index in held.indices))
    return read_edits(path, data)


def threads_here() -> int:
    """Return how many threads of the processor torch uses in this process."""
    import torch

    return torch.get_num_threads()
