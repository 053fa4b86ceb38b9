"""From a model and data to a run folder: `train_model` and `resume`; and `fit`, the same in memory."""

from __future__ import annotations

import json
import shlex
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import fittingroom.training.checkpoint as checkpoints
from fittingroom.arrays import Array, check_whole
from fittingroom.backend import choose_device, describe, import_keras
from fittingroom.data import Dataset, Log, no_log
from fittingroom.data.edits import EDITS
from fittingroom.errors import Interrupted, RunError, TrainingError, UsageError
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.inference.predictor import keep_temperature
from fittingroom.models.custom import WEIGHTS, weights_of
from fittingroom.models.front import for_use, pixel_scale
from fittingroom.models.functional_model import as_functional, probe
from fittingroom.models.keras_file import portable_json, save_keras
from fittingroom.progress import OnProgress, no_progress
from fittingroom.runs import Run, create, open_run
from fittingroom.training.batching import on_device
from fittingroom.training.callbacks import CallbackRunner
from fittingroom.training.heap import kept_heap, ran_out
from fittingroom.training.loop import Loop, LoopState, held_back
from fittingroom.training.losses import Objective, owners_objective, recipe_objective, refuse_what_only_fit_does
from fittingroom.training.optimizers import bound
from fittingroom.training.plan import Hooks, TrainingPlan, plan_of, refuse_alone
from fittingroom.training.ranks import Ranks, facts_here, join
from fittingroom.training.recipe import AUTO, Recipe, resolved
from fittingroom.training.snapshots import write_snapshot
from fittingroom.training.step import Session, adapt, is_compiled, refuse_one_image
from fittingroom.training.tracking import tracked
from fittingroom.training.whiten import SAMPLE, whiten
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.checkpoint import Checkpoint

# what a recipe says of a model that its owner has not compiled; one that is compiled brings its own
OWNERS = (
    "optimizer",
    "learning_rate",
    "momentum",
    "nesterov",
    "weight_decay",
    "schedule",
    "warmup",
    "label_smoothing",
    "gradient_clip",
)


