"""A model as pure functions: parameters and buffers go in and come out, whatever it was written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError
from fittingroom.models.front import check_fits, input_shape

if TYPE_CHECKING:
    import keras


Tensors = tuple[Tensor, ...]
Forward = Callable[[Tensors, Tensors, Tensor, bool], "Output"]
"""``forward(parameters, buffers, inputs, training)``; changes none of its arguments."""


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
        constrain: applies the parameters' constraints after an update, or None.
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
    constrain: Callable[[], None] | None = field(default=None)

    @property
    def like(self) -> Tensor:
        """A tensor of the model's weights, for their dtype and device; one of its own where it has no weights."""
        floating = (tensor for tensor in (*self.parameters, *self.buffers) if tensor.is_floating_point())
        return next(floating, torch.zeros(()))

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


def adapt_keras(model: keras.Model, image_shape: tuple[int, int]) -> FunctionalModel:
    """Return the subject of a Keras model, building the model where it has not been.

    Args:
        model: Sequential, functional or subclassed; one input, one output ``(n, c)``.
        image_shape: ``(h, w)`` of the images it will see.

    Raises:
        ModelError: it does not fit the images.
    """
    shape = _built_input_shape(model, image_shape)
    check_fits(shape, image_shape, model.name)
    trainable, rest = list(model.trainable_variables), list(model.non_trainable_variables)
    return FunctionalModel(
        model=model,
        name=model.name,
        parameters=tuple(variable.value for variable in trainable),
        parameter_names=tuple(f"{index}:{variable.name}" for index, variable in enumerate(trainable)),
        buffers=tuple(variable.value for variable in rest),
        forward=_keras_forward(model, trainable, rest),
        input_shape=shape,
        kernel_axes=tuple(len(variable.shape) - 1 if len(variable.shape) > 1 else None for variable in trainable),
        is_keras=True,
        is_ordinary=all(_is_ordinary(layer) for layer in model._flatten_layers()),
        constrain=_constrain(trainable),
    )


def _built_input_shape(model: keras.Model, image_shape: tuple[int, int]) -> tuple[int, ...]:
    """Return the shape of one input; an unbuilt model is built for the first shape we could feed that it takes."""
    if model.built and hasattr(model, "input_shape"):
        return input_shape(model)
    seen = getattr(model, "_build_shapes_dict", None) or {}
    if model.built and seen:
        return tuple(next(iter(seen.values()))[1:])
    height, width = image_shape
    for shape in ((height, width, 1), (height * width,), (height, width)):
        if _keras_takes(_trial(model), shape):
            model(torch.zeros((2, *shape)))
            return shape
    raise ModelError(
        f"Model '{model.name}' takes neither ({height}, {width}, 1) nor ({height * width},) nor ({height}, {width}) as "
        "its input, or its output is not (n, classes). If it does, build it first: call it once on such an input."
    )


def _trial(model: keras.Model) -> keras.Model:
    """Return a copy of a Sequential model to try shapes on, since a try builds layers; others are tried themselves."""
    import keras

    return keras.Sequential.from_config(model.get_config()) if type(model) is keras.Sequential else model


def _keras_takes(model: keras.Model, shape: tuple[int, ...]) -> bool:
    try:
        outputs = model(torch.zeros((2, *shape)))
    except Exception:  # layers say in many ways what they cannot take
        return False
    return getattr(outputs, "ndim", 0) == 2


def _is_ordinary(layer: Any) -> bool:
    import keras

    if type(layer) in (keras.Model, keras.Sequential):
        return True
    return type(layer).__module__.startswith("keras.") and type(layer).__name__ not in ("Lambda", "TorchModuleWrapper")


def _constrain(variables: list[Any]) -> Any:
    constrained = [variable for variable in variables if variable.constraint is not None]
    if not constrained:
        return None

    def constrain() -> None:
        for variable in constrained:
            variable.assign(variable.constraint(variable))

    return constrain


def _keras_forward(model: keras.Model, trainable: list[Any], rest: list[Any]) -> Forward:
    import keras

    known = {id(variable) for variable in [*trainable, *rest]}

    class Scope(keras.StatelessScope):  # type: ignore[misc]
        """Collects what layers write; a variable that the model does not list is written for good, or not traced."""

        def add_update(self, update: tuple[Any, Tensor]) -> None:
            variable, value = update
            if id(variable) in known:
                super().add_update(update)
            elif get_proxy_mode() is not None:
                raise HiddenStateError("a layer writes a variable that the model does not list")
            else:
                variable._direct_assign(value.detach())

    def forward(parameters: Tensors, buffers: Tensors, inputs: Tensor, training: bool) -> Output:
        mapping = [*zip(trainable, parameters, strict=True), *zip(rest, buffers, strict=True)]
        scope = Scope(state_mapping=mapping, collect_losses=True, initialize_variables=False)
        model.train(training)
        with scope:
            outputs = model(inputs, training=training) if model._call_has_training_arg else model(inputs)
            penalties = model.losses
        fresh = tuple(scope.get_current_value(variable) for variable in rest)
        return Output(outputs, fresh, sum(penalties[1:], penalties[0]) if penalties else None)

    return forward


