"""Loss and gradients of a batch: eager, which is the reference, or traced once, held against it, and replayed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import functionalize

import fittingroom.graphs as graphs
from fittingroom.errors import FittingRoomError, ModelError, TrainingError
from fittingroom.graphs.nodes import Flattened, graph_of
from fittingroom.models.front import contiguous
from fittingroom.models.functional_model import FunctionalModel, Tensors, first_words
from fittingroom.models.hidden_state import HiddenState
from fittingroom.private_apis import no_grad_held
from fittingroom.training.agreement import (
    HALF,
    NUDGE,
    NUDGES,
    ROUNDING,
    TIES,
    StepOutcome,
    difference,
    in_half_precision,
    reason_of,
    same_graph,
    what_changed,
)
from fittingroom.training.heap import ran_out
from fittingroom.training.losses import Loss, Targets
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.fx import GraphModule

    from fittingroom.training.optimizers import Flat


Compute = Callable[[Tensor, Targets], tuple[Tensor, Tensor]]
"""``compute(inputs, targets)`` gives the loss (no axes) and the outputs ``(n, c)``, and leaves the gradients in
``Flat.gradients`` and the buffers' new values in the buffers."""


@dataclass(frozen=True)
class Value:
    """What one batch gives: the loss, the model's outputs, the buffers' new values."""

    loss: Tensor
    outputs: Tensor
    buffers: Tensors


def evaluate(
    functional: FunctionalModel, loss: Loss, parameters: Tensors, buffers: Tensors, inputs: Tensor, targets: Targets
) -> Value:
    """Run a batch forward in training mode and return its value; nothing is changed.

    Args:
        functional: the model.
        loss: of outputs and targets.
        parameters: in the subject's order.
        buffers: in the subject's order.
        inputs: what the model is fed, ``(n, *input_shape)``.
        targets: see ``losses.Targets``.
    """
    output = functional.forward(parameters, buffers, inputs, True)
    total = loss(output.outputs, targets, inputs)
    return Value(total if output.penalty is None else total + output.penalty, output.outputs, output.buffers)


def differentiate(loss: Tensor, parameters: Tensors) -> Tensors:
    """Return the gradient of the loss for every parameter, zeros where it does not depend on one."""
    wanted = [parameter for parameter in parameters if parameter.requires_grad]  # a callback may have frozen others
    asked = wanted and loss.requires_grad
    found = iter(torch.autograd.grad(loss, wanted, allow_unused=True) if asked else [None] * len(wanted))
    gradients = [next(found) if parameter.requires_grad else None for parameter in parameters]
    return tuple(
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(gradients, parameters, strict=True)
    )


Scaled = Callable[[Tensor], Tensor]


def eager_compute(functional: FunctionalModel, loss: Loss, flat: Flat, scaled: Scaled | None = None) -> Compute:
    """Return the function that runs a batch layer by layer, as the model was written.

    Args:
        functional: the model, bound to ``flat``.
        loss: of outputs, targets and inputs.
        flat: takes the gradients.
        scaled: what is differentiated in the loss's place; None for the loss itself.

    Raises:
        ModelError: (when called) the model fails; its own words are repeated.
    """
    owned = tuple(functional.model.parameters())

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        for parameter in owned:
            parameter.grad = None
        try:
            with torch.enable_grad():
                outputs, penalty = functional.call(contiguous(inputs), True)
                total = loss(outputs, targets, contiguous(inputs))
                total = total if penalty is None else total + penalty
                if total.requires_grad:  # not where a callback has frozen all
                    (total if scaled is None else scaled(total)).backward()  # type: ignore[no-untyped-call]
        except Exception as error:  # an owner's Python may fail in any way
            if ran_out(error) or isinstance(error, FittingRoomError):
                raise
            raise _failed(functional, len(inputs), error) from error
        with torch.no_grad():
            for place, parameter in zip(flat.gradient_views, functional.parameters, strict=True):
                _take_gradient(place, parameter)
            functional.settle()
            keep_bound(functional, flat)
        return total.detach(), outputs.detach()

    return compute


def _take_gradient(place: Tensor, parameter: Tensor) -> None:
    gradient, parameter.grad = parameter.grad, None
    if gradient is None:
        place.zero_()
    else:
        place.copy_(gradient.to_dense() if gradient.is_sparse else gradient)


