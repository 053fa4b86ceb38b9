"""What we use of Torch and Keras that they do not promise: all of it here, each with its way round.

A release may move or drop any of it. Each is looked up when it is first used, so that everything else goes on: without
tracing, training is eager and says so; the other ways round are told at each function.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.fx import GraphModule


PROXY_TENSOR = "torch.fx.experimental.proxy_tensor"
FAKE_TENSOR = "torch._subclasses.fake_tensor"
GUARDS = "torch._guards"
DISPATCH = "torch.utils._python_dispatch"
PYTREE = "torch.utils._pytree"
KERAS_STATE = "keras.src.backend.common.global_state"

OpOverload: Any = type(torch.ops.aten.relu.default)
"""The class of Torch's operators, which stands in ``torch._ops``."""


@functools.cache
def lookup(module: str, name: str) -> Any:
    """Return a name of a module, or None where this version has no such module or name."""
    try:
        return getattr(import_module(module), name, None)
    except ImportError:
        return None


def can_trace() -> bool:
    """Say whether this Torch has what a trace is recorded with."""
    return lookup(PROXY_TENSOR, "make_fx") is not None


def recorded(function: Callable[..., list[Tensor]], arguments: tuple[Tensor, ...]) -> GraphModule:
    """Return what a function does to tensors, as Torch's ``make_fx`` records it.

    Args:
        function: takes the tensors one by one.
        arguments: real tensors.

    Raises:
        ModelError: this Torch has no ``make_fx`` where we know it. Whoever asks then goes on without a graph.
    """
    make_fx = lookup(PROXY_TENSOR, "make_fx")
    if make_fx is None:
        raise ModelError(f"Torch {torch.__version__} has no {PROXY_TENSOR}.make_fx, which records a trace.")
    with _shapes_shared():
        module: GraphModule = make_fx(function)(*arguments)
    return module


def _shapes_shared() -> AbstractContextManager[Any]:
    """Let all nodes of a graph share one mode that tells shapes: ``make_fx`` would make one for each, half of its time.

    Way round: without it, the same graph in twice the time.
    """
    mode, context, tracing = (
        lookup(FAKE_TENSOR, "FakeTensorMode"),
        lookup(GUARDS, "TracingContext"),
        lookup(GUARDS, "tracing"),
    )
    try:
        entered: AbstractContextManager[Any] = tracing(context(mode(allow_fallback_kernels=True)))
    except Exception:  # None of a name that has gone, or arguments that are others now
        return nullcontext()
    return entered


def is_being_recorded() -> bool:
    """Say whether a trace is being recorded now. Way round: no, since without this nothing records."""
    mode = lookup(PROXY_TENSOR, "get_proxy_mode")
    return mode is not None and mode() is not None


def no_grad_held() -> AbstractContextManager[Any]:
    """Detach, in a graph that is being recorded, what is computed while gradients are off: a graph has no such mode.

    Raises:
        ModelError: this Torch has no dispatch modes where we know them. Training is eager then.
    """
    made: AbstractContextManager[Any] = _hold_no_grad()()
    return made


@functools.cache
def _hold_no_grad() -> Any:
    base, map_tensors = lookup(DISPATCH, "TorchDispatchMode"), lookup(PYTREE, "tree_map_only")
    if base is None or map_tensors is None:
        raise ModelError(f"Torch {torch.__version__} has no {DISPATCH}.TorchDispatchMode, which a trace is held by.")

    class HoldNoGrad(base):  # type: ignore[misc, valid-type]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            del types
            result = func(*args, **(kwargs or {}))
            if torch.is_grad_enabled() or func is torch.ops.aten.detach.default:
                return result
            return map_tensors(Tensor, torch.ops.aten.detach.default, result)

    return HoldNoGrad


def direct(operator: Any, name: str) -> Any:
    """Return Torch's own function that does exactly what an operator does; the operator, slower, where it has gone."""
    return getattr(torch, name, operator)


def standard_gamma(shapes: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from gamma distributions of scale 1.

    Way round: NumPy's, seeded by the generator: other numbers of the same distribution.

    Args:
        shapes: float ``(n,)``, above 0.
        generator: whose numbers are drawn.
    """
    draw = lookup("torch", "_standard_gamma")
    if draw is not None:
        drawn: Tensor = draw(shapes, generator=generator)
        return drawn
    import numpy as np

    seed = int(torch.randint(2**62, (1,), generator=generator))
    return torch.from_numpy(np.random.default_rng(seed).standard_gamma(shapes.numpy())).to(shapes.dtype)


def keras_global(name: str) -> Any:
    """Return one of Keras's global values: its counters of names, its own random state.

    Way round: None, as where nothing was drawn or counted yet: names count on, and drawn numbers are not drawn again.
    """
    get = lookup(KERAS_STATE, "get_global_attribute")
    return None if get is None else get(name)


def set_keras_global(name: str, value: Any) -> None:
    """Set one of Keras's global values. Way round: nothing, as told at `keras_global`."""
    put = lookup(KERAS_STATE, "set_global_attribute")
    if put is not None:
        put(name, value)
