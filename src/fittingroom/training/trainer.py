"""`train` and `resume`: from a model and data to a run folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import fittingroom.training.checkpoint as checkpoints
from fittingroom.arrays import Array, check_whole
from fittingroom.data import Dataset, Log, Split, hold_out, no_log
from fittingroom.data.accepting import accept_pair
from fittingroom.errors import FittingRoomError, RunError, UsageError
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.inference.predictor import keep_temperature
from fittingroom.progress import OnProgress, no_progress, warn_user
from fittingroom.runs import Run, create, open_run
from fittingroom.training.recipe import Recipe, resolved
from fittingroom.training.whiten import whiten

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fittingroom.training.checkpoint import Checkpoint
    from fittingroom.training.fit import Fitted

Pair = tuple[Array, Array]


@dataclass(frozen=True)
class TrainingInputs:
    """What a run is trained on, after the border.

    Attributes:
        train: images and labels.
        validation: images and labels, or None.
        facts: dataset, fingerprint and counts, for the run's environment.
    """

    train: Pair
    validation: Pair | None
    facts: dict[str, Any]


def train(
    model: Any,
    data: Any,
    *,
    recipe: Recipe | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    validation: Any = None,
    callbacks: Sequence[Any] = (),
    out: str | Path | None = None,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> Run:
    """Train a model and keep everything about it in a run folder.

    The model is trained in place. One that its owner compiled keeps its optimiser, loss and metrics, and of the recipe
    only epochs, batch size, augmentation and the like are used; any other is trained by the recipe.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module`` from images to logits or probabilities.
        data: a dataset, of which only the train part goes further, or images and labels in any form that
            `data.accepting` knows: arrays, tensors, tables, torch and Hugging Face datasets.
        recipe: how to train; the walk-through's where it is None.
        epochs: in the recipe's place.
        batch_size: in the recipe's place.
        seed: of shuffling, augmentation and dropout.
        validation: None to train on everything; how many images to hold out, stratified, the same ones whatever the
            seed; or a pair of images and labels.
        callbacks: Keras callbacks, called once an epoch.
        out: the run folder; ``runs/YYYYmmdd-HHMMSS-NAME-sSEED`` where it is None.
        log: takes one line for the user: why a model is trained without a trace, why training stopped early.
        on_progress: takes the progress, about twenty times an epoch.

    Returns:
        The run, with its history, the recipe, and the model for use.

    Raises:
        UsageError: an argument of the wrong kind.
        DataError: images or labels that are not what they should be.
        ModelError: a model that does not fit the images.
        RunError: the folder is taken or cannot be written.
        TrainingError: the loss is not finite, or memory or disk ran out; nothing good is overwritten.
        Interrupted: the user stopped it; ``resume`` goes on.
    """
    seed = check_whole(seed, "seed")
    changes = {"epochs": epochs, "batch_size": batch_size}
    chosen = (recipe or Recipe()).replace(**{name: value for name, value in changes.items() if value is not None})
    inputs_ = _material(data, validation, log)
    name = str(getattr(model, "name", type(model).__name__)).lower()
    if chosen.whiten:
        whiten(model, inputs_.train[0])
    run = _opened(out, name, seed, inputs_, chosen)
    facts = {"recipe": chosen.as_dict(), "seed": seed, "architecture": _architecture(model), **inputs_.facts}
    try:
        return _fitted(run, model, inputs_, chosen, seed, callbacks, facts, None, log, on_progress)
    except FittingRoomError:
        _discard_if_nothing_came(run)
        raise


def resume(
    run: str | Path | Run,
    data: Any,
    *,
    model: Any = None,
    validation: Any = None,
    callbacks: Sequence[Any] = (),
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> Run:
    """Go on with a run that was interrupted or killed; what comes out is the same to the bit as without that.

    Args:
        run: its folder.
        data: what it was trained on.
        model: the same model again, with any weights and compiled in the same way; may be left out for a Keras model of
            ordinary layers that was not compiled.
        validation: the same pair again, where the run was given one; a number of held-out images is remembered.
        callbacks: the same callbacks again.
        log: takes one line for the user.
        on_progress: takes the progress.

    Raises:
        RunError: no such run, no checkpoint in it, or one of another model or recipe.
        UsageError: the data are not those that the run was trained on.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    saved = checkpoints.read(opened.folder / "checkpoint")
    facts = dict(saved.facts)
    recipe = Recipe.from_dict(facts["recipe"])
    inputs_ = _material(data, validation if validation is not None else facts["held_out"], log)
    for key in ("fingerprint", "train_images", "validation_images"):
        if inputs_.facts[key] != facts[key]:
            raise UsageError(
                f"{opened.folder} was trained with {key} {facts[key]}, and is to go on with {inputs_.facts[key]}. "
                "Pass the same data and validation."
            )
    kept = {key: facts[key] for key in ("recipe", "seed", "architecture", *inputs_.facts)}
    rebuilt = model if model is not None else _rebuilt(facts["architecture"], opened)
    return _fitted(opened, rebuilt, inputs_, recipe, facts["seed"], callbacks, kept, saved, log, on_progress)


