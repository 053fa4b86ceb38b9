"""A plain torch module as a functional model: its parameters and buffers go in and come out of one pure function."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fittingroom.errors import ModelError
from fittingroom.models.functional_model import (
    Call,
    Forward,
    FunctionalModel,
    Output,
    Tensors,
    asked,
    hooks_of,
    is_lazy,
    refusal,
)
from fittingroom.models.hidden_state import HiddenState

if TYPE_CHECKING:
    from collections.abc import Callable


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
    fixed = HiddenState({name: module}).fixed
    if fixed is not None:
        raise ModelError(
            f"Module '{name}' keeps a generator, {fixed}, which a trial call moves on and nothing can put back. Keep a "
            "list and a count in its place."
        )
    shape = _input_shape(module, image_shape)
    named = [(key, value) for key, value in module.named_parameters() if value.requires_grad]
    frozen = tuple(value for value in module.parameters() if not value.requires_grad)
    buffers = (*module.buffers(), *frozen)
    draws: set[str] = set()
    scripted = any(isinstance(part, torch.jit.ScriptModule) for part in module.modules())
    parameters = tuple(value for _, value in named)
    return FunctionalModel(
        model=module,
        name=name,
        parameters=parameters,
        parameter_names=tuple(key for key, _ in named),
        buffers=buffers,
        forward=(
            _scripted_forward(module, buffers) if scripted else _torch_forward(module, (*parameters, *buffers), draws)
        ),
        input_shape=shape,
        kernel_axes=tuple(0 if value.ndim > 1 else None for value in parameters),
        is_keras=False,
        is_ordinary=all(type(part).__module__.startswith("torch.nn.") for part in module.modules()),
        call=_torch_call(module, draws),
        settle=_settle(module, buffers),
        roots={name: module},
        draws=draws,
        untraceable=hooks_of(module),
    )


def _torch_call(module: nn.Module, draws: set[str]) -> Call:
    def call(inputs: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        module.train(training)
        return asked(draws, module, inputs), None

    return call


def _places(module: nn.Module, tensors: Tensors) -> list[tuple[Any, str, int]]:
    """Return where in a module each of some tensors lies: the dictionary, the name in it, the tensor's number."""
    numbers = {id(tensor): number for number, tensor in enumerate(tensors)}
    return [
        (holder, key, numbers[id(tensor)])
        for part in module.modules()
        for holder in (part._parameters, part._buffers)
        for key, tensor in holder.items()
        if id(tensor) in numbers
    ]


def _settle(module: nn.Module, buffers: Tensors) -> Callable[[], None]:
    places = _places(module, buffers)

    def settle() -> None:
        for holder, key, number in places:
            value, place = holder.get(key) if key in holder else None, buffers[number]
            if value is place or not isinstance(value, Tensor):
                continue
            if value.shape == place.shape:
                place.copy_(value.detach())
            else:
                place.data = value.detach().to(place.dtype)
            holder[key] = place

    return settle


def _torch_forward(module: nn.Module, tensors: Tensors, draws: set[str]) -> Forward:
    def forward(parameters: Tensors, buffers: Tensors, inputs: Tensor, training: bool) -> Output:
        # torch's layers write into their buffers: they get copies, so that this stays a pure function
        given = (*parameters, *(buffer.clone() for buffer in buffers))
        module.train(training)
        places = _places(module, tensors)
        for holder, key, number in places:
            holder[key] = given[number]
        fresh = dict(enumerate(given))
        try:
            outputs = asked(draws, module, inputs)
            fresh.update({number: holder.get(key) for holder, key, number in places})
        finally:
            for holder, key, number in places:
                holder[key] = tensors[number]
        return Output(outputs, tuple(fresh[number] for number in range(len(parameters), len(given))))

    return forward


def _scripted_forward(module: nn.Module, own: Tensors) -> Forward:
    """Return the pass through a module of torch.jit's, whose tensors cannot be exchanged: its own are written back."""

    def forward(parameters: Tensors, buffers: Tensors, inputs: Tensor, training: bool) -> Output:
        del parameters
        before = tuple(buffer.clone() for buffer in buffers)
        module.train(training)
        outputs = module(inputs)
        fresh = tuple(buffer.clone() for buffer in own)
        for place, value in zip(own, before, strict=True):
            place.copy_(value)
        return Output(outputs, fresh)

    return forward


def _input_shape(module: nn.Module, image_shape: tuple[int, int]) -> tuple[int, ...]:
    height, width = image_shape
    was_training = {part: part.training for part in module.modules()}
    module.eval()
    told = []
    try:
        for shape in ((1, height, width), (height, width), (height * width,)):
            error = refusal(_to_try(module), shape, next(module.parameters(), None))
            if error is None:
                _materialize(module, shape)
                return shape
            told.append(error)
    finally:
        for part, mode in was_training.items():
            part.training = mode
    raise ModelError(
        f"Module '{type(module).__name__}' takes neither (1, {height}, {width}) nor ({height}, {width}) nor "
        f"({height * width},) as its input, or its output is not (n, classes). It must map images {image_shape} to one "
        f"number a class. It says: {told[0]}"
    )


def _to_try(module: nn.Module) -> nn.Module:
    """Return a module to try shapes on: a copy of one whose weights take their shapes from its first input."""
    return deepcopy(module) if is_lazy(module) else module


def _materialize(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Let a module whose weights take their shapes from its first input have them."""
    if is_lazy(module):
        like = next(module.parameters())
        with torch.no_grad():
            module(torch.zeros((2, *shape), dtype=like.dtype, device=like.device))
