"""Memory of a graph: results written where they belong, layouts kept, biases where they are added, direct calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.fx import GraphModule, Node

from fittingroom.graphs.nodes import (
    Operand,
    aten,
    is_call,
    only_user,
    placeholders,
    replace,
    results,
    shape_of,
    value_of,
)

if TYPE_CHECKING:
    from torch.fx import Graph


SAME: dict[Any, Any] = {
    aten.mm.default: torch.mm,
    aten.mm.out: torch.mm,
    aten.addmm.default: torch.addmm,
    aten.relu.default: torch.relu,
    aten.relu_.default: torch.relu_,
    aten.permute.default: torch.permute,
    aten.t.default: torch.t,
    aten._softmax.default: torch._softmax,
    aten._log_softmax.default: torch._log_softmax,
    aten.native_batch_norm.default: torch.native_batch_norm,
    aten.add.Tensor: torch.add,
    aten.sub.Tensor: torch.sub,
    aten.mul.Tensor: torch.mul,
    aten.div.Tensor: torch.div,
    aten.pow.Tensor_Scalar: torch.pow,
    aten.rsqrt.default: torch.rsqrt,
    aten.sum.dim_IntList: torch.sum,
    aten.sum.IntList_out: torch.sum,
    aten.convolution.default: torch.convolution,
}


def direct_calls(module: GraphModule) -> None:
    """Let nodes call the function of torch that does exactly what their operator does."""
    for node in module.graph.nodes:
        if node.op == "call_function" and node.target in SAME:
            node.target = SAME[node.target]


def free_layout(module: GraphModule) -> None:
    """Drop copies that only change the memory layout, and let ``view`` copy where it then has to.

    In a graph without in-place operations a ``clone`` changes no value. Keras copies 4-D activations to the contiguous
    layout before pooling and "same" convolutions; without that they stay channels-last throughout. A ``view`` becomes
    a ``reshape``, so that the second trace decides again where a copy is needed.
    """
    for node in list(module.graph.nodes):
        if node.op != "call_function":
            continue
        if node.target in (aten.clone.default, aten.contiguous.default):
            replace(node, node.args[0])
            module.graph.erase_node(node)
        elif node.target in (aten.view.default, aten._unsafe_view.default):
            node.target = aten.reshape.default


def fuse_bias(module: GraphModule) -> None:
    """Write a matrix product and the addition of a bias as one ``addmm``."""
    for node in module.graph.find_nodes(op="call_function", target=aten.add.Tensor):
        product, bias = node.args
        if node.kwargs or not is_call(product, aten.mm.default) or only_user(product) is None:
            continue
        if not isinstance(bias, Node) or shape_of(bias) != shape_of(product)[1:]:
            continue
        if value_of(bias).dtype != value_of(product).dtype:
            continue
        with module.graph.inserting_before(node):
            fused = module.graph.call_function(aten.addmm.default, (bias, *product.args))
        fused.meta = dict(node.meta)
        replace(node, fused)
        module.graph.erase_node(node)
        module.graph.erase_node(product)


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
