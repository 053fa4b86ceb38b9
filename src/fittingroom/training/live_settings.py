"""What callbacks change in a model, its loss and its optimiser while it is trained: noticed, so that it is traced anew.

A trace holds as constants what layers and optimiser read from their Python: a dropout rate, an activation, a momentum.
So all of it is compared before and after every hook that may have changed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fittingroom.models.hidden_state import LARGEST_WALK, HiddenState

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel


SET_BY_KERAS = ("stop_training", "stop_evaluating", "stop_predicting")  # on a model, when it is first fitted or asked


class LiveSettings:
    """All that a trace holds as constants, as it was at one moment; what callbacks may change without a word is not in.

    Weights, buffers, metrics and what the optimiser remembers, its learning rate too, are read anew at every step.

    Args:
        functional: the model.

    Attributes:
        complete: whether all was looked at; no where there is too much.
    """

    def __init__(self, functional: FunctionalModel) -> None:
        self._functional = functional
        model = functional.model
        if functional.is_keras:
            for name in SET_BY_KERAS:
                vars(model).setdefault(name, False)
        self._flags = _flags(functional)
        self._state = HiddenState(_roots(functional), _read_at_every_step(functional))
        self.complete = len(self._state._seen) < LARGEST_WALK

    def changed(self) -> str | None:
        """Return the name of the first setting that is no longer as it was, or None."""
        now = _flags(self._functional)
        differing = [name for name in (*now, *self._flags) if now.get(name, now) != self._flags.get(name, self)]
        return differing[0] if differing else self._state.changed()


def _roots(functional: FunctionalModel) -> dict[str, Any]:
    if not functional.is_keras:
        return functional.roots
    layers = functional.model._flatten_layers()
    policies = {f"{layer.name}.dtype_policy": layer.dtype_policy for layer in layers}
    penalties = {f"{layer.name}.activity_regularizer": layer.activity_regularizer for layer in layers}
    optimizer = {"the optimiser": getattr(functional.model, "optimizer", None)}
    return {**functional.roots, **optimizer, **policies, **penalties}


def _read_at_every_step(functional: FunctionalModel) -> list[Any]:
    model = functional.model
    tensors = [*functional.parameters, *functional.buffers]
    if functional.is_keras:
        optimizer = getattr(model, "optimizer", None)
        variables = [
            *model.variables,
            *model.metrics_variables,
            *(optimizer.variables if optimizer is not None else ()),
        ]
        tensors += [variable.value for variable in variables]
    return tensors


def _flags(functional: FunctionalModel) -> dict[str, Any]:
    """Return settings that lie in tensors, or that Keras keeps among its own bookkeeping."""
    flags: dict[str, Any] = {"the optimiser": id(getattr(functional.model, "optimizer", None))}
    for layer in functional.model._flatten_layers() if functional.is_keras else ():
        flags |= {
            layer.name: id(layer),
            f"{layer.name}.trainable": layer.trainable,
            f"{layer.name}.activity_regularizer": id(layer.activity_regularizer),
            f"{layer.name}.dtype_policy": id(layer.dtype_policy),
        }
    for name, parameter in zip(functional.parameter_names, functional.parameters, strict=True):
        flags[f"{name}.requires_grad"] = parameter.requires_grad
        flags[f"{name}'s hooks"] = len(parameter._backward_hooks or ())
    return flags
