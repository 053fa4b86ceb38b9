"""Write down what a function does to tensors, as a graph of plain operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.graph import CodeGen

if TYPE_CHECKING:
    from torch.fx import GraphModule

Flattened = Callable[..., list[Tensor]]


def graph_of(function: Flattened, arguments: tuple[Tensor, ...]) -> GraphModule:
    """Return the graph of a function of tensors, called with tensors like these.

    Args:
        function: takes the arguments one by one and returns a list of tensors.
        arguments: real tensors; their values do not matter, their shapes and dtypes are written into the graph.
    """
    module = make_fx(function)(*arguments)
    module.graph.set_codegen(CodeGen())  # positional arguments in, a list out: no trees to flatten at every step
    module.recompile()
    return module
