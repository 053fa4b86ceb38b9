"""The walk-through: nine steps from data to a page of pictures, each told as it is done."""

from __future__ import annotations

import shlex
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import DATASETS, Dataset, Log, load, no_log
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import Interrupted
from fittingroom.judging import Verdict, judge
from fittingroom.models import build
from fittingroom.pages.exploration import split_facts
from fittingroom.pages.report import tutorial_report
from fittingroom.pages.run.gather import summary
from fittingroom.progress import OnProgress, no_progress
from fittingroom.runs import TUTORIAL, Run
from fittingroom.training import Recipe, train_model
from fittingroom.words import counted
from fittingroom.workflows.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.tutorial_plan import TutorialPlan


MODEL, OPTIMIZER, LOSS = "walkthrough", "rmsprop", "sparse_categorical_crossentropy"
BATCH_SIZE = 128
SUMMARY_WIDTH = 66  # characters; fits the page's column
LOOKED_AT = 10  # the test image whose ten probabilities the walk-through prints
STAGES = ("load", "build", "train", "evaluate", "report")


@contextmanager
def stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds of what happens inside to a stage's."""
    begun = time.perf_counter()
    yield
    seconds[name] = round(seconds[name] + time.perf_counter() - begun, 3)


def tutorial(plan: TutorialPlan, *, log: Log = no_log, on_progress: OnProgress = no_progress) -> tuple[Run, Verdict]:
    """Do the walk-through.

    Args:
        plan: what is asked.
        log: told each step, a line or a few at a time.
        on_progress: takes the progress of the training.

    Returns:
        The run, with its page and ``tutorial.json`` (among it the seconds by stage), and the verdict on the test
        images.

    Raises:
        FittingRoomError: the data cannot be had, the run folder is taken, training stopped.
    """
    begun, seconds = time.perf_counter(), dict.fromkeys(STAGES, 0.0)
    with stage(seconds, "load"):
        log("1. Load")
        data = load(plan.dataset, data_dir=plan.data_dir, log=log)
        rival = load(plan.against, log=log) if plan.against else None
    _look(data, log)
    try:
        run, verdict = _fit(plan, data, plan.dataset, plan.out, seconds, log, on_progress)
    except Interrupted:
        raise Interrupted(f"Stopped. The walk-through begins again with: {plan.command}") from None
    against = None
    if rival is not None and plan.against is not None:
        log(f"\nThe same network and recipe on {plan.against}")
        against = f"against-{rival.name}"
        _fit(plan, rival, plan.against, run.folder / against, seconds, log, on_progress)
    with stage(seconds, "report"):
        log("9. Show")
        _note(run, against=against, seconds=_with_total(seconds, begun))
        tutorial_report(run, data, rival)
    _note(run, seconds=_with_total(seconds, begun))
    return run, verdict


def _with_total(seconds: dict[str, float], begun: float) -> dict[str, float]:
    return seconds | {"total": round(time.perf_counter() - begun, 3)}


def _note(run: Run, **facts: Any) -> None:
    run.write_json(TUTORIAL, run.read_json(TUTORIAL) | facts)


def _look(data: Dataset, log: Log) -> None:
    log("2. Look")
    for split in (data.train, data.test):
        facts = split_facts(split, data.classes)
        low, high = facts["pixel_range"]
        counts = facts["labels_per_class"]
        each = f"{counts[0]:,}" if len(set(counts)) == 1 else f"{min(counts):,} to {max(counts):,}"
        log(
            f"   {split.name}: images {split.images.shape}, labels {split.labels.shape}, "
            f"pixels {low}..{high}, {each} per class"
        )
    log("3. Rescale: training feeds the pixels divided by 255, in training and in testing alike")


def _fit(
    plan: TutorialPlan,
    data: Dataset,
    dataset: str,
    out: Path | None,
    seconds: dict[str, float],
    log: Log,
    on_progress: OnProgress,
) -> tuple[Run, Verdict]:
    with stage(seconds, "build"):
        log("4. Build")
        model = build(MODEL, image_shape=data.image_shape, classes=data.classes, seed=plan.seed)
        shape = summary(model, width=SUMMARY_WIDTH)
        log(shape)
        log(f"5. Compile: {OPTIMIZER}, {LOSS}, accuracy")
        model.compile(optimizer=OPTIMIZER, loss=LOSS, metrics=["accuracy"])
    with stage(seconds, "train"):
        log(f"6. Fit: {counted(plan.epochs, 'epoch')}, batches of {BATCH_SIZE}")
        recipe = Recipe(epochs=plan.epochs, batch_size=BATCH_SIZE)
        facts = _made_of(plan, data, dataset)
        run = train_model(model, data, recipe, seed=plan.seed, out=out, facts=facts, log=log, on_progress=on_progress)
    with stage(seconds, "evaluate"):
        verdict, on_train = _evaluate(run, data, log)
    facts = _facts(plan, shape, on_train) | {"dataset": dataset, "data_dir": _data_dir(plan, dataset)}
    run.write_json(TUTORIAL, facts)
    return run, verdict


def _made_of(plan: TutorialPlan, data: Dataset, dataset: str) -> dict[str, Any]:
    arguments = {"image_shape": list(data.image_shape), "classes": data.classes, "seed": plan.seed}
    source = {"kind": "architecture", "name": MODEL, "arguments": arguments}
    return {
        "model": MODEL,
        "model_source": source,
        "command": shlex.split(plan.command),
        "data_folder": None if dataset in DATASETS or dataset in KIN else str(Path(dataset).expanduser().resolve()),
        "data_dir": _data_dir(plan, dataset),
    }


def _data_dir(plan: TutorialPlan, dataset: str) -> str | None:
    return str(plan.data_dir.resolve()) if plan.data_dir and dataset == plan.dataset else None


def _facts(plan: TutorialPlan, shape: str, on_train: Verdict) -> dict[str, Any]:
    return {
        "schema": "fittingroom/tutorial-facts/1",
        "model": MODEL,
        "model_summary": shape,
        "optimizer": OPTIMIZER,
        "loss": LOSS,
        "train_accuracy": on_train.accuracy,
        "train_loss": on_train.log_loss,
        "palette": plan.palette,
        "command": plan.command,
        "against": None,
        "seconds": {},
    }


def _evaluate(run: Run, data: Dataset, log: Log) -> tuple[Verdict, Verdict]:
    log("7. Evaluate")
    verdict = evaluate(run, data, asked_by="tutorial")
    on_train = judge(data.train.labels, run.predict(data.train.images, tempered=False), data.class_names)
    log(f"   test {verdict}; the finished network on its training images: {on_train.accuracy:.4f}")
    probabilities, labels = run.predictions.probabilities, data.test.labels
    index = min(LOOKED_AT, len(labels) - 1)
    predicted = int(probabilities[index].argmax())
    is_right = "right" if predicted == labels[index] else "wrong"
    shown = np.array2string(probabilities[index], precision=4, suppress_small=True, max_line_width=100)
    log(f"8. Predict: test image {index}\n   {shown}")
    log(f"   predicted {data.class_names[predicted]}, true label {data.class_names[labels[index]]}: {is_right}")
    return verdict, on_train
