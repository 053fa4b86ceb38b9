"""Write down what a function does as a graph, and small helpers to read and change graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.graph import CodeGen

from fittingroom.private_apis import OpOverload, recorded

Flattened = Callable[..., list[Tensor]]


def graph_of(function: Flattened, arguments: tuple[Tensor, ...]) -> GraphModule:
    """Return the graph of a function of tensors, called with tensors like these.

    Args:
        function: takes the arguments one by one and returns a list of tensors.
        arguments: real tensors; their values do not matter, their shapes and dtypes are written into the graph.

    Raises:
        ModelError: this Torch records no graphs, see `fittingroom.private_apis`.
    """
    module = recorded(function, arguments)
    module.graph.set_codegen(CodeGen())  # positional arguments in, a list out: no trees to flatten at every step
    module.recompile()
    return module


aten: Any = torch.ops.aten
Operand: TypeAlias = Any
"""What a node has for an argument: a node, a number, a list of these."""

VIEWS = (aten.view.default, aten._unsafe_view.default, aten.reshape.default)


def is_call(node: object, *targets: Any) -> bool:
    """Say whether a thing is a node that calls one of these operations."""
    return isinstance(node, Node) and node.op == "call_function" and node.target in targets


def only_user(node: Node) -> Node | None:
    """Return the one node that uses a node, or None where there are several or none."""
    users = list(node.users)
    return users[0] if len(users) == 1 else None


def shape_of(node: Node) -> torch.Size:
    """Return the shape that a node's tensor had when it was traced."""
    return value_of(node).shape


def value_of(node: Node) -> Tensor:
    """Return the tensor that stands for a node: right in shape, dtype and device."""
    value: Tensor = node.meta["val"]
    return value


def is_pure(node: Node) -> bool:
    """Say whether a node only computes: draws no random number and writes into nothing."""
    if node.op != "call_function":
        return False
    target = node.target
    if not isinstance(target, OpOverload):
        return not node.is_impure()
    return not target._schema.is_mutable and torch.Tag.nondeterministic_seeded not in target.tags


def written(module: GraphModule) -> set[Node]:
    """Return the nodes whose memory some operation writes into, under that name or another one of the same memory."""
    groups: dict[Node, list[Node]] = {}
    targets: list[Node] = []
    for node in module.graph.nodes:
        groups.setdefault(node, [node])
        for source, is_written in _sharing(node):
            if is_written:
                targets.append(source)
            joined, other = groups[source], groups[node]
            if joined is not other:
                joined.extend(other)
                for member in other:
                    groups[member] = joined
    return {member for target in targets for member in groups[target]}


def _sharing(node: Node) -> list[tuple[Node, bool]]:
    """Return what a node may share memory with among its inputs, and whether it writes into that."""
    if node.op != "call_function":
        return []
    if not isinstance(node.target, OpOverload) or is_call(node, *VIEWS):
        return [(source, False) for source in node.all_input_nodes]
    found = []
    for position, argument in enumerate(node.target._schema.arguments):
        if argument.alias_info is None:
            continue
        value = node.args[position] if position < len(node.args) else node.kwargs.get(argument.name)
        found += [
            (source, argument.alias_info.is_write)
            for source in (value if isinstance(value, list | tuple) else [value])
            if isinstance(source, Node)
        ]
    return found


def results(module: GraphModule) -> list[Node]:
    """Return the nodes that the graph returns, in order."""
    (output,) = module.graph.find_nodes(op="output")
    return list(output.args[0])


def placeholders(module: GraphModule) -> list[Node]:
    """Return the graph's inputs, in order."""
    return list(module.graph.find_nodes(op="placeholder"))


def replace(old: Node, new: Node) -> None:
    """Let every user of one node use another instead; the old one is left without users."""
    old.replace_all_uses_with(new)