def keep_bound(functional: FunctionalModel, flat: Flat) -> None:
    """Take over parameters whose memory a model's own Python has exchanged, by assigning to ``.data``."""
    for parameter, view in zip(functional.parameters, flat.parameter_views, strict=True):
        if parameter.data_ptr() != view.data_ptr():
            view.copy_(parameter.detach())
            parameter.data = view


def _failed(functional: FunctionalModel, images: int, error: Exception) -> ModelError:
    kind = "Model" if functional.is_keras else "Module"
    return ModelError(
        f"{kind} '{functional.name}' fails in training on a batch of {counted(images, 'image')}: {first_words(error)}."
    )


def store(places: Tensors, values: Tensors) -> None:
    """Copy values into their places, leaving out those that are the place itself."""
    for place, value in zip(places, values, strict=True):
        if place is not value:
            place.copy_(value)


def joint_graph(
    functional: FunctionalModel,
    loss: Loss,
    inputs: Tensor,
    targets: Targets,
    *,
    clean: bool,
    ranked: bool = False,
    scaled: Scaled | None = None,
) -> GraphModule:
    """Return the graph of one batch: loss, outputs, gradients and new buffers.

    Args:
        functional: the model.
        loss: of outputs and targets.
        inputs: a batch like those that will come.
        targets: its targets.
        clean: run the passes; without them the graph does exactly what eager does.
        ranked: the outputs are only ranked, so that a clean graph may return their logarithm.
        scaled: what is differentiated in the loss's place; None for the loss itself.

    Returns:
        A module whose ``forward`` takes parameters, buffers, inputs, targets and gradient views, writes into the
        buffers and gradient views, and returns ``[loss, outputs]``.
    """
    counts = (len(functional.parameters), len(functional.buffers))
    sample = (*(p.detach() for p in functional.parameters), *functional.buffers, inputs, *targets)
    value_of = _valued(functional, loss)
    if clean:
        laid_out = tuple(contiguous(tensor) if tensor is inputs else tensor for tensor in sample)
        with torch.enable_grad():
            forward = graph_of(functionalize(_listed(value_of, counts), remove="mutations"), laid_out)
        for run in graphs.FORWARD:
            run(forward)
        if ranked:
            graphs.rank_by_logarithm(forward)
            graphs.drop_dead(forward)
        forward.recompile()
        value_of = _replayed(forward)
    moved = tuple(parameter.requires_grad for parameter in functional.parameters)
    joint = graph_of(_joint(value_of, counts, scaled, moved), sample)
    if clean:
        for run in graphs.JOINT:
            run(joint)
    graphs.write_in_place(joint, counts)
    if clean:
        graphs.direct_calls(joint)
    joint.recompile()
    return joint


ValueOf = Callable[[Tensors, Tensors, Tensor, Targets], Value]


def _valued(functional: FunctionalModel, loss: Loss) -> ValueOf:
    return lambda parameters, buffers, inputs, targets: evaluate(functional, loss, parameters, buffers, inputs, targets)


def _split(arguments: Tensors, counts: tuple[int, int]) -> tuple[Tensors, Tensors, Tensor, Targets]:
    first, second = counts[0], sum(counts)
    return arguments[:first], arguments[first:second], arguments[second], arguments[second + 1 :]


def _listed(value_of: ValueOf, counts: tuple[int, int]) -> Flattened:
    def forward(*arguments: Tensor) -> list[Tensor]:
        with no_grad_held():
            value = value_of(*_split(arguments, counts))
        return [value.loss, value.outputs, *value.buffers]

    return forward


def _replayed(forward: GraphModule) -> ValueOf:
    def value_of(parameters: Tensors, buffers: Tensors, inputs: Tensor, targets: Targets) -> Value:
        loss, outputs, *fresh = forward.forward(*parameters, *buffers, inputs, *targets)
        return Value(loss, outputs, tuple(fresh))

    return value_of


def _joint(value_of: ValueOf, counts: tuple[int, int], scaled: Scaled | None, moved: tuple[bool, ...]) -> Flattened:
    def joint(*arguments: Tensor) -> list[Tensor]:
        parameters, buffers, inputs, targets = _split(arguments, counts)
        with torch.enable_grad():
            leaves = tuple(p.detach().requires_grad_(moves) for p, moves in zip(parameters, moved, strict=True))
            value = value_of(leaves, buffers, inputs, targets)
            gradients = differentiate(value.loss if scaled is None else scaled(value.loss), leaves)
        results = (value.loss, value.outputs, *value.buffers, *gradients)
        return [result.detach() for result in results]

    return joint


