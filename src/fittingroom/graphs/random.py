"""Random numbers of dropout: the same ones, in the same places, as without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from fittingroom.graphs.nodes import Operand, aten, is_call, only_user, replace, shape_of, value_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


def draw_in_place(module: GraphModule) -> None:
    """Let dropout fill its mask in the memory layout of what it is multiplied with, as the layer itself does.

    Making a graph free of in-place operations turns ``empty_like(x).bernoulli_(p)`` into a mask that is contiguous
    whatever the layout of ``x``. Numbers are drawn in the order of memory, so for channels-last activations the same
    numbers would fall on other places than without a trace, and the two could not be compared.
    """
    for node in module.graph.find_nodes(op="call_function", target=aten.bernoulli.p):
        like = _masked(node)
        if like is None:
            continue
        value = torch.empty_like(value_of(like))
        kind: dict[str, Operand] = {"dtype": value_of(node).dtype, "device": value_of(node).device}
        with module.graph.inserting_before(node):
            empty = module.graph.call_function(
                aten.empty_strided.default, (list(value.shape), list(value.stride())), kind
            )
            drawn = module.graph.call_function(aten.bernoulli_.float, (empty, node.args[1]))
        empty.meta, drawn.meta = {"val": value}, {"val": value}
        replace(node, drawn)
        module.graph.erase_node(node)


def _masked(mask: Node) -> Operand:
    """Return what a mask, divided by its chance, is multiplied with; None for another use or another shape."""
    scaled: Operand = only_user(mask)
    if not is_call(scaled, aten.div.Scalar, aten.div.Tensor):
        return None
    product: Operand = only_user(scaled)
    if not is_call(product, aten.mul.Tensor):
        return None
    (other,) = [part for part in product.args if part is not scaled] or [None]
    return other if isinstance(other, torch.fx.Node) and shape_of(other) == shape_of(mask) else None
