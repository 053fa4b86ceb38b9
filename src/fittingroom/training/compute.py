"""Choose between the traced and the eager way, and say why where it is not the traced one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fittingroom.training.flat import Flat
from fittingroom.training.gradients import Compute, eager_compute
from fittingroom.training.losses import Loss, Targets
from fittingroom.training.subject import Subject

CLOSE = {torch.float64: 1e-8, torch.float32: 1e-3}  # norm of difference / norm; batch norm's sums differ most


def make_compute(
    subject: Subject, loss: Loss, flat: Flat, *, trace: bool, say: Callable[[str], None], clean: bool = True
) -> Compute:
    """Return the function that gives a batch's loss and gradients: a replayed trace, or the eager one.

    A trace is made for each size of batch when the first such batch comes, and held against the eager gradients of
    that batch before it is used. Where a trace fails or differs, all that follows is eager.

    Args:
        subject: the model, bound to ``flat``.
        loss: of outputs and targets.
        flat: takes the gradients.
        trace: off for eager from the start.
        say: told, in one line, why the model is not traced.
        clean: off for a trace without clean-ups, to the bit as eager.
    """
    eager = eager_compute(subject, loss, flat)
    if not trace:
        return eager
    ready: dict[tuple[int, int], Compute] = {}

    def compute(inputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        key = (len(inputs), len(targets))
        if key not in ready:
            ready[key] = _prepared(subject, loss, flat, inputs, targets, eager, say, clean=clean)
            if ready[key] is eager:
                ready.update(dict.fromkeys(ready, eager))
        return ready[key](inputs, targets)

    return compute


def _prepared(
    subject: Subject,
    loss: Loss,
    flat: Flat,
    inputs: Tensor,
    targets: Targets,
    eager: Compute,
    say: Callable[[str], None],
    *,
    clean: bool,
) -> Compute:
    from fittingroom.training.trace import joint_graph, replay

    with _undone(subject, flat):
        try:
            graph = joint_graph(subject, loss, flat, inputs, targets, clean=clean)
            twin = None if subject.is_ordinary else joint_graph(subject, loss, flat, inputs, targets, clean=clean)
        except Exception as error:  # any Python may be in a model: whatever goes wrong, eager is right
            say(f"Training '{subject.name}' eagerly, without a trace: {_reason(error)}")
            return eager
    if twin is not None and twin.code != graph.code:
        say(f"Training '{subject.name}' eagerly, without a trace: its Python does something else at each call.")
        return eager
    traced = replay(graph, subject, flat)
    difference = _difference(subject, flat, traced, eager, inputs, targets)
    if difference > CLOSE.get(flat.parameters.dtype, 1e-2):
        say(
            f"Training '{subject.name}' eagerly, without a trace: its traced gradients differ from the eager ones "
            f"by {difference:.1e}."
        )
        return eager
    return traced


def _reason(error: Exception) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if "trac" in first and "value" in first:
        return "its Python decides by the values of tensors."
    return f"{type(error).__name__}: {first}"[:200].rstrip(". ") + "."


class _undone:  # noqa: N801  (used as a word: with _undone(...))
    """Leave buffers and random states, after the block, as they were before it."""

    def __init__(self, subject: Subject, flat: Flat) -> None:
        self.subject, self.flat = subject, flat

    def __enter__(self) -> None:
        self.buffers = [buffer.clone() for buffer in self.subject.buffers]
        self.fork = torch.random.fork_rng(devices=_cuda_devices(self.flat.parameters))
        self.fork.__enter__()

    def __exit__(self, *details: object) -> None:
        self.fork.__exit__(*details)
        with torch.no_grad():
            for place, value in zip(self.subject.buffers, self.buffers, strict=True):
                place.copy_(value)


def _cuda_devices(tensor: Tensor) -> list[torch.device]:
    return [tensor.device] if tensor.is_cuda else []


def _difference(
    subject: Subject, flat: Flat, traced: Compute, eager: Compute, inputs: Tensor, targets: Targets
) -> float:
    """Return how far the two ways' gradients are apart, norm of difference / norm; nothing is changed by it."""
    found = []
    for compute in (traced, eager):
        with _undone(subject, flat), torch.no_grad():
            compute(inputs, targets)
            found.append(flat.gradients.clone())
    difference = (found[0] - found[1]).norm() / found[1].norm().clamp(min=1e-30)
    return 0.0 if found[0].isnan().any() and found[1].isnan().any() else float(difference)