def replay(graph: GraphModule, functional: FunctionalModel, flat: Flat) -> Compute:
    """Return the function that runs a batch through a graph of ``joint_graph``."""
    run: Any = graph.forward
    before = (*(p.detach() for p in functional.parameters), *functional.buffers)
    after = flat.gradient_views

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        loss, outputs = run(*before, inputs, *targets, *after)
        return loss, outputs

    return compute


LATER_STEP = 25  # of the batches of the first size: here the trace is held against eager once more

"""What one way of computing a batch gave: loss, gradients ``(p,)``, buffers, the state of Torch's random generator."""


def make_compute(
    functional: FunctionalModel,
    loss: Loss,
    flat: Flat,
    *,
    trace: bool,
    log: Callable[[str], None],
    clean: bool = True,
    ranked: bool = False,
    scaled: Scaled | None = None,
) -> Compute:
    """Return the function that gives a batch's loss and gradients: a replayed trace, or the eager one.

    A trace is made for each size of batch when the first such batch comes, and held against what the model itself gives
    for that batch before it is used. Where the model's Python changes anything that a graph does not hold, where a
    trace fails or differs, all that follows is eager.

    Args:
        functional: the model, bound to ``flat``.
        loss: of outputs and targets.
        flat: takes the gradients.
        trace: off for eager from the start.
        log: told, in one line, why the model is not traced.
        clean: off for a trace without clean-ups, to the bit as eager.
        ranked: the outputs are only ranked: their logarithm is as good.
        scaled: what is differentiated in the loss's place; None for the loss itself.

    Raises:
        TrainingError: (when called) a trace that held for the first batch differs on a later one.
    """
    eager = eager_compute(functional, loss, flat, scaled)
    if not trace:
        return eager
    tracer = Tracer(functional, loss, flat, eager, clean, ranked, scaled)
    ready: dict[tuple[int, int], Compute] = {}

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        key = (len(inputs), len(targets))
        if eager in ready.values():
            return eager(inputs, targets)
        if key in ready:
            return ready[key](inputs, targets)
        later = not ready
        result, traced = tracer.first(inputs, targets)
        if isinstance(traced, str):
            log(f"Training '{functional.name}' eagerly, without a trace: {traced}")
            ready[key] = eager
        else:
            ready[key] = tracer.checked_later(traced) if later else traced
        return result

    return compute


