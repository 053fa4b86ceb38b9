"""The recipe's optimisers, Keras's formulae on one flat vector in place; and the one that a model was compiled with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from fittingroom.errors import ModelError
from fittingroom.lookup import look_up
from fittingroom.private_apis import can_trace
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.models.functional_model import FunctionalModel, Tensors
    from fittingroom.training.recipe import Recipe


Update = Callable[[float, int], None]
"""``update(learning_rate, step)``, the step counted from 1: reads the gradients, changes the parameters in place."""

BETA_1, BETA_2, RHO, EPSILON = 0.9, 0.999, 0.9, 1e-7  # Keras's defaults
MUON_STEPS = 5
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # K. Jordan, kellerjordan.github.io/posts/muon


@dataclass(frozen=True)
class Optimizer:
    """An update rule and what it remembers.

    Attributes:
        state: tensors by name, changed in place by the update; saved in a checkpoint.
        update: see ``Update``.
    """

    state: Mapping[str, Tensor]
    update: Update


def rmsprop(flat: Flat, recipe: Recipe) -> Optimizer:
    """Divide each gradient by the root of its mean square (G. Hinton, lecture 6e), as ``keras.optimizers.RMSprop``."""
    del recipe
    weights, gradients, velocity, work = flat.parameters, flat.gradients, flat.like_parameters(), flat.like_parameters()

    def update(learning_rate: float, step: int) -> None:
        del step
        velocity.mul_(RHO).addcmul_(gradients, gradients, value=1 - RHO)
        torch.add(velocity, EPSILON, out=work)
        weights.addcdiv_(gradients, work.sqrt_(), value=-learning_rate)

    return Optimizer({"velocity": velocity}, update)


def adam(flat: Flat, recipe: Recipe) -> Optimizer:
    """Adam (D. Kingma and J. Ba, arXiv 1412.6980), as ``keras.optimizers.Adam``."""
    del recipe
    return _adam(flat, flat.parameters, flat.gradients)


def _adam(flat: Flat, weights: Tensor, gradients: Tensor) -> Optimizer:
    momentum, velocity, work = flat.like_parameters(), flat.like_parameters(), flat.like_parameters()

    def update(learning_rate: float, step: int) -> None:
        momentum.mul_(BETA_1).add_(gradients, alpha=1 - BETA_1)
        velocity.mul_(BETA_2).addcmul_(gradients, gradients, value=1 - BETA_2)
        torch.sqrt(velocity, out=work).add_(EPSILON)
        weights.addcdiv_(momentum, work, value=-_bias_corrected(learning_rate, step, weights.dtype))

    return Optimizer({"momentum": momentum, "velocity": velocity}, update)


def _bias_corrected(learning_rate: float, step: int, dtype: torch.dtype) -> float:
    """Return Adam's step size, computed in the weights' own precision, as Keras does: 1 - 0.999 loses digits there."""
    number = np.float64 if dtype == torch.float64 else np.float32
    first, second = (number(1) - number(beta) ** number(step) for beta in (BETA_1, BETA_2))
    return float(number(learning_rate) * np.sqrt(second) / first)


def sgd(flat: Flat, recipe: Recipe) -> Optimizer:
    """Gradient descent with momentum, Nesterov's on request, as ``keras.optimizers.SGD``."""
    weights, gradients = flat.parameters, flat.gradients
    momentum, nesterov = float(resolved(recipe).momentum), recipe.nesterov
    if not momentum:
        return Optimizer({}, lambda rate, _: _descend(weights, gradients, rate))
    velocity = flat.like_parameters()

    def update(learning_rate: float, step: int) -> None:
        del step
        velocity.mul_(momentum).add_(gradients, alpha=-learning_rate)
        if nesterov:
            weights.add_(gradients, alpha=-learning_rate).add_(velocity, alpha=momentum)
        else:
            weights.add_(velocity)

    return Optimizer({"velocity": velocity}, update)


def _descend(weights: Tensor, gradients: Tensor, learning_rate: float) -> None:
    weights.add_(gradients, alpha=-learning_rate)


