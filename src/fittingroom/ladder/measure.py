"""Measure a rung: train its recipe on everything, score the last epoch once, write the look down; and time an epoch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.backend import describe
from fittingroom.errors import UsageError
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.progress import Log, OnProgress, no_log, no_progress
from fittingroom.recipes import load_recipe, recipe_sha256
from fittingroom.runs import is_run, open_run
from fittingroom.training import resume
from fittingroom.words import counted
from fittingroom.workflows.evaluation import evaluate
from fittingroom.workflows.training import train, valid_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from fittingroom.arrays import Images, Predict, Probabilities
    from fittingroom.data import Dataset
    from fittingroom.runs import Run


def forward_mflop(model: keras.Model) -> float:
    """Return the floating-point operations of one image's forward pass, in millions.

    Products and convolutions are counted, a multiplication and an addition as two; the rest is left out.

    Args:
        model: as it is saved for use: ``(n, h, w)`` in.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    images = torch.zeros((1, *model.input_shape[1:]))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(images, training=False)
    return float(counter.get_total_flops() / 1e6)


SHIFTS = ((0, 0), (1, 1), (-1, -1))  # rows, columns


def views(images: Images, *, mirrored: bool) -> list[Images]:
    """Return the images, and moved by one pixel along both diagonals, each also mirrored where that is valid.

    Args:
        images: uint8 ``(n, h, w)``.
        mirrored: whether a mirrored image is of the same class.

    Returns:
        Six arrays ``(n, h, w)``, or three; the gap of a move is 0.

    Source: K. Jordan, arXiv 2404.00498.
    """
    moved = [shifted(images, rows, columns) for rows, columns in SHIFTS]
    return [*moved, *(view[:, :, ::-1] for view in moved)] if mirrored else moved


def shifted(images: Images, rows: int, columns: int) -> Images:
    """Return the images moved down and right by whole pixels; the gap is 0.

    Example:
        >>> shifted(np.array([[[1, 2], [3, 4]]], np.uint8), 1, 0).tolist()
        [[[0, 0], [1, 2]]]
    """
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (abs(rows),) * 2, (abs(columns),) * 2))
    top, left = abs(rows) - rows, abs(columns) - columns
    return padded[:, top : top + height, left : left + width]


def averaged(predict: Predict, *, mirrored: bool) -> Predict:
    """Return the function that averages a model's probabilities over the views of each image."""

    def predict_views(images: Images) -> Probabilities:
        answers = [predict(np.ascontiguousarray(view)) for view in views(images, mirrored=mirrored)]
        return np.asarray(np.mean(answers, axis=0, dtype=np.float32))

    return predict_views


YARDSTICK = "peer_plain_torch.py"  # in `benchmarks` of a clone
TIMED_EPOCHS = 3
TAKES = 3  # at most, of a timing whose yardstick changes under it
STEADY = 1.2  # the largest ratio of the two yardsticks of a timing that counts as the same machine
Yardstick = Callable[[], float]


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
    start = partial(train, data=data, recipe=rung, seed=seed, out=folder, log=log, on_progress=on_progress)
    return done_or_gone_on(folder, data, start, log, on_progress)


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
    by_views = averaged(partial(run.predict, tempered=False), mirrored=mirrored)(data.test.images)
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


def time_epochs(
    rung: str, data: Dataset, yardstick: Yardstick | None = None, *, log: Log = no_log, epochs: int = TIMED_EPOCHS
) -> Timing:
    """Time epochs of a rung's recipe; nothing else should run on the machine meanwhile.

    One epoch more is trained first, and not counted: memory and caches are cold in it. The yardstick is timed before
    and after; where the two differ by more than a fifth, all is timed again, at most `TAKES` times.

    Args:
        rung: its name.
        data: what to train on.
        yardstick: times an epoch of its own, in seconds; None for none.
        log: takes one line for the user.
        epochs: how many are timed.
    """
    recipe = load_recipe(rung)
    for _ in range(TAKES):
        before = yardstick() if yardstick else None
        with tempfile.TemporaryDirectory() as folder:
            run = train(data=data, recipe=rung, epochs=epochs + 1, out=Path(folder) / "run", onnx=False)
            seconds = tuple(round(line["seconds"], 3) for line in run.history[1:])
        measured = (before, yardstick()) if yardstick and before else ()
        if not measured or max(measured) <= STEADY * min(measured):
            break
        log(f"Rung {rung}: the yardstick took {measured[0]:.2f} s before and {measured[1]:.2f} s after: timed again")
    rounded = tuple(round(value, 3) for value in measured)
    return Timing(rung, recipe_sha256(rung), seconds, recipe.epochs, machine(describe()), rounded)


def plain_loop(script: Path) -> Yardstick:
    """Return the yardstick: an epoch of the thin network in a plain PyTorch loop, in a process of its own.

    Args:
        script: ``benchmarks/peer_plain_torch.py`` of a clone; its second epoch counts.
    """

    def seconds() -> float:
        words = [sys.executable, str(script), "thin-conv", "2"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UsageError(f"{script} failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
        return float(json.loads(done.stdout)[-1])

    return seconds


def machine(facts: Mapping[str, Any]) -> str:
    """Return the machine in words."""
    return f"{facts['processor']}, {counted(facts['threads'], 'thread')}"
