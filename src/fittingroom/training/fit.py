"""Train a model in memory: put subject, data and session together, and run the loop."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fittingroom.arrays import Array
from fittingroom.backend import choose_device
from fittingroom.errors import ModelError, TrainingError
from fittingroom.inference.forward import make_infer
from fittingroom.models.front import holds_own_scaling, pixel_scale
from fittingroom.models.functional_model import as_functional, probe
from fittingroom.progress import OnProgress, no_progress
from fittingroom.training.batching import TrainingData, on_device
from fittingroom.training.callbacks import make_callback_runner
from fittingroom.training.heap import (
    kept_heap,
    ran_out,
)
from fittingroom.training.loop import Line, Loop, LoopHooks, LoopState, held_back, restored
from fittingroom.training.losses import Objective, owners_objective, recipe_objective
from fittingroom.training.optimizers import bound
from fittingroom.training.recipe import Recipe, resolved
from fittingroom.training.step import is_compiled, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.checkpoint import Checkpoint


def adapt(model: Any, image_shape: tuple[int, int], *, pixels: str = "unit") -> FunctionalModel:
    """Return the subject of a Keras model or a torch module that is to be trained.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module``.
        image_shape: ``(h, w)`` of the images it will see.
        pixels: "unit" to feed 0..1, "raw" to feed 0..255.

    Raises:
        ModelError: neither of the two, it does not fit the images, has nothing to train, scales pixels that are already
            scaled, or trains by its own step.
    """
    functional = as_functional(model, image_shape)
    if not functional.parameters:
        kind = "Model" if functional.is_keras else "Module"
        raise ModelError(
            f"{kind} '{functional.name}' has nothing to train: all its weights are frozen, or it has none."
        )
    if functional.is_keras:
        _refuse_own_step(model)
        _refuse_scaling_twice(model, pixels)
    return functional


def _refuse_own_step(model: Any) -> None:
    import keras

    if type(model).train_step is not keras.Model.train_step:
        raise ModelError(
            f"Model '{model.name}' has its own train_step, which only model.fit runs. Use model.fit for it."
        )


def _refuse_scaling_twice(model: Any, pixels: str) -> None:
    if pixels == "unit" and holds_own_scaling(model):
        raise ModelError(
            f"Model '{model.name}' holds its own Rescaling or Normalization, and would be fed pixels in 0..1: scaled "
            "twice, it learns nothing. Remove the layer, or say pixels = 'raw' in the recipe."
        )


@dataclass(frozen=True)
class TrainingPlan:
    """What to train on and how.

    Attributes:
        images: uint8 ``(n, h, w)``.
        labels: whole numbers ``(n,)``.
        recipe: how.
        seed: of shuffling, augmentation and dropout; the weights are the model's own when it comes.
        validation: images and labels to look at after every epoch, or None.
        callbacks: Keras callbacks.
    """

    images: Array
    labels: Array
    recipe: Recipe
    seed: int = 0
    validation: tuple[Array, Array] | None = None
    callbacks: Sequence[Any] = ()


@dataclass(frozen=True)
class Hooks:
    """Where what happens goes; by default nowhere.

    Attributes:
        log: takes one line for the user.
        on_progress: takes the progress.
        line: takes one line of the history an epoch.
        save: takes a checkpoint, or None to make none.
        resume_hint: how to go on after an interruption.
        facts: what a checkpoint is to remember besides.
    """

    log: Callable[[str], None] = lambda _: None
    on_progress: OnProgress = no_progress
    line: Callable[[Line], None] = lambda _: None
    save: Callable[[Checkpoint], None] | None = None
    resume_hint: str = ""
    facts: Line | None = None


@dataclass(frozen=True)
class Fitted:
    """What came of it.

    Attributes:
        functional: the trained model.
        history: one line an epoch.
        stopped: why it ended early, or None.
        seconds: that it took.
        probabilities: the model gives probabilities rather than logits.
    """

    functional: FunctionalModel
    history: list[Line]
    stopped: str | None
    seconds: float
    probabilities: bool


def fit(model: Any, plan: TrainingPlan, hooks: Hooks | None = None, checkpoint: Checkpoint | None = None) -> Fitted:
    """Train a model where it is, in memory.

    Args:
        model: a Keras model or torch module.
        plan: what to train on and how.
        hooks: where progress, history and checkpoints go.
        checkpoint: where to go on from, or None to begin.

    Returns:
        The trained model, which is the one that was given, and the history.

    Raises:
        ModelError: the model does not fit the images, or has nothing to train.
        DataError: a label that the model has no output for.
        TrainingError: the loss is not finite, or memory or disk ran out.
        Interrupted: the user stopped it.
    """
    hooks = hooks or Hooks()
    started = time.perf_counter()
    recipe = resolved(plan.recipe)
    height, width = plan.images.shape[1:]
    device = torch.device(choose_device(recipe.device).name)
    with _on(device, model), _memory_in_words(recipe), torch.random.fork_rng(), kept_heap():
        functional = adapt(model, (height, width), pixels=recipe.pixels)
        classes, probabilities = probe(functional, scale=255 * pixel_scale(recipe.pixels))
        objective = _objective(functional, recipe, classes, probabilities)
        data = on_device(plan.images, plan.labels, device, classes, "training")
        validation = plan.validation and on_device(*plan.validation, device, classes, "validation")
        state = _train(functional, data, validation, recipe, objective, plan, hooks, checkpoint, probabilities)
    return Fitted(functional, state.history, state.stopped, time.perf_counter() - started, probabilities)


def _objective(functional: FunctionalModel, recipe: Recipe, classes: int, probabilities: bool) -> Objective:
    if is_compiled(functional):
        return owners_objective(functional, classes)
    return recipe_objective(recipe, probabilities=probabilities)


def _train(
    functional: FunctionalModel,
    data: TrainingData,
    validation: TrainingData | None,
    recipe: Recipe,
    objective: Objective,
    plan: TrainingPlan,
    hooks: Hooks,
    checkpoint: Checkpoint | None,
    probabilities: bool,
) -> LoopState:
    with bound(functional) as flat, held_back() as interrupted:
        session = open_session(functional, flat, data, recipe, objective, seed=plan.seed, log=hooks.log)
        runner = make_callback_runner(plan.callbacks, session, probabilities=probabilities)
        loop_hooks = LoopHooks(hooks.line, hooks.save, hooks.on_progress, interrupted, hooks.resume_hint)
        infer = make_infer(functional, scale=pixel_scale(recipe.pixels), trace=recipe.trace)
        loop = Loop(session, runner, loop_hooks, validation, infer, plan.seed, dict(hooks.facts or {}))
        try:
            runner.begin(epochs_done=checkpoint.facts["epoch"] - 1 if checkpoint else None)
            state = restored(loop, checkpoint) if checkpoint else LoopState()
            loop.run(state)
            runner.end(state.history[-1] if state.history else {})
        finally:
            runner.give_back()
    return state


@contextmanager
def _on(device: torch.device, model: Any) -> Iterator[None]:
    """Have the model on the device, and Keras make its tensors there."""
    import keras

    with keras.device(device.type), torch.no_grad():
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