def muon(flat: Flat, recipe: Recipe) -> Optimizer:
    """Orthogonalise the momentum of every kernel, dense or convolutional; Adam at a tenth of the rate for the rest.

    A convolution's kernel is taken as the matrix from all its inputs (rows, columns and channels) to its outputs.
    The step is scaled by ``sqrt(max(1, outputs / inputs))``.

    Source: K. Jordan and others, Muon, 2024.
    """
    share = float(resolved(recipe).momentum)
    rest = _adam(flat, flat.parameters, flat.gradients)
    momentum = flat.like_parameters()
    kernels = [
        parts
        for *parts, axis in zip(
            flat.parameter_views, flat.gradient_views, flat.views_of(momentum), flat.kernel_axes, strict=True
        )
        if axis is not None
    ]
    axes = [axis for axis in flat.kernel_axes if axis is not None]

    def update(learning_rate: float, step: int) -> None:
        for (weight, gradient, average), axis in zip(kernels, axes, strict=True):
            average.lerp_(gradient, 1 - share)
            matrix = gradient.lerp(average, share).movedim(axis, -1).reshape(-1, weight.shape[axis])
            scale = math.sqrt(max(1.0, matrix.shape[1] / matrix.shape[0]))
            shape = weight.movedim(axis, -1).shape
            weight.sub_(orthogonalised(matrix).view(shape).movedim(-1, axis), alpha=learning_rate * scale)
            gradient.zero_()  # so that Adam, which runs over the whole vector, leaves the kernels alone
        rest.update(learning_rate / 10, step)

    return Optimizer({**rest.state, "kernel_momentum": momentum}, update)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return the matrix with all its singular values brought near 1, by five steps of a Newton-Schulz iteration.

    Args:
        matrix: float ``(rows, columns)``.

    Returns:
        float of the same shape; singular values within about 0.7 to 1.2.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.t() if tall else matrix
    x = x / (x.norm() + EPSILON)
    for _ in range(MUON_STEPS):
        gram = x @ x.t()
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)  # ax + (b gram + c gram²) x
    return x.t() if tall else x


OPTIMIZERS: Mapping[str, Callable[[Flat, Recipe], Optimizer]] = {
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,  # what makes it AdamW is its weight decay, which `build` gives to every rule alike
    "sgd": sgd,
    "muon": muon,
}


