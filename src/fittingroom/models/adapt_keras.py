"""A Keras model as a subject: its variables become inputs and outputs of one pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from fittingroom.errors import ModelError
from fittingroom.models.front import check_fits, input_shape
from fittingroom.models.functional_model import Forward, FunctionalModel, Output, Tensors

if TYPE_CHECKING:
    import keras
    from torch import Tensor


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
        forward=_forward(model, trainable, rest),
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
        if _takes(_trial(model), shape):
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


def _takes(model: keras.Model, shape: tuple[int, ...]) -> bool:
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


def _forward(model: keras.Model, trainable: list[Any], rest: list[Any]) -> Forward:
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