def train_model(
    model: Any,
    data: Any,
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    validation: Any = None,
    callbacks: Any = (),
    out: str | Path | None = None,
    facts: Mapping[str, Any] | None = None,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> Run:
    """Train a model in memory and keep everything about it in a run folder: what is behind `fittingroom.train`.

    The model is trained in place. One that its owner compiled keeps its optimiser, loss and metrics, and of the recipe
    only epochs, batch size, augmentation and the like are used; any other is trained by the recipe.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module`` from images to logits or probabilities.
        data: a dataset, of which only the train part goes further, or images and labels in any form that
            `data.accepting` knows: arrays, tensors, tables, torch and Hugging Face datasets.
        recipe: how to train; the walk-through's where it is None.
        seed: of shuffling, augmentation and dropout.
        validation: None to train on everything; how many images to hold out, stratified, the same ones whatever the
            seed; or a pair of images and labels.
        callbacks: Keras callbacks, called as ``model.fit`` calls them: one, several, or a ``CallbackList``.
        out: the run folder; ``runs/YYYYmmdd-HHMMSS-NAME-sSEED`` where it is None.
        facts: what the caller knows of where model, data and recipe come from, see `made_of`.
        log: takes one line for the user: why a model is trained without a trace, why training stopped early.
        on_progress: takes the progress, about twenty times an epoch.

    Returns:
        The run, with its history, the recipe, and the model for use.

    Raises:
        UsageError: an argument of the wrong kind, or a recipe that a compiled model would not use.
        DataError: images or labels that are not what they should be.
        ModelError: a model that does not fit the images.
        RunError: the folder is taken or cannot be written.
        TrainingError: the loss is not finite, or memory or disk ran out; nothing good is overwritten.
        Interrupted: the user stopped it; ``resume`` goes on.
    """
    seed, recipe, ranks = check_whole(seed, "seed"), recipe or Recipe(), join()
    plan = plan_of(data, recipe, seed, validation, callbacks, log, ranks)
    refuse_unused(model, recipe)
    if recipe.whiten:
        whiten(model, plan.first_images(SAMPLE))
    if ranks is not None:
        refuse_alone(model, plan)
        if not ranks.is_first:
            return _follow(model, plan, None, ranks)
    run = _opened(out, plan, made_of(model, plan) | dict(facts or {}), _used(model, recipe))
    if isinstance(data, Dataset) and data.edits is not None:
        run.write_text(EDITS, data.edits.text)
    plan = replace(plan, facts=plan.facts | {"architecture": _architecture(model)})
    try:
        return _led(ranks, _fit_into(run, model, plan, None, log, on_progress))
    except BaseException:  # also what a callback, a loss or a layer of the user's own raises
        _discard_if_nothing_came(run)
        raise


def resume(
    run: str | Path | Run,
    data: Any,
    *,
    model: Any = None,
    validation: Any = None,
    callbacks: Any = (),
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
        RunError: no such run, no checkpoint in it, or one of another model or recipe; or another process is at it.
        UsageError: the data are not those that the run was trained on.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    check_unfinished(opened)
    saved = checkpoints.read(opened.folder / "checkpoint")
    facts = saved.facts
    held_out = validation if validation is not None else facts["held_out"]
    ranks = join()
    plan = plan_of(data, Recipe.from_dict(facts["recipe"]), facts["seed"], held_out, callbacks, log, ranks)
    for key in ("fingerprint", "train_images", "validation_images", "edits"):
        if plan.facts[key] != facts.get(key):
            raise UsageError(
                f"{opened.folder} was trained with {key} {facts.get(key)}, and is to go on with {plan.facts[key]}. "
                "Pass the same data and validation."
            )
    plan = replace(plan, facts={key: facts.get(key) for key in ("architecture", *plan.facts)})
    if model is None:
        model = _rebuilt(facts["architecture"], opened)
    elif plan.recipe.whiten:
        whiten(model, plan.first_images(SAMPLE))
    if ranks is not None:
        refuse_alone(model, plan)
        if not ranks.is_first:
            return _follow(model, plan, saved, ranks)
    return _led(ranks, _fit_into(opened, model, plan, saved, log, on_progress))


def _led(ranks: Ranks | None, run: Run) -> Run:
    """Return the first rank's run, after the others were told where it is."""
    if ranks is not None:
        ranks.from_first(lambda: str(run.folder))
    return run


def _follow(model: Any, plan: TrainingPlan, saved: Checkpoint | None, ranks: Ranks) -> Run:
    """Train a rank that is not the first: it writes nothing, and waits until the first has written the run."""
    fit(model, plan, None, saved)
    return Run(Path(ranks.from_first(str)))


def made_of(model: Any, plan: TrainingPlan) -> dict[str, Any]:
    """Return what a run is made of, as ``environment.json`` keeps it from the run's beginning.

    From here a model passed from Python, a recipe and arrays are all that can be told. Whoever has built the model and
    loaded the data by name, as `workflows.training.train` does, puts what it knows in the place of ``name`` (of the
    run), ``model``, ``model_source``, ``recipe``, ``data_folder``, ``data_dir``, ``tracking`` and ``command``.
    """
    kind = type(model)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": None,
        "model": str(getattr(model, "name", kind.__name__)).lower(),
        "model_source": {"kind": "python", "class": f"{kind.__module__}.{kind.__qualname__}"},
        "compiled": _compiled(model),
        "recipe": {"name": None, "sha256": None, "changes": plan.recipe.differences()},
        "callbacks": [type(callback).__name__ for callback in plan.callbacks],
        "data_folder": None,
        "data_dir": None,
        "tracking": [],
        "command": "Python call",
    }


def _compiled(model: Any) -> dict[str, Any] | None:
    """Return the optimiser, loss and metrics that a Keras model was compiled with, as Keras writes them; else None."""
    if not getattr(model, "compiled", False):
        return None
    try:
        config = model.get_compile_config() or {}
    except (NotImplementedError, TypeError, ValueError):  # a loss or a metric that Keras has no words for
        config = {"optimizer": type(model.optimizer).__name__, "loss": model.loss}
    known = {name: config.get(name) for name in ("optimizer", "loss", "metrics")}
    plain: dict[str, Any] = json.loads(json.dumps(known, default=str))
    return plain


def refuse_unused(model: Any, recipe: Recipe) -> None:
    """Raise where a model brings an optimiser and a loss of its own, and the recipe says something else of them.

    Raises:
        UsageError: names the settings that would not be used.
    """
    unused = [name for name in recipe.differences() if name in OWNERS]
    if unused and getattr(model, "compiled", False):
        raise UsageError(
            f"Model '{model.name}' is compiled, so its own optimiser and loss train it, and the recipe's "
            f"{', '.join(unused)} would not be used. Leave that out, or pass the model without compiling it."
        )


def _used(model: Any, recipe: Recipe) -> dict[str, Any]:
    """Return every setting as it is used; None for what a compiled model brings itself, but its optimiser and rate."""
    used = resolved(recipe).as_dict() | {"device": _device(recipe)}
    if not getattr(model, "compiled", False):
        return used
    rate = model.optimizer.learning_rate
    own = {"optimizer": f"{type(model.optimizer).__name__}, the model's own", "learning_rate": float(rate)}
    return used | dict.fromkeys(OWNERS) | own


def _opened(out: str | Path | None, plan: TrainingPlan, facts: Mapping[str, Any], used: Mapping[str, Any]) -> Run:
    classes = _classes(plan.facts["class_names"], plan.labels)
    size = {"image_shape": list(plan.images.shape[1:]), "classes": classes}
    title = facts["name"] or facts["model"]
    several = {} if plan.ranks is None else {"ranks": plan.ranks.size}
    made_with = describe(wanted=_wanted(plan.recipe), seed=plan.seed, **facts, **size, **plan.facts, **several)
    run = create(out, title, plan.seed, made_with)
    run.write_text("recipe.toml", plan.recipe.to_toml())
    run.write_json("resolved.json", {"schema": "fittingroom/recipe/1", "seed": plan.seed, **used})
    return run


def _classes(names: list[str] | None, labels: Array) -> int:
    return len(names) if names else int(labels.max()) + 1


def _discard_if_nothing_came(run: Run) -> None:
    """Take away a run folder that no epoch and no step has come into, so that its name can be used again."""
    if (run.folder / "checkpoint" / checkpoints.FILE).exists() or run.history:
        return
    shutil.rmtree(run.folder, ignore_errors=True)


def _fit_into(
    run: Run, model: Any, plan: TrainingPlan, saved: Checkpoint | None, log: Log, on_progress: OnProgress
) -> Run:
    """Train with history and checkpoints going into the run's folder, and keep the trained model there."""
    folder = run.folder / "checkpoint"
    snapshot = partial(write_snapshot, run.folder) if run.environment.get("snapshots") else None
    hooks = Hooks(log, on_progress, save=partial(checkpoints.write, folder), snapshot=snapshot)
    if saved is not None:  # a line may be missing or too many after a kill: the checkpoint knows
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in saved.facts["history"]]
        run.write_text("history.jsonl", "".join(lines))
    try:
        with run.under_training(), tracked(run, log) as track:
            state = fit(model, plan, replace(hooks, on_epoch=lambda line: _note(run, line, track)), saved)
    except Interrupted as stopped:
        raise Interrupted(f"{stopped} {_way_on(run, plan)}") from None
    if state.stopped:
        log(f"Training ended early: {state.stopped}.")
    height, width = plan.images.shape[1:]
    _keep(run, model, (height, width), plan.recipe.pixels)
    trained = run if (run.folder / IN_A_RUN).exists() else Run(run.folder, model)
    if plan.validation is not None:
        keep_temperature(trained, *plan.validation)
    shutil.rmtree(folder, ignore_errors=True)
    return trained


