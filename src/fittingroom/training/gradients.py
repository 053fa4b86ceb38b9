"""Loss and gradients of one batch: the eager reference that every trace is tested against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.training.losses import Loss, Targets

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel, Tensors
    from fittingroom.training.flat import Flat

Compute = Callable[[Tensor, Targets], tuple[Tensor, Tensor]]
"""``compute(inputs, targets)`` gives the loss (no axes) and the outputs ``(n, c)``, and leaves the gradients in
``Flat.gradients`` and the buffers' new values in the buffers."""


@dataclass(frozen=True)
class Value:
    """What one batch gives: the loss, the model's outputs, the buffers' new values."""

    loss: Tensor
    outputs: Tensor
    buffers: Tensors


def evaluate(
    functional: FunctionalModel, loss: Loss, parameters: Tensors, buffers: Tensors, inputs: Tensor, targets: Targets
) -> Value:
    """Run a batch forward in training mode and return its value; nothing is changed.

    Args:
        functional: the model.
        loss: of outputs and targets.
        parameters: in the subject's order.
        buffers: in the subject's order.
        inputs: what the model is fed, ``(n, *input_shape)``.
        targets: see ``losses.Targets``.
    """
    output = functional.forward(parameters, buffers, inputs, True)
    total = loss(output.outputs, targets)
    return Value(total if output.penalty is None else total + output.penalty, output.outputs, output.buffers)


def differentiate(value: Value, parameters: Tensors) -> Tensors:
    """Return the gradient of the loss for every parameter, zeros where it does not depend on one."""
    gradients: tuple[Tensor | None, ...] = torch.autograd.grad(value.loss, parameters, allow_unused=True)
    return tuple(
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(gradients, parameters, strict=True)
    )


def eager_compute(functional: FunctionalModel, loss: Loss, flat: Flat) -> Compute:
    """Return the function that runs a batch layer by layer, as the model was written.

    Args:
        functional: the model, bound to ``flat``.
        loss: of outputs and targets.
        flat: takes the gradients.
    """

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            value = evaluate(functional, loss, functional.parameters, functional.buffers, inputs, targets)
            gradients = differentiate(value, functional.parameters)
        with torch.no_grad():
            store(flat.gradient_views, gradients)
            store(functional.buffers, value.buffers)
        return value.loss.detach(), value.outputs.detach()

    return compute


def store(places: Tensors, values: Tensors) -> None:
    """Copy values into their places, leaving out those that are the place itself."""
    for place, value in zip(places, values, strict=True):
        if place is not value:
            place.copy_(value)
