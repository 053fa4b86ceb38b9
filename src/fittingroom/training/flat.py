"""All parameters in one stretch of memory, all gradients in another: an update is then a handful of operations."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.models.functional_model import FunctionalModel, Tensors


@dataclass(frozen=True)
class Flat:
    """Parameters and gradients, each as one vector and as views in their own shapes.

    Attributes:
        parameters: float ``(p,)``; the model's own parameters are views of it while it is bound.
        gradients: float ``(p,)``.
        parameter_views: one a parameter.
        gradient_views: one a parameter.
    """

    parameters: Tensor
    gradients: Tensor
    parameter_views: Tensors
    gradient_views: Tensors

    def like_parameters(self) -> Tensor:
        """Return zeros in the parameters' length, for an optimiser's state."""
        return torch.zeros_like(self.parameters)

    def views_of(self, vector: Tensor) -> Tensors:
        """Return views of a vector ``(p,)`` in the parameters' shapes."""
        return views(vector, [view.shape for view in self.parameter_views])


def views(vector: Tensor, shapes: list[torch.Size]) -> Tensors:
    """Cut a vector into views of these shapes, one after the other.

    Example:
        >>> [tuple(view.shape) for view in views(torch.arange(7), [torch.Size([2, 3]), torch.Size([1])])]
        [(2, 3), (1,)]
    """
    parts = vector.split([math.prod(shape) for shape in shapes])  # type: ignore[no-untyped-call]
    return tuple(part.view(shape) for part, shape in zip(parts, shapes, strict=True))


@contextmanager
def bound(functional: FunctionalModel) -> Iterator[Flat]:
    """Move a model's parameters into one vector for as long as the block lasts; then each stands alone again.

    Raises:
        ModelError: the parameters are not all of one dtype on one device.
    """
    kinds = {(parameter.dtype, parameter.device) for parameter in functional.parameters}
    if len(kinds) > 1:
        words = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise ModelError(f"Model '{functional.name}': expected weights of one dtype on one device, found {words}.")
    shapes = [parameter.shape for parameter in functional.parameters]
    vector = torch.cat([parameter.detach().reshape(-1) for parameter in functional.parameters])
    gradients = torch.zeros_like(vector)
    flat = Flat(vector, gradients, views(vector, shapes), views(gradients, shapes))
    _point(functional.parameters, flat.parameter_views)
    try:
        yield flat
    finally:
        _point(functional.parameters, tuple(view.clone() for view in flat.parameter_views))


def _point(parameters: Tensors, values: Tensors) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.data = value
