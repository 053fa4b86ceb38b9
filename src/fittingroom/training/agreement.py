"""Whether a trace may stand for its model: the two ways of computing a batch are held against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.models.functional_model import FunctionalModel, Tensors, first_words
from fittingroom.models.hidden_state import UNLISTED, HiddenState
from fittingroom.models.python_values import equal_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.fx import GraphModule


HALF = (torch.bfloat16, torch.float16)
StepOutcome = tuple[Tensor, Tensor, Tensors, Tensor]


def what_changed(functional: FunctionalModel, state: HiddenState) -> str | None:
    """Return in words what a call has changed or drawn, since a state was taken, that no graph holds; or None."""
    name = state.changed()
    if name is not None:
        unlisted = name.startswith(UNLISTED)
        return (
            f"a layer writes {name}."
            if unlisted
            else f"its Python does something else at each call: it changes {name}."
        )
    drawn = next(iter(functional.draws), None) or state.drawn()
    return None if drawn is None else f"its Python draws from {drawn} generator."


# How far the two ways may be apart, relative to a parameter's gradient, and to all gradients: in roots and in multiples
# of the step from 1 to the next number (1e-7 in float32). Measured in float32, 12x12 images, 64 a batch: 2e-5 at most
# for the walk-through and stems; 3e-3 for the thin network and 1e-2 for residual ones, whose own gradients move as far
# where inputs change by a ten-thousandth, since maxima and relus then choose otherwise. That movement is allowed for.
ROUNDING, TIES = (3.0, 30.0), (300.0, 3000.0)
NUDGE, NUDGES, SWAY = 1000.0, 3, 10.0


def difference(
    ours: StepOutcome,
    theirs: StepOutcome,
    views: Callable[[Tensor], Tensors],
    names: tuple[str, ...],
    bounds: tuple[float, float],
    sway: list[float] | None = None,
) -> str | None:
    """Return in words where two ways of computing a batch differ by more than rounding, or None.

    Args:
        ours: of the trace.
        theirs: of the model itself.
        views: cuts gradients into one a parameter.
        names: of the parameters.
        bounds: as ``ROUNDING``.
        sway: how far each parameter's gradient of the model itself moves where inputs change by rounding.
    """
    moves = sway or [0.0] * len(names)
    gradients, eager = ours[1], theirs[1]
    step = torch.finfo(eager.dtype).eps
    share, floor = bounds[0] * step**0.5, bounds[1] * step * float(eager.norm())
    apart = float((ours[0] - theirs[0]).abs()) / max(abs(float(theirs[0])), 0.1)
    if apart > share:
        return f"its traced loss differs from the eager one by {apart:.1e}."
    for name, own, right, move in zip(names, views(gradients), views(eager), moves, strict=True):
        gap, size = float((own - right).norm()), float(right.norm())
        if gap > share * size + floor + SWAY * move or (size == 0 and gap > floor / 1000):
            apart = gap / max(size, 1e-30)
            return f"its traced gradients differ from the eager ones, that of '{name}' by {apart:.1e}."
    for index, (own, right) in enumerate(zip(ours[2], theirs[2], strict=True)):
        if not _close(own, right, share):
            return f"its traced buffer {index} differs from the eager one."
    if not torch.equal(ours[3], theirs[3]):
        return "its trace draws other random numbers than the model itself."
    return None


def _close(ours: Tensor, theirs: Tensor, share: float) -> bool:
    if not theirs.is_floating_point():
        return torch.equal(ours, theirs)
    return float((ours - theirs).norm()) <= share * float(theirs.norm()) + share * 1e-3


def same_graph(one: GraphModule, other: GraphModule) -> bool:
    """Say whether two graphs do the same with the same constants."""
    if one.code != other.code:
        return False
    names = [str(node.target) for node in one.graph.nodes if node.op == "get_attr"]
    return all(equal_tensors(getattr(one, name).detach(), getattr(other, name).detach()) for name in names)


def in_half_precision(graph: GraphModule) -> bool:
    """Say whether a graph brings anything to half precision."""
    given = (value for node in graph.graph.nodes for value in (*node.args, *node.kwargs.values()))
    return any(isinstance(value, torch.dtype) and value in HALF for value in given)


def reason_of(error: Exception) -> str:
    """Return in one line why a model could not be traced."""
    if "get value out of a tracing tensor" in str(error):
        return "its Python decides by the values of tensors."
    return f"{first_words(error)}."