@dataclass(frozen=True)
class Tracer:
    """What it takes to trace a batch.

    Attributes:
        functional: the model, bound to ``flat``.
        loss: of outputs and targets.
        flat: takes the gradients.
        eager: the way without a trace.
        clean: run the clean-ups.
        ranked: the outputs are only ranked.
        scaled: what is differentiated in the loss's place; None for the loss itself.
    """

    functional: FunctionalModel
    loss: Loss
    flat: Flat
    eager: Compute
    clean: bool
    ranked: bool
    scaled: Scaled | None

    def first(self, inputs: Tensor, targets: Targets) -> tuple[tuple[Tensor, Tensor], Compute | str]:
        """Compute a batch and return what it gives, and the traced way for batches like it; or why there is none.

        The model is called as its owner would call it. Only where that call has changed nothing but buffers is it
        undone and traced, so that nothing a model's Python remembers is ever moved by a trial.

        Args:
            inputs: a batch.
            targets: its targets.
        """
        state = HiddenState(self.functional.roots, (*self.functional.parameters, *self.functional.buffers))
        parameters = self.flat.parameters.clone()
        before = [buffer.clone() for buffer in self.functional.buffers]
        result = self.eager(inputs, targets)
        reason = self.functional.untraceable or state.outside or what_changed(self.functional, state)
        if reason is None and not torch.equal(parameters, self.flat.parameters):
            reason = "its Python writes into its weights."
        if reason is not None:
            return result, reason
        seen = self._seen(result[0])
        self._back(before, state)
        traced = self._traced(inputs, targets, state.own_code)
        state.put_back()  # a trace leaves its own tensors where a module keeps one
        difference = traced if isinstance(traced, str) else self._difference(traced, inputs, targets, seen)
        self._back(before, state)
        if difference is None and not isinstance(traced, str):
            return traced(inputs, targets), traced
        return self.eager(inputs, targets), str(difference)

    def _back(self, buffers: list[Tensor], state: HiddenState) -> None:
        with torch.no_grad():
            store(self.functional.buffers, tuple(buffers))
        state.put_back()

    def _traced(self, inputs: Tensor, targets: Targets, own_code: bool) -> Compute | str:
        """Return the traced way, or why there is none; a model with Python of its own is traced twice."""
        try:
            graph = self._graph(inputs, targets)
            if own_code and not same_graph(graph, self._graph(inputs, targets)):
                return "its Python does something else at each call."
        except Exception as error:  # any Python may be in a model: whatever goes wrong, eager is right
            if ran_out(error):
                raise
            return reason_of(error)
        if self.functional.like.dtype in HALF or in_half_precision(graph):
            return "it computes in half precision, where a trace that is wrong cannot be told from rounding."
        traced = replay(graph, self.functional, self.flat)
        if self.clean:
            return traced
        return lambda inputs, targets: traced(contiguous(inputs), targets)

    def _graph(self, inputs: Tensor, targets: Targets) -> GraphModule:
        inputs = inputs if self.clean else contiguous(inputs)
        with undone(self.functional, self.flat):
            options = {"clean": self.clean, "ranked": self.ranked, "scaled": self.scaled}
            return joint_graph(self.functional, self.loss, inputs, targets, **options)  # type: ignore[arg-type]

    def _difference(self, traced: Compute, inputs: Tensor, targets: Targets, seen: StepOutcome) -> str | None:
        """Return in words where the traced way differs from what the model itself gave for a batch, or None.

        Where two inputs of a maximum are equal but for rounding, the two ways may choose another one, and a gradient
        differs by a hundredth. So where they differ by that little, it is asked how far the model's own gradients move
        where its inputs change by rounding.
        """
        names = self.functional.parameter_names
        try:
            ours = self._look(traced, inputs, targets)
            found = difference(ours, seen, self._views, names, ROUNDING)
            if found is None or difference(ours, seen, self._views, names, TIES):
                return found
            return difference(ours, seen, self._views, names, ROUNDING, self._sway(inputs, targets, seen))
        except Exception as error:  # an operation may refuse at its first replay what it took while it was recorded
            if ran_out(error):
                raise
            return reason_of(error)

    def _sway(self, inputs: Tensor, targets: Targets, seen: StepOutcome) -> list[float]:
        """Return how far each parameter's gradient moves where the inputs change by some steps of their precision."""
        generator, largest = torch.Generator().manual_seed(0), [0.0] * len(self.functional.parameters)
        for _ in range(NUDGES):
            noise = torch.rand(inputs.shape, generator=generator, dtype=inputs.dtype).to(inputs.device)
            nudged = inputs * (1 + NUDGE * torch.finfo(inputs.dtype).eps * noise)
            gradients = self._look(self.eager, nudged, targets)[1] - seen[1]
            moves = [float(part.norm()) for part in self._views(gradients)]
            largest = [max(pair) for pair in zip(largest, moves, strict=True)]
        return largest

    def _look(self, compute: Compute, inputs: Tensor, targets: Targets) -> StepOutcome:
        with undone(self.functional, self.flat), torch.no_grad():
            loss, _ = compute(inputs, targets)
            return self._seen(loss)

    def _seen(self, loss: Tensor) -> StepOutcome:
        buffers = tuple(buffer.clone() for buffer in self.functional.buffers)
        return loss.clone(), self.flat.gradients.clone(), buffers, torch.get_rng_state()

    def _views(self, gradients: Tensor) -> Tensors:
        return self.flat.views_of(gradients)

    def checked_later(self, traced: Compute) -> Compute:
        """Return a traced way that is held against the model itself once more, after some batches."""
        steps = itertools.count(2)

        def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
            if next(steps) == LATER_STEP:
                seen = self._look(self.eager, inputs, targets)
                found = self._difference(traced, inputs, targets, seen)
                if found is not None:
                    raise TrainingError(
                        f"The trace of '{self.functional.name}' held for its first batch and not for batch "
                        f"{LATER_STEP}: {found} What it has learned so far may be wrong. Make it anew and train it "
                        "with trace = false."
                    )
            return traced(inputs, targets)

        return compute


@contextmanager
def undone(functional: FunctionalModel, flat: Flat) -> Iterator[None]:
    """Leave buffers and random states, after the block, as they were before it."""
    before = tuple(buffer.clone() for buffer in functional.buffers)
    try:
        with torch.random.fork_rng(devices=_cuda_devices(flat.parameters)):
            yield
    finally:
        with torch.no_grad():
            store(functional.buffers, before)


def _cuda_devices(tensor: Tensor) -> list[torch.device]:
    return [tensor.device] if tensor.is_cuda else []
