"""Take away what is not needed: constants computed again at every step, repeated, dead and empty nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from fittingroom.graphs.nodes import (
    VIEWS,
    Operand,
    aten,
    is_call,
    is_pure,
    only_user,
    replace,
    shape_of,
    value_of,
    written,
)

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

MAKERS = (
    aten.ones_like.default,
    aten.zeros_like.default,
    aten.full_like.default,
    aten.scalar_tensor.default,
    aten.full.default,
    aten.ones.default,
    aten.zeros.default,
    aten.arange.default,
    aten.arange.start,
    aten.lift_fresh_copy.default,
)


FRESH_MEMORY = (aten.empty.memory_format, aten.empty_strided.default, aten.empty_like.default)
"""What is written into afterwards: two of them are two places, even where their sizes are the same."""


def drop_dead(module: GraphModule) -> None:
    """Drop every node that nothing uses, unless it draws random numbers or writes into something."""
    for node in reversed(module.graph.nodes):
        if not node.users and is_pure(node):
            module.graph.erase_node(node)


def drop_detach(module: GraphModule) -> None:
    """Drop ``detach``: after the gradients are part of the graph it does nothing."""
    for node in module.graph.find_nodes(op="call_function", target=aten.detach.default):
        replace(node, node.args[0])
        module.graph.erase_node(node)


def fold_constants(module: GraphModule) -> None:
    """Compute once what depends on no input: ones, zeros, ranges, and what is made of them alone."""
    values: dict[Node, Any] = {}
    changing = written(module)
    for node in list(module.graph.nodes):
        if node.op == "get_attr" and str(node.target).startswith(("_constant", "_tensor_constant")):
            values[node] = getattr(module, str(node.target))
        elif node not in changing and is_pure(node) and _is_constant(node, values):
            values[node] = _computed(node, values)
    for node, value in values.items():
        if node.op == "call_function" and isinstance(value, torch.Tensor):
            _put(module, node, value)
    drop_dead(module)


def _is_constant(node: Node, values: dict[Node, Any]) -> bool:
    if is_call(node, aten.ones_like.default, aten.zeros_like.default, aten.full_like.default):
        return True  # only the shape of their input matters, and that is fixed
    if not node.all_input_nodes:
        return is_call(node, *MAKERS)
    return all(parent in values for parent in node.all_input_nodes)


def _computed(node: Node, values: dict[Node, Any]) -> Any:
    def value(parent: Node) -> Any:  # of an operation with several results, all of them
        if parent in values:
            return values[parent]
        stand_in = value_of(parent)  # not real memory: only its shape is asked for
        return torch.empty_strided(stand_in.shape, stand_in.stride(), dtype=stand_in.dtype, device=stand_in.device)

    arguments, named = torch.fx.map_arg((node.args, node.kwargs), value)
    target: Any = node.target
    return target(*arguments, **named)


def _put(module: GraphModule, node: Node, value: torch.Tensor) -> None:
    name = f"_constant_{node.name}"
    module.register_buffer(name, value, persistent=False)
    with module.graph.inserting_before(node):
        replace(node, module.graph.get_attr(name))
    module.graph.erase_node(node)


def merge_repeated(module: GraphModule) -> None:
    """Compute once what is computed twice from the same inputs."""
    seen: dict[Any, Node] = {}
    changing = written(module)
    for node in list(module.graph.nodes):
        if not is_pure(node) or is_call(node, *FRESH_MEMORY) or not changing.isdisjoint((node, *node.all_input_nodes)):
            continue  # two places that are written into are two places; what is read before and after is not the same
        key = (node.target, _frozen(node.args), _frozen(node.kwargs))
        if key in seen:
            replace(node, seen[key])
            module.graph.erase_node(node)
        else:
            seen[key] = node


def _frozen(value: Any) -> Any:
    """Return arguments as something that can be a key; 1, 1.0 and True are kept apart."""
    if isinstance(value, list | tuple):
        return tuple(_frozen(part) for part in value)
    if isinstance(value, dict):
        return tuple((key, _frozen(part)) for key, part in sorted(value.items()))
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    return (type(value), value)


def cancel_permutes(module: GraphModule) -> None:
    """Merge permutations of permutations into one, and drop those that change nothing."""
    for node in list(module.graph.nodes):
        if not is_call(node, aten.permute.default):
            continue
        source: Operand = node.args[0]
        axes: Operand = node.args[1]
        if is_call(source, aten.permute.default):
            axes = [source.args[1][axis] for axis in axes]
            node.args = (source.args[0], axes)
        if list(axes) == list(range(len(axes))):
            replace(node, node.args[0])
            module.graph.erase_node(node)
    drop_dead(module)


def squeeze_sums(module: GraphModule) -> None:
    """Sum without keeping the axis where the next node drops it anyway."""
    for node in module.graph.find_nodes(op="call_function", target=aten.sum.dim_IntList):
        user = only_user(node)
        if len(node.args) < 3 or not node.args[2] or user is None or not is_call(user, *VIEWS):
            continue
        axes = [axis % len(shape_of(node.args[0])) for axis in node.args[1]]
        kept = [size for axis, size in enumerate(shape_of(node)) if axis not in axes]
        shape: Operand = user.args[1]
        if list(shape) == kept:
            node.args = (node.args[0], axes, False)
            replace(user, node)
            module.graph.erase_node(user)
