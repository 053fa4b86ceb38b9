"""Write results where they belong instead of allocating and copying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.graphs.nodes import Operand, aten, is_call, placeholders, results

if TYPE_CHECKING:
    from torch.fx import Graph, GraphModule, Node

FRESH = (aten.addmm.default, aten.mm.default, aten.add.Tensor, aten.convolution.default)


def reuse_memory(module: GraphModule) -> None:
    """Let ``relu`` overwrite its input where nothing else reads it."""
    for node in module.graph.find_nodes(op="call_function", target=aten.relu.default):
        source: Operand = node.args[0]
        if is_call(source, *FRESH) and len(source.users) == 1:
            node.target = aten.relu_.default


def write_in_place(module: GraphModule, counts: tuple[int, int]) -> None:
    """Let the graph write new buffers into the buffers and gradients into views that become its last inputs.

    Args:
        module: returns loss, outputs, new buffers, gradients.
        counts: of parameters and of buffers, the graph's first inputs.
    """
    loss, outputs, *rest = results(module)
    inputs = placeholders(module)
    fresh, gradients = rest[: counts[1]], rest[counts[1] :]
    graph = module.graph
    (end,) = graph.find_nodes(op="output")
    with graph.inserting_after(inputs[-1]):
        places = [graph.placeholder(f"gradient_{index}") for index in reversed(range(len(gradients)))][::-1]
    end.args = ([loss, outputs],)
    with graph.inserting_before(end):
        for place, value in zip(inputs[counts[0] : sum(counts)], fresh, strict=True):
            if place is not value:
                graph.call_function(aten.copy_.default, (place, value))
        for place, value in zip(places, gradients, strict=True):
            _write(graph, place, value)


def _write(graph: Graph, place: Node, value: Node) -> None:
    """Let a matrix product or a sum that nothing else reads go straight to its place; copy anything else."""
    if is_call(value, aten.mm.default) and not value.users:
        value.target, value.kwargs = aten.mm.out, {"out": place}
    elif is_call(value, aten.sum.dim_IntList) and not value.users:
        value.target, value.kwargs = aten.sum.IntList_out, {**value.kwargs, "out": place}
    else:
        graph.call_function(aten.copy_.default, (place, value))