def _note(run: Run, line: dict[str, Any], track: Callable[[Mapping[str, Any]], None]) -> None:
    run.append_line("history.jsonl", line)
    track(line)


def _keep(run: Run, model: Any, image_shape: tuple[int, int], pixels: str) -> None:
    """Keep the trained model for use: behind its fixed front where it is a Keras model, else as its weights."""
    import keras

    with keras.device(next(model.parameters()).device.type), torch.no_grad():
        functional = as_functional(model, image_shape)
        if functional.is_keras and functional.is_ordinary:
            with functional.at_rest():
                save_keras(for_use(model, image_shape, pixels), run.folder / IN_A_RUN)
            return
    from safetensors.torch import save

    atomic_write(run.folder / WEIGHTS, save(weights_of(functional)))


def _architecture(model: Any) -> str | None:
    """Return a Keras model's architecture as JSON, where it can be told without its Python and was not compiled."""
    if not hasattr(model, "to_json") or getattr(model, "compiled", False) or not model.built:
        return None
    try:
        return portable_json(model)
    except (NotImplementedError, TypeError, ValueError):
        return None


def _way_on(run: Run, plan: TrainingPlan) -> str:
    """Return how to go on with a run: by a command where its model can be made again without the one in memory."""
    is_from_file = (run.environment.get("model_source") or {}).get("kind") == "file"
    if plan.facts["architecture"] is not None or is_from_file:
        return f"Go on with: {shlex.join(['fittingroom', 'train', '--resume', str(run.folder)])}"
    return (
        "Go on from Python, with the same model compiled in the same way: "
        f"fittingroom.training.resume({str(run.folder)!r}, data, model=model)"
    )


