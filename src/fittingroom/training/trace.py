"""Trace a batch's loss and gradients once into a graph of plain operations, clean it up, and replay it.

The clean way goes through two traces. The first is of the forward pass alone, where Keras's compositions are easy to
recognise and are replaced by fused operations. The second is of that graph and its gradients, where what is left over
is folded, merged or dropped. The plain way is one trace of everything, untouched: it equals eager to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import functionalize

from fittingroom import graphs
from fittingroom.graphs.record import Flattened, graph_of
from fittingroom.models.functional_model import FunctionalModel, Tensors
from fittingroom.training.gradients import Compute, Value, differentiate, evaluate
from fittingroom.training.losses import Loss, Targets

if TYPE_CHECKING:
    from torch.fx import GraphModule

    from fittingroom.training.flat import Flat


def joint_graph(
    functional: FunctionalModel, loss: Loss, inputs: Tensor, targets: Targets, *, clean: bool, ranked: bool = False
) -> GraphModule:
    """Return the graph of one batch: loss, outputs, gradients and new buffers.

    Args:
        functional: the model.
        loss: of outputs and targets.
        inputs: a batch like those that will come.
        targets: its targets.
        clean: run the passes; without them the graph does exactly what eager does.
        ranked: the outputs are only ranked, so that a clean graph may return their logarithm.

    Returns:
        A module whose ``forward`` takes parameters, buffers, inputs, targets and gradient views, writes into the
        buffers and gradient views, and returns ``[loss, outputs]``.
    """
    counts = (len(functional.parameters), len(functional.buffers))
    sample = (*(p.detach() for p in functional.parameters), *functional.buffers, inputs, *targets)
    value_of = _valued(functional, loss)
    if clean:
        with torch.no_grad():
            forward = graph_of(functionalize(_listed(value_of, counts), remove="mutations"), sample)
        for run in graphs.FORWARD:
            run(forward)
        if ranked:
            graphs.rank_by_logarithm(forward)
            graphs.drop_dead(forward)
        forward.recompile()
        value_of = _replayed(forward)
    joint = graph_of(_joint(value_of, counts), sample)
    if clean:
        for run in graphs.JOINT:
            run(joint)
    graphs.write_in_place(joint, counts)
    if clean:
        graphs.direct_calls(joint)
    joint.recompile()
    return joint


ValueOf = Callable[[Tensors, Tensors, Tensor, Targets], Value]


def _valued(functional: FunctionalModel, loss: Loss) -> ValueOf:
    return lambda parameters, buffers, inputs, targets: evaluate(functional, loss, parameters, buffers, inputs, targets)


def _split(arguments: Tensors, counts: tuple[int, int]) -> tuple[Tensors, Tensors, Tensor, Targets]:
    first, second = counts[0], sum(counts)
    return arguments[:first], arguments[first:second], arguments[second], arguments[second + 1 :]


def _listed(value_of: ValueOf, counts: tuple[int, int]) -> Flattened:
    def forward(*arguments: Tensor) -> list[Tensor]:
        value = value_of(*_split(arguments, counts))
        return [value.loss, value.outputs, *value.buffers]

    return forward


def _replayed(forward: GraphModule) -> ValueOf:
    def value_of(parameters: Tensors, buffers: Tensors, inputs: Tensor, targets: Targets) -> Value:
        loss, outputs, *fresh = forward.forward(*parameters, *buffers, inputs, *targets)
        return Value(loss, outputs, tuple(fresh))

    return value_of


def _joint(value_of: ValueOf, counts: tuple[int, int]) -> Flattened:
    def joint(*arguments: Tensor) -> list[Tensor]:
        parameters, buffers, inputs, targets = _split(arguments, counts)
        with torch.enable_grad():
            leaves = tuple(parameter.detach().requires_grad_() for parameter in parameters)
            value = value_of(leaves, buffers, inputs, targets)
            gradients = differentiate(value, leaves)
        results = (value.loss, value.outputs, *value.buffers, *gradients)
        return [result.detach() for result in results]

    return joint


def replay(graph: GraphModule, functional: FunctionalModel, flat: Flat) -> Compute:
    """Return the function that runs a batch through a graph of ``joint_graph``."""
    run: Any = graph.forward
    before = (*(p.detach() for p in functional.parameters), *functional.buffers)
    after = flat.gradient_views

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        loss, outputs = run(*before, inputs, *targets, *after)
        return loss, outputs

    return compute
