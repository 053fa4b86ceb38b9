"""Loss and gradients of a batch: eager, which is the reference, or traced once, held against it, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import functionalize

import fittingroom.graphs as graphs
from fittingroom.graphs.nodes import Flattened, graph_of
from fittingroom.models.functional_model import FunctionalModel, Tensors
from fittingroom.training.heap import ran_out
from fittingroom.training.losses import Loss, Targets

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
    total = loss(output.outputs, targets)
    return Value(total if output.penalty is None else total + output.penalty, output.outputs, output.buffers)


def differentiate(value: Value, parameters: Tensors) -> Tensors:
    """Return the gradient of the loss for every parameter, zeros where it does not depend on one."""
    gradients: tuple[Tensor | None, ...] = torch.autograd.grad(value.loss, parameters, allow_unused=True)
    return tuple(
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(gradients, parameters, strict=True)
    )


def eager_compute(functional: FunctionalModel, loss: Loss, flat: Flat) -> Compute:
    """Return the function that runs a batch layer by layer, as the model was written.

    Args:
        functional: the model, bound to ``flat``.
        loss: of outputs and targets.
        flat: takes the gradients.
    """

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            value = evaluate(functional, loss, functional.parameters, functional.buffers, inputs, targets)
            gradients = differentiate(value, functional.parameters)
        with torch.no_grad():
            store(flat.gradient_views, gradients)
            store(functional.buffers, value.buffers)
        return value.loss.detach(), value.outputs.detach()

    return compute


def store(places: Tensors, values: Tensors) -> None:
    """Copy values into their places, leaving out those that are the place itself."""
    for place, value in zip(places, values, strict=True):
        if place is not value:
            place.copy_(value)


def joint_graph(
    functional: FunctionalModel, loss: Loss, inputs: Tensor, targets: Targets, *, clean: bool, ranked: bool = False
) -> GraphModule:
    """Return the graph of one batch: loss, outputs, gradients and new buffers.

    Args:
        functional: the model.
        loss: of outputs and targets.
        inputs: a batch like those that will come.
        targets: its targets.
        clean: run the passes; without them the graph does exactly what eager does.
        ranked: the outputs are only ranked, so that a clean graph may return their logarithm.

    Returns:
        A module whose ``forward`` takes parameters, buffers, inputs, targets and gradient views, writes into the
        buffers and gradient views, and returns ``[loss, outputs]``.
    """
    counts = (len(functional.parameters), len(functional.buffers))
    sample = (*(p.detach() for p in functional.parameters), *functional.buffers, inputs, *targets)
    value_of = _valued(functional, loss)
    if clean:
        with torch.no_grad():
            forward = graph_of(functionalize(_listed(value_of, counts), remove="mutations"), sample)
        for run in graphs.FORWARD:
            run(forward)
        if ranked:
            graphs.rank_by_logarithm(forward)
            graphs.drop_dead(forward)
        forward.recompile()
        value_of = _replayed(forward)
    joint = graph_of(_joint(value_of, counts), sample)
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
        value = value_of(*_split(arguments, counts))
        return [value.loss, value.outputs, *value.buffers]

    return forward


def _replayed(forward: GraphModule) -> ValueOf:
    def value_of(parameters: Tensors, buffers: Tensors, inputs: Tensor, targets: Targets) -> Value:
        loss, outputs, *fresh = forward.forward(*parameters, *buffers, inputs, *targets)
        return Value(loss, outputs, tuple(fresh))

    return value_of


def _joint(value_of: ValueOf, counts: tuple[int, int]) -> Flattened:
    def joint(*arguments: Tensor) -> list[Tensor]:
        parameters, buffers, inputs, targets = _split(arguments, counts)
        with torch.enable_grad():
            leaves = tuple(parameter.detach().requires_grad_() for parameter in parameters)
            value = value_of(leaves, buffers, inputs, targets)
            gradients = differentiate(value, leaves)
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


# Norm of difference / norm. A gradient may differ by a hundredth in float32 where two inputs of a maximum are equal but
# for rounding; what the check is for, a gradient that tracing has lost, differs by the order of one.
CLOSE_LOSS = 1e-3
CLOSE_GRADIENTS = 0.1


def make_compute(
    functional: FunctionalModel,
    loss: Loss,
    flat: Flat,
    *,
    trace: bool,
    log: Callable[[str], None],
    clean: bool = True,
    ranked: bool = False,
) -> Compute:
    """Return the function that gives a batch's loss and gradients: a replayed trace, or the eager one.

    A trace is made for each size of batch when the first such batch comes, and held against the eager loss and
    gradients of that batch before it is used. Where a trace fails or differs, all that follows is eager.

    Args:
        functional: the model, bound to ``flat``.
        loss: of outputs and targets.
        flat: takes the gradients.
        trace: off for eager from the start.
        log: told, in one line, why the model is not traced.
        clean: off for a trace without clean-ups, to the bit as eager.
        ranked: the outputs are only ranked: their logarithm is as good.
    """
    eager = eager_compute(functional, loss, flat)
    if not trace:
        return eager
    tracer = Tracer(functional, loss, flat, eager, clean, ranked)
    ready: dict[tuple[int, int], Compute] = {}

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        key = (len(inputs), len(targets))
        if eager in ready.values():
            return eager(inputs, targets)
        if key not in ready:
            ready[key], reason = tracer.prepared(inputs, targets)
            if reason:
                log(f"Training '{functional.name}' eagerly, without a trace: {reason}")
        return ready[key](inputs, targets)

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
    """

    functional: FunctionalModel
    loss: Loss
    flat: Flat
    eager: Compute
    clean: bool
    ranked: bool

    def prepared(self, inputs: Tensor, targets: Targets) -> tuple[Compute, str | None]:
        """Return the traced way for batches like this one; or the eager way, and why.

        Args:
            inputs: a batch.
            targets: its targets.
        """
        try:
            graph = self._graph(inputs, targets)
            twin = None if self.functional.is_ordinary else self._graph(inputs, targets)
        except Exception as error:  # any Python may be in a model: whatever goes wrong, eager is right
            if ran_out(error):
                raise
            return self.eager, _reason(error)
        if twin is not None and twin.code != graph.code:
            return self.eager, "its Python does something else at each call."
        traced = replay(graph, self.functional, self.flat)
        difference = self._difference(traced, inputs, targets)
        return (self.eager, difference) if difference else (traced, None)

    def _graph(self, inputs: Tensor, targets: Targets) -> GraphModule:

        with undone(self.functional, self.flat):
            return joint_graph(self.functional, self.loss, inputs, targets, clean=self.clean, ranked=self.ranked)

    def _difference(self, traced: Compute, inputs: Tensor, targets: Targets) -> str | None:
        """Return in words where the two ways differ on one batch, or None; nothing is changed by the look."""
        (loss, gradients), (eager_loss, eager_gradients) = (
            self._looked_at(compute, inputs, targets) for compute in (traced, self.eager)
        )
        apart = abs(loss - eager_loss) / max(abs(eager_loss), 0.1)
        if apart > CLOSE_LOSS:
            return f"its traced loss differs from the eager one by {apart:.1e}."
        apart = float((gradients - eager_gradients).norm() / eager_gradients.norm().clamp(min=1e-30))
        if apart > CLOSE_GRADIENTS:
            return f"its traced gradients differ from the eager ones by {apart:.1e}."
        return None

    def _looked_at(self, compute: Compute, inputs: Tensor, targets: Targets) -> tuple[float, Tensor]:
        with undone(self.functional, self.flat), torch.no_grad():
            loss, _ = compute(inputs, targets)
            return float(loss), self.flat.gradients.clone()


def _reason(error: Exception) -> str:
    """Return the line of an error that says what is wrong; Keras wraps it into several."""
    text = str(error)
    if "get value out of a tracing tensor" in text:
        return "its Python decides by the values of tensors."
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception encountered")]
    return f"{type(error).__name__}: {told[0] if told else 'no reason given'}"[:200].rstrip(". ") + "."


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
