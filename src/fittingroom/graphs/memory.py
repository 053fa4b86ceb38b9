"""Memory of a graph: results written where they belong, layouts kept, biases where they are added, direct calls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.fx import GraphModule, Node
from torch.fx.node import map_arg

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
from fittingroom.private_apis import OpOverload, direct

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
    aten._softmax.default: direct(aten._softmax.default, "_softmax"),
    aten._log_softmax.default: direct(aten._log_softmax.default, "_log_softmax"),
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
    a ``reshape``, so that the second trace decides again where a copy is needed. What is not known to give the same
    values for any layout, such as oneDNN's recurrent layer or random numbers drawn in the order of memory, is handed
    its inputs in the layout that it was recorded with.
    """
    for node in list(module.graph.nodes):
        if node.op == "call_function" and not is_layout_free(node):
            node.args = map_arg(node.args, partial(_as_recorded, module.graph, node))
    for node in list(module.graph.nodes):
        if node.op != "call_function":
            continue
        if node.target is aten.clone.default and node.meta.get("val") is not None:
            replace(node, node.args[0])
            module.graph.erase_node(node)
        elif node.target in (aten.view.default, aten._unsafe_view.default):
            node.target = aten.reshape.default


LAYOUT_FREE_NAMES = """
_adaptive_avg_pool2d _fused_dropout _log_softmax _native_batch_norm_legit _softmax _to_copy _unsafe_view
_scaled_dot_product_flash_attention_for_cpu adaptive_avg_pool2d addbmm addmm alias amax amin argmax argmin avg_pool2d
baddbmm bernoulli_ bmm cat clone constant_pad_nd convolution copy cumsum detach dot embedding empty_like expand eye flip
full_like gather index index_select lift_fresh_copy linear matmul max max_pool2d_with_indices mean min mm mv
native_batch_norm native_group_norm native_layer_norm nll_loss_forward one_hot ones_like permute reflection_pad2d repeat
replication_pad2d reshape roll scatter select select_scatter slice slice_scatter softmax sort split split_with_sizes
squeeze stack sum t topk transpose tril triu unbind unsqueeze upsample_bilinear2d upsample_nearest2d var var_mean view
where zeros_like
"""
LAYOUT_FREE = {getattr(aten, name) for name in LAYOUT_FREE_NAMES.split() if hasattr(aten, name)}
"""Operations whose values are the same whatever the memory layout of their inputs, besides those that act on each
element and sums: PyTorch's generic kernels, which go by strides."""


def is_layout_free(node: Node) -> bool:
    """Say whether a node gives the same values whatever the memory layout of its inputs."""
    target = node.target
    if not isinstance(target, OpOverload):
        return True  # picks one of several results
    if torch.Tag.nondeterministic_seeded in target.tags and target is not aten.bernoulli_.float:
        return False
    return (
        torch.Tag.pointwise in target.tags or torch.Tag.reduction in target.tags or target.overloadpacket in LAYOUT_FREE
    )


def _as_recorded(graph: Graph, reader: Node, source: Node) -> Node:
    """Return a tensor in the layout that it had when it was recorded, as an input of one node."""
    value = source.meta.get("val")
    if not isinstance(value, torch.Tensor) or source.op == "get_attr" or value.ndim < 2:
        return source
    strides = value.stride()
    order = sorted(range(value.ndim), key=lambda axis: -strides[axis])
    if not value.permute(order).is_contiguous():
        order = list(range(value.ndim))
    with graph.inserting_before(reader):
        arranged = graph.call_function(aten.permute.default, (source, order))
        arranged.meta = {"val": value.permute(order)}
        solid = graph.call_function(aten.contiguous.default, (arranged,))
        solid.meta = {"val": arranged.meta["val"].contiguous()}
        back = [order.index(axis) for axis in range(value.ndim)]
        found = graph.call_function(aten.permute.default, (solid, back))
        found.meta = {"val": solid.meta["val"].permute(back)}
    return found


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