def check_unfinished(run: Run) -> None:
    """Raise where a run has been trained to its end.

    Raises:
        RunError: says so, and what can be done with it.
    """
    if is_finished(run):
        count = len(run.history)
        test = "" if run.state == "evaluated" else f" Test it with: fittingroom evaluate {run.folder}"
        raise RunError(
            f"{run.folder} is finished after {counted(count, 'epoch')}. Train its network on, into a run of "
            f"its own, with: fittingroom train --resume {run.folder} --epochs {2 * count}.{test}"
        )


def is_finished(run: Run) -> bool:
    """Say whether a run has been trained to its end."""
    has_model = (run.folder / IN_A_RUN).exists() or (run.folder / WEIGHTS).exists()
    return has_model and not (run.folder / "checkpoint" / checkpoints.FILE).exists()


def _rebuilt(architecture: str | None, run: Run) -> Any:
    if architecture is None:
        raise RunError(f"{run.folder}: this model cannot be rebuilt from its run. Pass the same model again.")
    return import_keras().models.model_from_json(architecture)


def fit(model: Any, plan: TrainingPlan, hooks: Hooks | None = None, checkpoint: Checkpoint | None = None) -> LoopState:
    """Train a model where it is, in memory.

    Args:
        model: a Keras model or torch module; trained in place.
        plan: what to train on and how.
        hooks: where progress, history and checkpoints go.
        checkpoint: where to go on from, or None to begin.

    Returns:
        Where the training ended, with the history.

    Raises:
        ModelError: the model does not fit the images, or has nothing to train.
        DataError: a label that the model has no output for.
        TrainingError: the loss is not finite, or memory or disk ran out.
        Interrupted: the user stopped it.
    """
    hooks = hooks or Hooks()
    with session_for(model, plan, hooks.log) as (session, classes, probabilities), held_back() as interrupted:
        if plan.ranks is not None:
            plan.ranks.agree(_agreed_facts(plan, session, checkpoint))
        validation = plan.validation and on_device(*plan.validation, session.data.device, classes, "validation")
        runner = CallbackRunner(plan.callbacks, session, probabilities=probabilities, log=hooks.log)
        return Loop(session, runner, plan, hooks, validation, interrupted).train(checkpoint)


