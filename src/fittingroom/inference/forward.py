"""The model's forward pass without gradients, in large batches, traced once and replayed: validation and prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import fittingroom.graphs as graphs
from fittingroom.models.front import shaped

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel


BATCH = 1000


BeforeEach = Callable[[], None]
Infer = Callable[[Tensor, BeforeEach], tuple[Tensor, Tensor | None]]
"""``infer(images, before_each)``: uint8 ``(n, h, w)`` to outputs ``(n, c)`` and the penalty added to the loss.

What ``before_each``, called before each batch, raises ends the asking.
"""


def go_on() -> None:
    """Let the asking go on: a ``before_each`` that does nothing."""


def make_infer(functional: FunctionalModel, *, scale: float, trace: bool) -> Infer:
    """Return the function that runs images through a model in inference mode.

    Args:
        functional: the model; its live weights are used, also after they have changed.
        scale: what pixels in 0..255 are multiplied by.
        trace: replay a graph where there are several batches of a size; off calls the model layer by layer. A model
            that cannot be traced is called so anyway.
    """
    like = functional.like
    recorded: dict[int, Any] = {}

    def run(inputs: Tensor, worth: bool) -> list[Tensor]:
        if worth and len(inputs) not in recorded:
            recorded[len(inputs)] = _graph(functional, inputs)
        forward = recorded.get(len(inputs)) or _forward(functional)
        return list(forward(*functional.parameters, *functional.buffers, inputs))

    def infer(images: Tensor, before_each: BeforeEach) -> tuple[Tensor, Tensor | None]:
        results = []
        with torch.no_grad():
            parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
            worth = trace and len(parts) > 1
            for part in parts:
                before_each()
                results.append(run(shaped(part, functional.input_shape, like.dtype, scale), worth))
        penalty = results[0][1] if len(results[0]) > 1 else None
        return torch.cat([result[0] for result in results]), penalty

    return infer


def _forward(functional: FunctionalModel) -> Callable[..., list[Tensor]]:
    count = len(functional.parameters)

    def forward(*tensors: Tensor) -> list[Tensor]:
        output = functional.forward(tensors[:count], tensors[count:-1], tensors[-1], False)
        return [output.outputs] if output.penalty is None else [output.outputs, output.penalty]

    return forward


def _graph(functional: FunctionalModel, inputs: Tensor) -> Any:
    from torch.func import functionalize

    from fittingroom.graphs.nodes import graph_of

    sample = (*(parameter.detach() for parameter in functional.parameters), *functional.buffers, inputs)
    try:
        graph = graph_of(functionalize(_forward(functional), remove="mutations"), sample)
    except Exception:  # whatever Python it holds, it runs without a graph
        return None
    for run in graphs.INFERENCE:
        run(graph)
    graph.recompile()
    return graph.forward
