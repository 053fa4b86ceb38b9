"""Cross-entropy of a softmax: one fused, stable logarithm instead of softmax, normalise, clip and log."""

from __future__ import annotations

import math

from torch.fx import GraphModule, Node

from fittingroom.graphs.nodes import aten, is_call, replace, results


def fuse_log_softmax(module: GraphModule) -> None:
    """Write ``log(clip(p / sum(p)))`` with ``p`` a softmax as ``log_softmax``, clipped at the logarithms of the bounds.

    Without the clip the loss and gradients would differ from Keras's wherever a probability is below 1e-7.
    """
    for node in module.graph.find_nodes(op="call_function", target=aten.log.default):
        softmax = _softmax_below(node.args[0])
        if softmax is None:
            continue
        with module.graph.inserting_before(node):
            fused = module.graph.call_function(aten._log_softmax.default, softmax.args)
            fused.meta = dict(node.meta)
            if is_call(node.args[0], aten.clamp.default):
                bounds = [math.log(bound) for bound in node.args[0].args[1:]]
                fused = module.graph.call_function(aten.clamp.default, (fused, *bounds))
                fused.meta = dict(node.meta)
        replace(node, fused)
        module.graph.erase_node(node)


def _softmax_below(node: object) -> Node | None:
    """Return the softmax under an optional clip and an optional division by its own sum."""
    if is_call(node, aten.clamp.default):
        node = node.args[0]  # type: ignore[attr-defined]
    if is_call(node, aten.div.Tensor):
        top, bottom = node.args  # type: ignore[attr-defined]
        if not is_call(bottom, aten.sum.dim_IntList) or bottom.args[0] is not top:
            return None
        node = top
    if not isinstance(node, Node) or not is_call(node, aten._softmax.default):
        return None
    last = len(node.meta["val"].shape) - 1
    return node if node.args[1] in (-1, last) else None


def rank_by_logarithm(module: GraphModule) -> None:
    """Return the logarithm of the probabilities, where the graph has it anyway, in place of the probabilities.

    For graphs whose outputs are only ranked: the largest stays the largest, and the softmax is not needed any more.
    """
    loss, outputs, *rest = results(module)
    twins = module.graph.find_nodes(op="call_function", target=aten._log_softmax.default)
    for twin in twins:
        if is_call(outputs, aten._softmax.default) and twin.args == outputs.args:
            (end,) = module.graph.find_nodes(op="output")
            end.args = ([loss, twin, *rest],)
            return