def _agreed_facts(plan: TrainingPlan, session: Session, saved: Checkpoint | None) -> dict[str, Any]:
    """Return what every rank must have alike before the first step, by what it is called."""
    facts = {} if saved is None else saved.facts
    shapes = [list(view.shape) for view in session.flat.parameter_views]
    return {
        **facts_here(),
        "data (fingerprint)": plan.facts.get("fingerprint"),
        "training images": len(plan.labels),
        "validation images": plan.facts.get("validation_images"),
        "edits": plan.facts.get("edits"),
        "recipe": plan.recipe.differences(),
        "seed": plan.seed,
        "kind of device": session.data.device.type,
        "precision": str(session.flat.parameters.dtype),
        "shapes of weights": shapes,
        "checkpoint (epoch and step)": [facts.get("epoch"), facts.get("step")],
    }


@contextmanager
def session_for(model: Any, plan: TrainingPlan, log: Log) -> Iterator[tuple[Session, int, bool]]:
    """Put together all that a step of a training needs, and leave the model as Keras leaves it after the block.

    Args:
        model: a Keras model or torch module.
        plan: what to train on and how.
        log: takes one line for the user.

    Yields:
        The session, how many outputs the model has, and whether they are probabilities.

    Raises:
        ModelError: the model does not fit the images, or has nothing to train.
        DataError: a label that the model has no output for.
        TrainingError: memory ran out.
    """
    recipe = resolved(plan.recipe)
    height, width = plan.images.shape[1:]
    device, ranks = torch.device(_device(recipe)), plan.ranks
    if ranks is not None:
        ranks.use_device(device)
    with _on(device, model), _memory_in_words(recipe), torch.random.fork_rng(), kept_heap():
        functional = adapt(model, (height, width), pixels=recipe.pixels)
        classes, probabilities = probe(functional, scale=255 * pixel_scale(recipe.pixels))
        objective = _objective(functional, recipe, classes, probabilities)
        data = on_device(plan.images, plan.labels, device, classes, "training", plan.rows)
        refuse_one_image(functional, len(data), recipe.batch_size, ranks)
        with functional.left_as_usual(), bound(functional) as flat:
            parts = functional, flat, data, recipe, objective
            session = Session(*parts, seed=plan.seed, log=log, ranks=ranks, outputs=classes)
            yield session, classes, probabilities


def _objective(functional: FunctionalModel, recipe: Recipe, classes: int, probabilities: bool) -> Objective:
    if is_compiled(functional):
        scale = pixel_scale(recipe.pixels)
        return owners_objective(functional, classes, probabilities=probabilities, scale=scale)
    if functional.is_keras:
        refuse_what_only_fit_does(functional.model)
    return recipe_objective(recipe, probabilities=probabilities)


def _wanted(recipe: Recipe) -> str | None:
    return None if recipe.device == AUTO else recipe.device


def _device(recipe: Recipe) -> str:
    """Return "cpu", "cuda" or "mps"."""
    return choose_device(_wanted(recipe)).name


@contextmanager
def _on(device: torch.device, model: Any) -> Iterator[None]:
    """Have the model on the device, and Keras make its tensors there."""
    import keras

    with keras.device(device.type), torch.inference_mode(mode=False), torch.no_grad():
        if isinstance(model, keras.Model):
            for variable in model.variables:
                variable.value.data = variable.value.data.to(device)
        elif isinstance(model, torch.nn.Module):
            model.to(device)
        yield


@contextmanager
def _memory_in_words(recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if ran_out(error):
            raise _out_of_memory(recipe) from error
        raise


def _out_of_memory(recipe: Recipe) -> TrainingError:
    return TrainingError(
        f"Memory ran out with batches of {recipe.batch_size}. Try batch_size={max(1, recipe.batch_size // 2)}; "
        "a checkpoint made before is kept."
    )
