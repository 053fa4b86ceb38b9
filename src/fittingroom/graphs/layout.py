"""Let activations keep their memory layout from the input to the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.graphs.nodes import aten, replace

if TYPE_CHECKING:
    from torch.fx import GraphModule


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
