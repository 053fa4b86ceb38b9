"""A plain torch module as a subject: its parameters and buffers become inputs and outputs of one pure function."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fittingroom.errors import ModelError
from fittingroom.models.functional_model import Forward, FunctionalModel, Output, Tensors


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
        forward=_forward(module, tuple(key for key, _ in named), tuple(buffers)),
        input_shape=_input_shape(module, image_shape, next(module.parameters(), torch.zeros(()))),
        kernel_axes=tuple(0 if value.ndim > 1 else None for _, value in named),
        is_keras=False,
        is_ordinary=all(type(part).__module__.startswith("torch.nn.") for part in module.modules()),
    )


def _forward(module: nn.Module, names: tuple[str, ...], buffer_names: tuple[str, ...]) -> Forward:
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
            if _takes(module, torch.zeros((2, *shape), device=like.device, dtype=like.dtype)):
                return shape
    finally:
        module.train(was_training)
    raise ModelError(
        f"Module '{type(module).__name__}' takes neither (1, {height}, {width}) nor ({height}, {width}) nor "
        f"({height * width},) as its input, or its output is not (n, classes). It must map images {image_shape} to one "
        "number a class."
    )


def _takes(module: nn.Module, inputs: Tensor) -> bool:
    try:
        with torch.no_grad():
            outputs = module(inputs)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    return isinstance(outputs, Tensor) and outputs.ndim == 2 and len(outputs) == len(inputs)
