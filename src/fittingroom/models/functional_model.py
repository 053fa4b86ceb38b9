"""A model as pure functions: parameters and buffers go in and come out, whatever it was written in."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError
from fittingroom.models.front import contiguous, outputs_of, shape_for, stated_shape
from fittingroom.models.hidden_state import PYTHON, unmoved
from fittingroom.private_apis import is_being_recorded

if TYPE_CHECKING:
    import keras


Tensors = tuple[Tensor, ...]
Forward = Callable[[Tensors, Tensors, Tensor, bool], "Output"]
"""``forward(parameters, buffers, inputs, training)``; changes none of its arguments."""
Call = Callable[[Tensor, bool], tuple[Tensor, Tensor | None]]
"""``call(inputs, training)``: the model itself, as its owner would call it; gives outputs and penalty, and changes the
model's buffers and whatever else its Python changes."""


@dataclass(frozen=True)
class Output:
    """What one pass through the model gives.

    Attributes:
        outputs: logits or probabilities, float ``(n, c)``.
        buffers: the buffers' new values, in the order of the subject's.
        penalty: the sum of what the model adds to the loss (regularisers), or None.
    """

    outputs: Tensor
    buffers: Tensors
    penalty: Tensor | None = None


@dataclass(frozen=True)
class FunctionalModel:
    """A model as the trainer sees it.

    Attributes:
        model: the Keras model or torch module itself.
        name: for messages.
        parameters: the trainable leaves, live: writing into them changes the model.
        parameter_names: one a parameter, unique.
        buffers: state that is not trained but that layers read and write, live.
        forward: see ``Forward``.
        input_shape: of one input, without the batch.
        kernel_axes: for each parameter of two or more axes, which axis counts outputs; None for the rest.
        is_keras: a Keras model rather than a plain torch module.
        is_ordinary: made of Keras's or torch's own layers only, whose Python is known not to change between steps.
        call: see ``Call``.
        settle: puts buffers that the last call has replaced by other tensors back in their places, with the new values.
        roots: what leads to all that the model's Python remembers, for ``HiddenState``.
        draws: where it was seen to draw random numbers from, Torch's generators aside; filled by calls.
        untraceable: why no graph can stand for it, in words; None where that is to be tried.
    """

    model: Any
    name: str
    parameters: Tensors
    parameter_names: tuple[str, ...]
    buffers: Tensors
    forward: Forward
    input_shape: tuple[int, ...]
    kernel_axes: tuple[int | None, ...]
    is_keras: bool
    is_ordinary: bool
    call: Call
    settle: Callable[[], None]
    roots: dict[str, Any]
    draws: set[str]
    untraceable: str | None

    @property
    def like(self) -> Tensor:
        """A tensor of the model's weights, for their dtype and device; one of its own where it has no weights."""
        floating = (tensor for tensor in (*self.parameters, *self.buffers) if tensor.is_floating_point())
        return next(floating, torch.zeros(()))

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """Leave buffers, modes, random states and all that the model's Python remembers as they were."""
        modes = {part: part.training for part in self.model.modules()}
        try:
            with unmoved(self.roots, (*self.parameters, *self.buffers)):
                yield
        finally:
            for part, mode in modes.items():
                part.training = mode

    @contextmanager
    def left_as_usual(self) -> Iterator[None]:
        """Leave the model, after a training, in the mode that it is usually left in.

        That is for a torch module its own, part by part, and for a Keras model inference, as after ``fit``.
        """
        modes = {part: part.training for part in self.model.modules()}
        try:
            yield
        finally:
            for part, mode in modes.items():
                part.training = mode and not self.is_keras

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Have Keras work where the weights are, and leave the model in training or inference mode as it was before."""
        import keras

        was_training = self.model.training
        try:
            with keras.device(self.like.device.type):
                yield
        finally:
            self.model.train(was_training)


class HiddenStateError(Exception):
    """A layer writes a variable that the model does not list, so the pass is no pure function."""


def asked(draws: set[str], model: Any, inputs: Tensor, **options: Any) -> Any:
    """Call a model, and note whether its Python draws from Python's random generator meanwhile."""
    before = random.getstate()
    outputs = model(inputs, **options)
    if random.getstate() != before:
        draws.add(PYTHON)
    return outputs


