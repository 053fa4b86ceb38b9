"""Put the bias where it is added."""

from __future__ import annotations

from torch.fx import GraphModule, Node

from fittingroom.graphs.nodes import aten, is_call, only_user, replace, shape_of, value_of


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