def adapt_torch(module: nn.Module, image_shape: tuple[int, int]) -> FunctionalModel:
    """Return the subject of a torch module.

    Args:
        module: maps float32 images ``(n, 1, h, w)``, ``(n, h, w)`` or ``(n, h * w)`` to ``(n, c)``; which of the
            three is found by trying, in this order.
        image_shape: ``(h, w)``.

    Raises:
        ModelError: it takes none of the three.
    """
    name = type(module).__name__
    named = [(key, value) for key, value in module.named_parameters() if value.requires_grad]
    buffers = dict(module.named_buffers())
    return FunctionalModel(
        model=module,
        name=name,
        parameters=tuple(value for _, value in named),
        parameter_names=tuple(key for key, _ in named),
        buffers=tuple(buffers.values()),
        forward=_torch_forward(module, tuple(key for key, _ in named), tuple(buffers)),
        input_shape=_input_shape(module, image_shape, next(module.parameters(), torch.zeros(()))),
        kernel_axes=tuple(0 if value.ndim > 1 else None for _, value in named),
        is_keras=False,
        is_ordinary=all(type(part).__module__.startswith("torch.nn.") for part in module.modules()),
    )


def _torch_forward(module: nn.Module, names: tuple[str, ...], buffer_names: tuple[str, ...]) -> Forward:
    def forward(parameters: Tensors, buffers: Tensors, inputs: Tensor, training: bool) -> Output:
        # torch's layers write into their buffers: they get copies, so that this stays a pure function
        fresh = tuple(buffer.clone() for buffer in buffers)
        state = {**dict(zip(names, parameters, strict=True)), **dict(zip(buffer_names, fresh, strict=True))}
        module.train(training)
        return Output(functional_call(module, state, (inputs,)), fresh)

    return forward


def _input_shape(module: nn.Module, image_shape: tuple[int, int], like: Tensor) -> tuple[int, ...]:
    height, width = image_shape
    was_training = module.training
    module.eval()
    try:
        for shape in ((1, height, width), (height, width), (height * width,)):
            if _torch_takes(module, torch.zeros((2, *shape), device=like.device, dtype=like.dtype)):
                return shape
    finally:
        module.train(was_training)
    raise ModelError(
        f"Module '{type(module).__name__}' takes neither (1, {height}, {width}) nor ({height}, {width}) nor "
        f"({height * width},) as its input, or its output is not (n, classes). It must map images {image_shape} to one "
        "number a class."
    )


def _torch_takes(module: nn.Module, inputs: Tensor) -> bool:
    try:
        with torch.no_grad():
            outputs = module(inputs)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    return isinstance(outputs, Tensor) and outputs.ndim == 2 and len(outputs) == len(inputs)


PROBE_IMAGES = 8


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
        return adapt_torch(model, image_shape)
    raise ModelError(f"Expected a Keras model or a torch.nn.Module, received {type(model).__name__}.")


def probe(functional: FunctionalModel, *, scale: float = 1.0) -> tuple[int, bool]:
    """Run a few random images through the model and say what comes out.

    Args:
        functional: the model; its weights and buffers stay as they are.
        scale: the largest pixel value it is fed, 1 or 255.

    Returns:
        The number of classes, and whether the outputs are probabilities: none negative, every row summing to one.

    Raises:
        ModelError: the outputs are not one row of numbers an image.
    """
    like = functional.like
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand((PROBE_IMAGES, *functional.input_shape), generator=generator) * scale
    with torch.no_grad():
        outputs = functional.forward(
            functional.parameters, functional.buffers, pixels.to(like.device, like.dtype), False
        ).outputs
    if getattr(outputs, "ndim", 0) != 2 or len(outputs) != PROBE_IMAGES:
        shape = tuple(getattr(outputs, "shape", ()))
        raise ModelError(f"Model '{functional.name}': expected outputs of shape (n, classes), received {shape}.")
    sums_to_one = torch.allclose(
        outputs.sum(dim=1), torch.ones((), dtype=outputs.dtype, device=outputs.device), atol=1e-3
    )
    return outputs.shape[1], bool(sums_to_one and (outputs >= 0).all())
