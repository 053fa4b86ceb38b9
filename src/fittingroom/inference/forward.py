"""The model's forward pass without gradients, in large batches, traced once and replayed: validation and prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import fittingroom.graphs as graphs
from fittingroom.models.front import contiguous, shaped
from fittingroom.models.hidden_state import HiddenState

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel


BATCH = 1000
ROUNDING = 3.0  # in roots of the step from 1 to the next number, of the largest output: a thousandth in float32


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
        tensors = (*functional.parameters, *functional.buffers)
        forward = recorded.get(len(inputs))
        if forward is not None:
            return list(forward(*tensors, inputs))
        if not worth or None in recorded.values():
            return _forward(functional)(*tensors, inputs)
        results, recorded[len(inputs)] = _first(functional, inputs)
        return results

    def infer(images: Tensor, before_each: BeforeEach) -> tuple[Tensor, Tensor | None]:
        results = []
        with torch.no_grad():
            parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
            worth = trace and len(parts) > 1
            for part in parts:
                before_each()
                found = run(shaped(part, functional.input_shape, like.dtype, scale), worth)
                results.append([tensor.detach() for tensor in found])  # a module may have turned gradients on
        penalty = results[0][1] if len(results[0]) > 1 else None
        return torch.cat([result[0] for result in results]), penalty

    return infer


def _forward(functional: FunctionalModel) -> Callable[..., list[Tensor]]:
    count = len(functional.parameters)

    def forward(*tensors: Tensor) -> list[Tensor]:
        output = functional.forward(tensors[:count], tensors[count:-1], contiguous(tensors[-1]), False)
        return [output.outputs] if output.penalty is None else [output.outputs, output.penalty]

    return forward


def _first(functional: FunctionalModel, inputs: Tensor) -> tuple[list[Tensor], Any]:
    """Return what a first batch of a size gives, and the graph for more like it; None where no graph can stand for it.

    The model is called as it is; only where that changes nothing that a graph does not hold is it traced, and the trace
    is used only if it gives the same.
    """
    tensors = (*functional.parameters, *functional.buffers, inputs)
    state = HiddenState(functional.roots, tensors[:-1])
    results = _forward(functional)(*tensors)
    changed = state.outside or functional.untraceable or state.changed() or state.drawn() or functional.draws
    if changed:
        return results, None
    graph = _graph(functional, inputs)
    state.put_back()
    try:
        traced = None if graph is None else list(graph(*tensors))
    except Exception:  # an operation may refuse at its first replay what it took while it was recorded
        traced = None
    state.put_back()
    if traced is None or not all(map(_close, traced, results)):
        return results, None
    return traced, graph


def _close(ours: Tensor, theirs: Tensor) -> bool:
    """Say whether two answers are the same but for rounding."""
    if not theirs.is_floating_point():
        return torch.equal(ours, theirs)
    gap, size = (ours - theirs).abs().max(), theirs.abs().max()
    return bool(torch.equal(ours, theirs) or gap <= ROUNDING * torch.finfo(theirs.dtype).eps ** 0.5 * size)


def _graph(functional: FunctionalModel, inputs: Tensor) -> Any:
    from torch.func import functionalize

    from fittingroom.graphs.nodes import graph_of

    parameters = tuple(parameter.detach() for parameter in functional.parameters)
    sample = (*parameters, *functional.buffers, contiguous(inputs))
    try:
        graph = graph_of(functionalize(_forward(functional), remove="mutations"), sample)
    except Exception:  # whatever Python it holds, it runs without a graph
        return None
    for run in graphs.INFERENCE:
        run(graph)
    graph.recompile()
    return graph.forward