def adapt_keras(model: keras.Model, image_shape: tuple[int, int]) -> FunctionalModel:
    """Return the subject of a Keras model, building the model where it has not been.

    Args:
        model: Sequential, functional or subclassed; one input, one output ``(n, c)``.
        image_shape: ``(h, w)`` of the images it will see.

    Raises:
        ModelError: it does not fit the images.
    """
    shape = shape_for(_built_input_shape(model, image_shape), image_shape, model.name)
    draws: set[str] = set()
    trainable, rest = list(model.trainable_variables), list(model.non_trainable_variables)
    return FunctionalModel(
        model=model,
        name=model.name,
        parameters=tuple(variable.value for variable in trainable),
        parameter_names=tuple(f"{index}:{variable.name}" for index, variable in enumerate(trainable)),
        buffers=tuple(variable.value for variable in rest),
        forward=_keras_forward(model, trainable, rest, draws),
        input_shape=shape,
        kernel_axes=tuple(len(variable.shape) - 1 if len(variable.shape) > 1 else None for variable in trainable),
        is_keras=True,
        is_ordinary=all(_is_ordinary(layer) for layer in model._flatten_layers()),
        call=_keras_call(model, draws),
        settle=lambda: None,
        roots=_keras_roots(model),
        draws=draws,
        untraceable=_untraceable(model),
    )


def _built_input_shape(model: keras.Model, image_shape: tuple[int, int]) -> tuple[int | None, ...]:
    """Return the shape of one input; an unbuilt model is built for the first shape we could feed that it takes."""
    if model.built and hasattr(model, "input_shape"):
        return stated_shape(model)
    seen = getattr(model, "_build_shapes_dict", None) or {}
    if model.built and seen:
        return tuple(next(iter(seen.values()))[1:])
    height, width = image_shape
    told = []
    for shape in ((height, width), (height, width, 1), (height * width,)):
        error = refusal(_copy_to_try(model), shape)
        if error is None:
            with unmoved({}, ()):
                model(torch.zeros((2, *shape)))
            return shape
        told.append(error)
    raise ModelError(
        f"Model '{model.name}' takes neither ({height}, {width}) nor ({height}, {width}, 1) nor ({height * width},) as "
        "its input, or its output is not (n, classes). If it does, build it first: call it once on such an input. "
        f"It says: {told[0]}"
    )


def _copy_to_try(model: Any) -> Any:
    """Return a copy of an unbuilt model to try shapes on, since a try builds layers; where it cannot be had, itself."""
    import keras

    with unmoved({}, ()):
        try:
            return (
                keras.Sequential.from_config(model.get_config()) if type(model) is keras.Sequential else deepcopy(model)
            )
        except Exception:  # an owner's class may not tell its configuration, or hold what cannot be copied
            return model


def refusal(model: Any, shape: tuple[int, ...], like: Tensor | None = None) -> str | None:
    """Return why a model does not take inputs of a shape, in the words of its own error; None where it does.

    Nothing that the model remembers is changed by the try.
    """
    inputs = (
        torch.zeros((2, *shape)) if like is None else torch.zeros((2, *shape), dtype=like.dtype, device=like.device)
    )
    tensors = () if is_lazy(model) else (*model.parameters(), *model.buffers())
    try:
        with unmoved({} if is_lazy(model) else {type(model).__name__: model}, tensors), torch.no_grad():
            outputs = model(inputs)
    except Exception as error:  # modules say in many ways what they cannot take, by assertions too
        return first_words(error)
    if getattr(outputs, "ndim", 0) != 2 or len(outputs) != 2:
        return f"from {(2, *shape)} it makes {tuple(getattr(outputs, 'shape', ())) or type(outputs).__name__}"
    return None