def build(flat: Flat, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser over these parameters, with weight decay where the recipe has it.

    Args:
        flat: the parameters and gradients.
        recipe: its optimizer, momentum, nesterov and weight_decay.
    """
    rule = look_up(recipe.optimizer, OPTIMIZERS, "optimizer")(flat, recipe)
    decay = float(resolved(recipe).weight_decay)
    if not decay:
        return rule

    def update(learning_rate: float, step: int) -> None:
        flat.parameters.mul_(1 - decay * learning_rate)
        rule.update(learning_rate, step)

    return Optimizer(rule.state, update)


def leaving_out(rule: Optimizer, flat: Flat, trained: tuple[bool, ...]) -> Optimizer:
    """Return an optimiser that leaves parameters which a callback has frozen, and what it remembers of them, alone.

    Args:
        rule: of all parameters.
        flat: the parameters and gradients.
        trained: of each parameter, whether it is trained still.
    """
    if all(trained):
        return rule
    vectors = [flat.parameters, *(tensor for tensor in rule.state.values() if tensor.shape == flat.parameters.shape)]
    kept = [view for vector in vectors for view, moves in zip(flat.views_of(vector), trained, strict=True) if not moves]

    def update(learning_rate: float, step: int) -> None:
        before = [view.clone() for view in kept]
        rule.update(learning_rate, step)
        for view, value in zip(kept, before, strict=True):
            view.copy_(value)

    return Optimizer(rule.state, update)


def constrained(rule: Optimizer, variables: list[Any]) -> Optimizer:
    """Return an optimiser that applies the constraints of Keras variables after each update.

    Args:
        rule: of these variables.
        variables: those that are trained.
    """
    held = [variable for variable in variables if variable.constraint is not None]
    if not held:
        return rule

    def update(learning_rate: float, step: int) -> None:
        rule.update(learning_rate, step)
        for variable in held:
            variable.assign(variable.constraint(variable))

    return Optimizer(rule.state, update)


def clip(gradients: Tensor, limit: float) -> None:
    """Scale all gradients down, in place, so that their norm together is at most the limit.

    Args:
        gradients: float ``(p,)``.
        limit: the largest norm.
    """
    gradients.mul_((limit / (gradients.norm() + EPSILON)).clamp(max=1.0))


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
    return type(optimizer).__name__ == name and type(optimizer).__module__.partition(".")[0] == "keras"


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
    if trace and variables and can_be_traced(optimizer) and can_trace():
        return Optimizer(state, _traced(optimizer, variables, flat))
    gradients = list(flat.gradient_views)
    if not variables:  # a callback has frozen all of them: as in fit, nothing is updated
        return Optimizer(state, lambda *_: None)
    return Optimizer(state, lambda *_: optimizer.apply(gradients, variables))


def _traced(optimizer: Any, variables: list[Any], flat: Flat) -> Callable[[float, int], None]:
    from fittingroom.graphs.nodes import graph_of

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


@dataclass(frozen=True)
class Flat:
    """Parameters and gradients, each as one vector and as views in their own shapes.

    Attributes:
        parameters: float ``(p,)``; the model's own parameters are views of it while it is bound.
        gradients: float ``(p,)``.
        parameter_views: one a parameter.
        gradient_views: one a parameter.
        kernel_axes: as in ``FunctionalModel``; used by muon.
    """

    parameters: Tensor
    gradients: Tensor
    parameter_views: Tensors
    gradient_views: Tensors
    kernel_axes: tuple[int | None, ...]

    def like_parameters(self) -> Tensor:
        """Return zeros in the parameters' length, for an optimiser's state."""
        return torch.zeros_like(self.parameters)

    def views_of(self, vector: Tensor) -> Tensors:
        """Return views of a vector ``(p,)`` in the parameters' shapes."""
        return views(vector, [view.shape for view in self.parameter_views])


def only(flat: Flat, trained: tuple[bool, ...]) -> Flat:
    """Return the same vectors with views of some of the parameters only."""
    parts = (flat.parameter_views, flat.gradient_views, flat.kernel_axes)
    chosen = (tuple(part for part, moves in zip(all_, trained, strict=True) if moves) for all_ in parts)
    return Flat(flat.parameters, flat.gradients, *chosen)  # type: ignore[arg-type]


def views(vector: Tensor, shapes: list[torch.Size]) -> Tensors:
    """Cut a vector into views of these shapes, one after the other.

    Example:
        >>> [tuple(view.shape) for view in views(torch.arange(7), [torch.Size([2, 3]), torch.Size([1])])]
        [(2, 3), (1,)]
    """
    parts = vector.split([math.prod(shape) for shape in shapes])  # type: ignore[no-untyped-call]
    return tuple(part.view(shape) for part, shape in zip(parts, shapes, strict=True))


@contextmanager
def bound(functional: FunctionalModel) -> Iterator[Flat]:
    """Move a model's parameters into one vector for as long as the block lasts; then each stands alone again.

    Raises:
        ModelError: the parameters are not all of one dtype on one device.
    """
    kinds = {(parameter.dtype, parameter.device) for parameter in functional.parameters}
    if len(kinds) > 1:
        words = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise ModelError(f"Model '{functional.name}': expected weights of one dtype on one device, found {words}.")
    shapes = [parameter.shape for parameter in functional.parameters]
    vector = torch.cat([parameter.detach().reshape(-1) for parameter in functional.parameters])
    gradients = torch.zeros_like(vector)
    flat = Flat(vector, gradients, views(vector, shapes), views(gradients, shapes), functional.kernel_axes)
    _point(functional.parameters, flat.parameter_views)
    try:
        yield flat
    finally:
        _point(functional.parameters, tuple(view.clone() for view in flat.parameter_views))


def _point(parameters: Tensors, values: Tensors) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.data = value
