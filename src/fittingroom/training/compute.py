"""Choose between the traced and the eager way, and say why where it is not the traced one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.training.gradients import Compute, eager_compute, store
from fittingroom.training.heap import ran_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch.fx import GraphModule

    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.flat import Flat
    from fittingroom.training.losses import Loss, Targets

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
        from fittingroom.training.trace import replay

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
        from fittingroom.training.trace import joint_graph

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
