"""Keras's batch normalisation, composed of some twenty operations, as the one fused operation."""

from __future__ import annotations

from dataclasses import dataclass
from operator import getitem
from typing import TYPE_CHECKING

from fittingroom.graphs.nodes import VIEWS, Operand, aten, is_call, replace, shape_of, value_of

if TYPE_CHECKING:
    from torch.fx import Graph, GraphModule, Node


@dataclass(frozen=True)
class BatchNorm:
    """The parts of a composed batch normalisation in a graph.

    Attributes:
        out: the node that holds the result.
        x: its input.
        mean: the batch's mean, ``(channels,)``.
        variance: the batch's variance, ``(channels,)``.
        scale: gamma, or None.
        offset: beta, or None.
        axis: which axis of x holds the channels.
        epsilon: added to the variance.
    """

    out: Node
    x: Operand
    mean: Operand
    variance: Operand
    scale: Operand
    offset: Operand
    axis: int
    epsilon: float


def fuse_batch_norm(module: GraphModule) -> None:
    """Write Keras's batch normalisation in training as ``native_batch_norm``; the moving averages read its moments."""
    for node in list(module.graph.nodes):
        found = match(node)
        if found is not None:
            _rewrite(module.graph, found)


def match(out: Operand) -> BatchNorm | None:
    """Return the batch normalisation that ends in a node, or None.

    The shape of it is ``(x - mean) * (rsqrt(variance + epsilon) * scale) + offset``.
    """
    if not is_call(out, aten.add.Tensor) or not is_call(out.args[0], aten.mul.Tensor):
        return None
    centred, factor = out.args[0].args
    if not is_call(centred, aten.sub.Tensor) or not is_call(factor, aten.mul.Tensor):
        return None
    inverse, scale = factor.args
    if not is_call(inverse, aten.rsqrt.default) or not is_call(inverse.args[0], aten.add.Tensor):
        return None
    spread, epsilon = inverse.args[0].args
    x, mean, variance = centred.args[0], _unviewed(centred.args[1]), _unviewed(spread)
    axis = _channel_axis(x, mean, variance)
    if axis is None or not isinstance(epsilon, float):
        return None
    vectors = [_affine(scale), _affine(out.args[1])]
    if any(value_of(vector).dtype != value_of(x).dtype for vector in vectors if vector is not None):
        return None
    return BatchNorm(out, x, mean, variance, vectors[0], vectors[1], axis, epsilon)


def _unviewed(node: Operand) -> Operand:
    return node.args[0] if is_call(node, *VIEWS) else node


def _affine(node: Operand) -> Operand:
    """Return gamma or beta as a vector; None for the ones and zeros that stand in for them."""
    return None if is_call(node, aten.ones_like.default, aten.zeros_like.default) else _unviewed(node)


def _channel_axis(x: Operand, mean: Operand, variance: Operand) -> int | None:
    """Return the axis that is left when mean and variance are x's own moments over all others, or None."""
    if not is_call(mean, aten.squeeze.dims) or not is_call(variance, aten.squeeze.dims):
        return None
    first = mean.args[0]
    if not is_call(first, aten.mean.dim) or first.args[0] is not x or not _is_variance(variance.args[0], x, first):
        return None
    rest = set(range(len(shape_of(x)))) - set(first.args[1])
    return rest.pop() if len(rest) == 1 else None


def _is_variance(node: Operand, x: Operand, mean: Operand) -> bool:
    """Say whether a node is ``mean(x ** 2) - mean ** 2``."""
    if not is_call(node, aten.sub.Tensor):
        return False
    squares, square = node.args
    return bool(
        is_call(squares, aten.mean.dim)
        and _is_square_of(squares.args[0], x)
        and squares.args[1] == mean.args[1]
        and _is_square_of(square, mean)
    )


def _is_square_of(node: Operand, base: Operand) -> bool:
    return bool(is_call(node, aten.pow.Tensor_Scalar) and node.args[0] is base and node.args[1] == 2)


def _rewrite(graph: Graph, found: BatchNorm) -> None:
    rank = len(shape_of(found.x))
    others = [axis for axis in range(1, rank) if axis != found.axis]
    there = [0, found.axis, *others]
    with graph.inserting_before(found.mean.args[0]):
        x = graph.call_function(aten.permute.default, (found.x, there))
        arguments = (x, found.scale, found.offset, None, None, True, 0.0, found.epsilon)
        fused = graph.call_function(aten.native_batch_norm.default, arguments)
        out, mean, inverse = (graph.call_function(getitem, (fused, index)) for index in range(3))
        variance = graph.call_function(aten.pow.Tensor_Scalar, (inverse, -2))
        variance = graph.call_function(aten.sub.Tensor, (variance, found.epsilon))
        variance = graph.call_function(aten.clamp_min.default, (variance, 0.0))
        out = graph.call_function(aten.permute.default, (out, [there.index(axis) for axis in range(rank)]))
    for old, new in ((found.out, out), (found.mean, mean), (found.variance, variance)):
        new.meta = dict(old.meta)
        replace(old, new)
