"""The optimiser that a Keras model was compiled with, traced where that is known to be exact, else called as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fittingroom.training.optimizers import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fittingroom.training.flat import Flat

# A graph bakes in what an optimiser decides in Python at each step. These were compared with their eager selves over
# 30 steps and are equal to the bit; SGD does not trace, Nadam traces without an error and is wrong.
TRACEABLE = ("RMSprop", "Adam", "AdamW", "Adagrad", "Lion", "Muon")


def can_be_traced(optimizer: Any) -> bool:
    """Say whether a Keras optimiser is one that was shown to be equal to the bit when traced."""
    import keras

    known = any(_is(optimizer, name) for name in TRACEABLE)
    return (
        known
        and isinstance(optimizer._learning_rate, keras.Variable)
        and not optimizer.gradient_accumulation_steps
        and not optimizer.use_ema
        and optimizer.loss_scale_factor is None
    )


def _is(optimizer: Any, name: str) -> bool:
    """Say whether this is Keras's own class of a name, or the subclass that the torch backend puts in its place."""
    return type(optimizer).__name__ == name and type(optimizer).__module__.startswith("keras.src.")


def owners_optimizer(optimizer: Any, variables: list[Any], flat: Flat, *, trace: bool) -> Optimizer:
    """Return a compiled model's optimiser as ours.

    Args:
        optimizer: a Keras optimiser.
        variables: the model's trainable variables, bound to ``flat``.
        flat: where the gradients are.
        trace: whether it may be traced at all.
    """
    if not optimizer.built:
        optimizer.build(variables)
    # by number: Keras counts its layers on within a process, so that names are others when the model is built again
    state = {str(index): variable.value for index, variable in enumerate(optimizer.variables)}
    if trace and can_be_traced(optimizer):
        return Optimizer(state, _traced(optimizer, variables, flat))
    gradients = list(flat.gradient_views)
    return Optimizer(state, lambda *_: optimizer.apply(gradients, variables))


def _traced(optimizer: Any, variables: list[Any], flat: Flat) -> Callable[[float, int], None]:
    from fittingroom.graphs.record import graph_of

    touched = [*variables, *optimizer.variables]
    tensors = (*(variable.value.detach() for variable in touched), *flat.gradient_views)
    with torch.no_grad():
        graph = graph_of(_applied(optimizer, variables, touched), tuple(tensor.clone() for tensor in tensors))
    run: Any = graph.forward
    return lambda *_: run(*tensors)


def _applied(optimizer: Any, variables: list[Any], touched: list[Any]) -> Callable[..., list[Tensor]]:
    import keras

    def apply(*tensors: Tensor) -> list[Tensor]:
        values, gradients = tensors[: len(touched)], list(tensors[len(touched) :])
        scope = keras.StatelessScope(state_mapping=list(zip(touched, values, strict=True)))
        with scope:
            optimizer.apply(gradients, variables)
        for variable, value in zip(touched, values, strict=True):
            fresh = scope.get_current_value(variable)
            if fresh is not value:
                value.copy_(fresh)
        return []

    return apply
