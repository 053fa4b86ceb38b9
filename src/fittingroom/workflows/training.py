"""Train by names: a dataset, an architecture or a user's file, a recipe; and go on with a run that was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import tomli_w

from fittingroom.data import Dataset, Log, load, no_log
from fittingroom.data.catalog import DATASETS
from fittingroom.errors import ModelError
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import IN_A_RUN, ONNX_IN_A_RUN
from fittingroom.models import build
from fittingroom.models.custom import SOURCE as SOURCE
from fittingroom.models.custom import build_custom, find_source, is_custom
from fittingroom.progress import OnProgress, no_progress
from fittingroom.runs import Run, open_run
from fittingroom.training import Recipe, resume, train

if TYPE_CHECKING:
    from pathlib import Path


NEEDED = ("onnx", "onnxruntime")
COMPARED = 1000  # training images; `fittingroom export` compares on all test images


def write_twin(run: Run, data: Dataset, log: Log) -> None:
    """Write ``model.onnx`` beside a run's ``model.keras``, or say in one line why there is none.

    Args:
        run: trained.
        data: of which the first training images are compared.
        log: takes one line for the user.
    """
    if not (run.folder / IN_A_RUN).exists():
        log("No model.onnx: only models of ordinary Keras layers are written as ONNX.")
        return
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        log(f"No model.onnx: {' and '.join(missing)} not installed (pip install 'fittingroom[export]').")
        return
    from fittingroom.export.model_export import checked_onnx

    try:
        checked_onnx(run.model(), run.folder / ONNX_IN_A_RUN, data.train.images[:COMPARED], data.class_names)
    except ModelError as error:
        log(f"No model.onnx: {error}")


def keep_stopped_model(run: Run, data: Dataset) -> bool:
    """Write ``model.keras`` from a run's checkpoint, and say whether there was one to write it from.

    Args:
        run: stopped; its checkpoint stays, and ``train --resume`` goes on from it.
        data: what it is trained on.

    Returns:
        False where there is no checkpoint, or its model cannot be rebuilt without its Python.

    Raises:
        RunError: the checkpoint cannot be read.
    """
    from fittingroom.backend import import_keras
    from fittingroom.models.front import for_use
    from fittingroom.training import checkpoint as checkpoints
    from fittingroom.training.step import adapt

    folder = run.folder / "checkpoint"
    if not (folder / checkpoints.FILE).exists():
        return False
    saved = checkpoints.read(folder)
    if saved.facts["architecture"] is None:
        return False
    model = import_keras().models.model_from_json(saved.facts["architecture"])
    functional = adapt(model, data.image_shape, pixels=saved.facts["recipe"]["pixels"])
    parameters = dict(zip(functional.parameter_names, functional.parameters, strict=True))
    buffers = {str(index): buffer for index, buffer in enumerate(functional.buffers)}
    checkpoints.restore(parameters, checkpoints.group(saved.tensors, "parameters"), "weights")
    checkpoints.restore(buffers, checkpoints.group(saved.tensors, "buffers"), "buffers")
    atomic_write(run.folder / IN_A_RUN, for_use(model, data.image_shape, saved.facts["recipe"]["pixels"]).save)
    return True


DEFAULT_MODEL = "walkthrough"
DEFAULT_DATASET = "fashion-mnist"


@dataclass(frozen=True)
class Order:
    """What is asked of a training, by names.

    Attributes:
        model: an architecture's name, or ``FILE.py:function``; None for the recipe's, else the walk-through's.
        dataset: a known dataset's name, or a folder; None for Fashion-MNIST.
        recipe: how to train.
        seed: of the starting weights, the order and the augmentation.
        validation: how many training images to hold out, or None for none.
        data_dir: where the dataset's files are, or None to look.
        onnx: whether to write the model's ONNX twin as well.
    """

    model: str | None = None
    dataset: str | None = None
    recipe: Recipe = Recipe()  # noqa: RUF009  (frozen)
    seed: int = 0
    validation: int | None = None
    data_dir: Path | None = None
    onnx: bool = True


def train_order(
    order: Order, out: Path | None = None, *, log: Log = no_log, on_progress: OnProgress = no_progress
) -> Run:
    """Carry an order out.

    Raises:
        FittingRoomError: as `fittingroom.train`; among them `Interrupted`.
    """
    data = load(order.dataset or DEFAULT_DATASET, data_dir=order.data_dir, log=log)
    return train_on(data, order, out, log=log, on_progress=on_progress)


def train_on(
    data: Dataset, order: Order, out: Path | None = None, *, log: Log = no_log, on_progress: OnProgress = no_progress
) -> Run:
    """Carry an order out on a dataset that is loaded already; the order's own is not looked at."""
    recipe = valid_for(order.recipe, data, log)
    model = make(order.model or recipe.model, data, order.seed)
    run = train(
        model,
        data,
        recipe=recipe,
        seed=order.seed,
        validation=order.validation,
        out=out,
        log=log,
        on_progress=on_progress,
    )
    return _finished(run, order, data, log)


def valid_for(recipe: Recipe, data: Dataset, log: Log = no_log) -> Recipe:
    """Return the recipe without the augmentation that would change what a dataset's images are of."""
    known = DATASETS.get(data.name)
    if recipe.flip == "none" or known is None or known.flips_valid:
        return recipe
    log(f"Mirroring is off: an image of {known.title} mirrored left to right may be of another class.")
    return recipe.replace(flip="none")


def resume_run(folder: Path, order: Order, *, log: Log = no_log, on_progress: OnProgress = no_progress) -> Run:
    """Go on with a run that was stopped, from its last checkpoint, with the recipe and seed that it has.

    Args:
        folder: of the run.
        order: its dataset and model are used where they are given; a folder's data and a user's own model must be.
        log: takes one line for the user.
        on_progress: takes the progress.

    Raises:
        RunError: no checkpoint, or the model cannot be rebuilt without its source.
        UsageError: the data are not those of the run.
    """
    run = open_run(folder)
    name = order.dataset or run.environment["dataset"]
    data = load(name, data_dir=order.data_dir, log=log)
    model = make(order.model, data, run.environment["seed"]) if order.model else None
    resume(run, data, model=model, log=log, on_progress=on_progress)
    return _finished(run, order, data, log)


def make(name: str | None, data: Dataset, seed: int) -> Any:
    """Build a network for a dataset: an architecture by name, a user's own, or the walk-through's for None."""
    name = name or DEFAULT_MODEL
    if is_custom(name):
        return build_custom(find_source(name), data.image_shape, data.classes, seed)
    return build(name, image_shape=data.image_shape, classes=data.classes, seed=seed)


def _finished(run: Run, order: Order, data: Dataset, log: Log) -> Run:
    _keep_source(run, order.model)
    if order.onnx:
        write_twin(run, data, log)
    return run


def _keep_source(run: Run, name: str | None) -> None:
    if name is not None and is_custom(name):
        source = find_source(name)
        values = {"file": str(source.file.resolve()), "function": source.function, "sha256": source.sha256}
        run.write_text(SOURCE, tomli_w.dumps(values))
