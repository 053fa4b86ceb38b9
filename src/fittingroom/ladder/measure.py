"""Measure a rung: train its recipe on everything, score the last epoch once, write the look down; and time an epoch."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.environment import describe
from fittingroom.ladder.cost import forward_mflop
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.ladder.views import averaged
from fittingroom.models.load import IN_A_RUN
from fittingroom.recipes import load_recipe, recipe_sha256
from fittingroom.runs import is_run, open_run
from fittingroom.training import resume, train
from fittingroom.training.progress import OnProgress, no_progress
from fittingroom.workflows.evaluation import evaluate
from fittingroom.workflows.training import Order, make, train_on, valid_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from fittingroom.data import Dataset, Log
    from fittingroom.runs import Run

TIMED_EPOCHS = 3


def run_folder(root: Path, rung: str, seed: int) -> Path:
    """Return the run folder of one seed of a rung; a changed recipe has another one."""
    return root / f"{rung}-{recipe_sha256(rung)[:8]}-s{seed}"


def trained(root: Path, rung: str, seed: int, data: Dataset, *, log: Log, on_progress: OnProgress = no_progress) -> Run:
    """Train one seed of a rung, or go on with it, or take it as it is where it is done.

    Args:
        root: where the run folders are.
        rung: its name.
        seed: of the run.
        data: what to train on.
        log: takes one line for the user.
        on_progress: takes the progress.
    """
    folder = run_folder(root, rung, seed)
    order = Order(recipe=load_recipe(rung), seed=seed)
    return done_or_gone_on(
        folder, data, partial(train_on, data, order, folder, log=log, on_progress=on_progress), log, on_progress
    )


def done_or_gone_on(
    folder: Path, data: Dataset, start: Callable[[], Run], log: Log, on_progress: OnProgress = no_progress
) -> Run:
    """Return a folder's run: as it is where it is done, gone on with where it was cut off, and started where neither.

    Args:
        folder: of the run.
        data: what it is trained on.
        start: trains it from the beginning, in that folder.
        log: takes one line for the user.
        on_progress: takes the progress of a run gone on with.
    """
    if (folder / IN_A_RUN).exists():
        return open_run(folder)
    if is_run(folder) and (folder / "checkpoint").is_dir():
        return resume(folder, data, log=log, on_progress=on_progress)
    if is_run(folder):  # killed in its first epoch
        shutil.rmtree(folder)
    return start()


def scored(run: Run, rung: str, seed: int, data: Dataset) -> TestLook:
    """Look at the test set once with a run's last weights."""
    recipe, facts = load_recipe(rung), describe()
    verdict = evaluate(run, data, asked_by="ladder")
    mirrored = valid_for(recipe.replace(flip="random"), data).flip != "none"
    by_views = averaged(run.predict, mirrored=mirrored)(data.test.images)
    model = run.model()
    return TestLook(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        rung=rung,
        recipe_sha256=recipe_sha256(rung),
        dataset=data.name,
        fingerprint=data.fingerprint,
        seed=seed,
        n=len(data.test.labels),
        accuracy=float(verdict.accuracy),
        views_accuracy=float(np.mean(by_views.argmax(axis=1) == data.test.labels)),
        parameters=int(model.count_params()),
        mflop=round(forward_mflop(model), 3),
        epochs=recipe.epochs,
        training_seconds=round(sum(line["seconds"] for line in run.history), 2),
        machine=machine(facts),
        versions=f"keras {facts['versions']['keras']}, torch {facts['versions']['torch']}",
    )


def timed(rung: str, data: Dataset, epochs: int = TIMED_EPOCHS) -> Timing:
    """Time epochs of a rung's recipe; nothing else should run on the machine meanwhile.

    One epoch more is trained first, and not counted: memory and caches are cold in it.
    """
    recipe = valid_for(load_recipe(rung), data)
    model = make(recipe.model, data, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        run = train(model, data, recipe=recipe.replace(epochs=epochs + 1), out=Path(folder) / "run")
        seconds = tuple(round(line["seconds"], 3) for line in run.history[1:])
    return Timing(rung, recipe_sha256(rung), seconds, recipe.epochs, machine(describe()))


def machine(facts: dict[str, object]) -> str:
    """Return the machine in words."""
    return f"{facts['processor']}, {facts['threads']} threads"