def _material(data: object, validation: object, log: Log) -> TrainingInputs:
    say = warn_user if log is no_log else log
    pair = accept_pair(data, "training", say)
    held_out = check_whole(validation, "validation", most=2**63) if isinstance(validation, int | np.integer) else None
    if held_out is not None:
        whole = Split("train", *pair, np.arange(len(pair[1])))
        rest, validation = hold_out(whole, held_out, seed=0)
        pair = rest.images, rest.labels
    held = None if validation is None else accept_pair(_not_a_test_set(validation), "validation", say)
    facts = {
        "dataset": data.name if isinstance(data, Dataset) else "arrays",
        "fingerprint": data.fingerprint if isinstance(data, Dataset) else _fingerprint(pair),
        "train_images": len(pair[0]),
        "validation_images": 0 if held is None else len(held[0]),
        "held_out": held_out,
        "class_names": list(data.class_names) if isinstance(data, Dataset) else None,
    }
    return TrainingInputs(pair, held, facts)


def _not_a_test_set(validation: object) -> object:
    """Return what is to validate on, or say why not: a share of the images, or a dataset whose part is not said."""
    if isinstance(validation, float):
        raise UsageError(
            f"validation: expected how many images to hold out, received {validation}. For a share pass "
            "validation=round(share * len(labels))."
        )
    if isinstance(validation, Dataset):
        raise UsageError(
            "validation: expected images and labels, received a Dataset. Pass a number to hold out, or a pair."
        )
    return validation


def _fingerprint(pair: Pair) -> str:
    digest = hashlib.sha256()
    for array in pair:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _opened(out: str | Path | None, name: str, seed: int, inputs_: TrainingInputs, recipe: Recipe) -> Run:
    from fittingroom.backend import describe

    images, labels = inputs_.train
    size = {"image_shape": list(images.shape[1:]), "classes": _classes(inputs_.facts["class_names"], labels)}
    run = create(out, name, seed, describe(seed=seed, model=name, **size, **inputs_.facts))
    run.write_text("recipe.toml", recipe.to_toml())
    run.write_json("resolved.json", {"schema": "fittingroom/recipe/1", "seed": seed, **resolved(recipe).as_dict()})
    return run


def _classes(names: list[str] | None, labels: Array) -> int:
    return len(names) if names else int(labels.max()) + 1


def _discard_if_nothing_came(run: Run) -> None:
    """Take away a run folder that no epoch and no step has come into, so that its name can be used again."""
    if (run.folder / "checkpoint" / checkpoints.FILE).exists() or run.history:
        return
    shutil.rmtree(run.folder, ignore_errors=True)


def _fitted(
    run: Run,
    model: Any,
    inputs_: TrainingInputs,
    recipe: Recipe,
    seed: int,
    callbacks: Sequence[Any],
    facts: dict[str, Any],
    saved: Checkpoint | None,
    log: Log,
    on_progress: OnProgress,
) -> Run:
    from fittingroom.training.fit import Hooks, TrainingPlan, fit

    folder = run.folder / "checkpoint"
    hooks = Hooks(
        log=log,
        on_progress=on_progress,
        line=lambda line: run.append_line("history.jsonl", line),
        save=lambda state: checkpoints.write(folder, state),
        resume_hint=f"Go on with: fittingroom train --resume {run.folder}",
        facts=facts,
    )
    if saved is not None:  # a line may be missing or too many after a kill: the checkpoint knows
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in saved.facts["history"]]
        run.write_text("history.jsonl", "".join(lines))
    plan = TrainingPlan(*inputs_.train, recipe, seed, inputs_.validation, callbacks)
    done = fit(model, plan, hooks, saved)
    if done.stopped:
        log(f"Training ended early: {done.stopped}.")
    height, width = inputs_.train[0].shape[1:]
    _keep(run, done, (height, width))
    trained = run if (run.folder / IN_A_RUN).exists() else Run(run.folder, done.functional.model)
    if inputs_.validation is not None:
        keep_temperature(trained, *inputs_.validation)
    shutil.rmtree(folder, ignore_errors=True)
    return trained


def _keep(run: Run, done: Fitted, image_shape: tuple[int, int]) -> None:
    """Keep the trained model for use: behind its fixed front where it is a Keras model, else as its weights."""
    import torch

    functional = done.functional
    if functional.is_keras and functional.is_ordinary:
        from fittingroom.models.front import for_use

        with torch.no_grad(), functional.at_rest():
            atomic_write(run.folder / IN_A_RUN, for_use(functional.model, image_shape).save)
        return
    from safetensors.torch import save

    from fittingroom.models.custom import WEIGHTS, weights_of

    atomic_write(run.folder / WEIGHTS, save(weights_of(functional)))


def _architecture(model: Any) -> str | None:
    """Return a Keras model's architecture as JSON, where it can be told without its Python and was not compiled."""
    if not hasattr(model, "to_json") or getattr(model, "compiled", False) or not model.built:
        return None
    try:
        return str(model.to_json())
    except (NotImplementedError, TypeError, ValueError):
        return None


def _rebuilt(architecture: str | None, run: Run) -> Any:
    if architecture is None:
        raise RunError(f"{run.folder}: this model cannot be rebuilt from its run. Pass the same model again.")
    from fittingroom.backend import import_keras

    return import_keras().models.model_from_json(architecture)