def first_words(error: BaseException) -> str:
    r"""Return the line of an error that says what is wrong, without colours; Keras wraps it into several.

    Example:
        >>> first_words(ValueError("Exception encountered when calling Dense.call().\n\nbad shape."))
        'ValueError: bad shape'
    """
    lines = [line.strip() for line in COLOURS.sub("", str(error)).splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception encountered")]
    return f"{type(error).__name__}: {told[0] if told else 'no reason given'}"[:200].rstrip(". ")


COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def _is_ordinary(layer: Any) -> bool:
    import keras

    if type(layer) in (keras.Model, keras.Sequential):
        return True
    return type(layer).__module__.startswith("keras.") and type(layer).__name__ not in ("Lambda", "TorchModuleWrapper")


def _keras_forward(model: keras.Model, trainable: list[Any], rest: list[Any], draws: set[str]) -> Forward:
    import keras

    known = {id(variable) for variable in [*trainable, *rest]}
    own_loss = has_own_loss(model)

    class Scope(keras.StatelessScope):  # type: ignore[misc]
        """Collects what layers write; a variable that the model does not list is written for good, or not traced."""

        def add_update(self, update: tuple[Any, Tensor]) -> None:
            variable, value = update
            if id(variable) in known:
                super().add_update(update)
            elif is_being_recorded():
                raise HiddenStateError("a layer writes a variable that the model does not list")
            else:
                variable._direct_assign(value.detach())

    def forward(parameters: Tensors, buffers: Tensors, inputs: Tensor, training: bool) -> Output:
        mapping = [*zip(trainable, parameters, strict=True), *zip(rest, buffers, strict=True)]
        scope = Scope(state_mapping=mapping, collect_losses=True, initialize_variables=False)
        model.train(training)
        with scope:
            outputs = asked(draws, model, inputs, **_mode(model, training))
            penalties = model.losses
        fresh = tuple(scope.get_current_value(variable) for variable in rest)
        return Output(outputs, fresh, None if own_loss else _summed(penalties))

    return forward


def has_own_loss(model: keras.Model) -> bool:
    """Say whether a Keras model's class overrides ``compute_loss``, which then adds the penalties, or leaves them."""
    import keras

    return type(model).compute_loss is not keras.Model.compute_loss or "compute_loss" in vars(model)


def _untraceable(model: keras.Model) -> str | None:
    if has_own_loss(model):
        return "its own compute_loss is called as it is."
    if model.compiled and hasattr(model.optimizer, "inner_optimizer"):
        return "its optimiser scales the loss by a factor that changes."
    return hooks_of(model)


def _summed(penalties: list[Tensor]) -> Tensor | None:
    sums = [penalty.sum() if penalty.ndim else penalty for penalty in penalties]
    return sum(sums[1:], sums[0]) if sums else None


def _mode(model: keras.Model, training: bool) -> dict[str, bool]:
    return {"training": training} if model._call_has_training_arg else {}


def _keras_call(model: keras.Model, draws: set[str]) -> Call:
    own_loss = has_own_loss(model)

    def call(inputs: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        model.train(training)
        outputs = asked(draws, model, inputs, **_mode(model, training))
        return outputs, None if own_loss else _summed(model.losses)

    return call


def _keras_roots(model: keras.Model) -> dict[str, Any]:
    """Return every layer by name, and what the model was compiled with."""
    layers = {layer.name: layer for layer in model._flatten_layers()}
    return {**layers, model.name: model, "its loss": getattr(model, "loss", None)}


def as_functional(model: Any, image_shape: tuple[int, int]) -> FunctionalModel:
    """Return the subject of a Keras model or a torch module.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module``.
        image_shape: ``(h, w)`` of the images it will see.

    Raises:
        ModelError: neither of the two, or it does not fit the images.
    """
    keras = import_keras()
    if isinstance(model, keras.Model):
        return adapt_keras(model, image_shape)
    if isinstance(model, keras.Layer):
        raise ModelError(f"Expected a model, received the layer '{model.name}'. Put it into a keras.Sequential.")
    if isinstance(model, nn.Module):
        from fittingroom.models.torch_adapter import adapt_torch

        return adapt_torch(model, image_shape)
    raise ModelError(f"Expected a Keras model or a torch.nn.Module, received {type(model).__name__}.")


def probe(functional: FunctionalModel, *, scale: float = 1.0) -> tuple[int, bool]:
    """Run a few random images through the model and say what comes out.

    Args:
        functional: the model; its weights and buffers stay as they are.
        scale: the largest pixel value it is fed, 1 or 255.

    Returns:
        The number of outputs, and whether they are probabilities rather than logits: see ``outputs_of``.

    Raises:
        ModelError: the outputs are not one row of numbers an image.
    """
    like = functional.like

    def ask(inputs: Tensor) -> Tensor:
        tensors = functional.parameters, functional.buffers
        return functional.forward(*tensors, contiguous(inputs.to(like.device, like.dtype)), False).outputs

    with torch.no_grad(), functional.unmoved():
        return outputs_of(ask, functional.input_shape, scale, functional.name)


def hooks_of(module: nn.Module) -> str | None:
    """Say in words which hook would not be called by a graph, or None where there is none."""
    kinds = ("_forward_pre_hooks", "_forward_hooks", "_backward_hooks", "_backward_pre_hooks")
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            return f"'{name or type(module).__name__}' is compiled by torch.jit, which a graph cannot look into."
        if any(getattr(part, kind, None) for kind in kinds):
            return f"'{name or type(module).__name__}' has a hook, which may do something else at each call."
    for name, tensor in module.named_parameters():
        if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
            return f"'{name}' has a hook on its gradient."
    if any(getattr(nn.modules.module, f"_global{kind}", None) for kind in kinds):
        return "a hook is registered for all modules, which may do something else at each call."
    return None


def is_lazy(module: nn.Module) -> bool:
    """Say whether a module waits for its first input to know the shapes of its weights."""
    return any(nn.parameter.is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers()))
