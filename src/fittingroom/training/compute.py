"""Choose between the traced and the eager way, and say why where it is not the traced one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.training.gradients import Compute, eager_compute, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fittingroom.training.flat import Flat
    from fittingroom.training.losses import Loss, Targets
    from fittingroom.training.subject import Subject

# Norm of difference / norm. A gradient may differ by a hundredth in float32 where two inputs of a maximum are equal but
# for rounding; what the check is for, a gradient that tracing has lost, differs by the order of one.
CLOSE_OUTPUTS = 1e-3
CLOSE_GRADIENTS = 0.1


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
        if eager in ready.values():
            return eager(inputs, targets)
        key = (len(inputs), len(targets))
        if key not in ready:
            ready[key] = _prepared(subject, loss, flat, inputs, targets, eager, say, clean=clean)
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

    with undone(subject, flat):
        try:
            graph = joint_graph(subject, loss, inputs, targets, clean=clean)
            twin = None if subject.is_ordinary else joint_graph(subject, loss, inputs, targets, clean=clean)
        except Exception as error:  # any Python may be in a model: whatever goes wrong, eager is right
            say(f"Training '{subject.name}' eagerly, without a trace: {_reason(error)}")
            return eager
    if twin is not None and twin.code != graph.code:
        say(f"Training '{subject.name}' eagerly, without a trace: its Python does something else at each call.")
        return eager
    traced = replay(graph, subject, flat)
    difference = _difference(subject, flat, traced, eager, inputs, targets)
    if difference is not None:
        say(f"Training '{subject.name}' eagerly, without a trace: {difference}.")
        return eager
    return traced


def _reason(error: Exception) -> str:
    """Return the line of an error that says what is wrong; Keras wraps it into several."""
    text = str(error)
    if "get value out of a tracing tensor" in text:
        return "its Python decides by the values of tensors."
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception encountered")]
    return f"{type(error).__name__}: {told[0] if told else 'no reason given'}"[:200].rstrip(". ") + "."


@contextmanager
def undone(subject: Subject, flat: Flat) -> Iterator[None]:
    """Leave buffers and random states, after the block, as they were before it."""
    before = tuple(buffer.clone() for buffer in subject.buffers)
    try:
        with torch.random.fork_rng(devices=_cuda_devices(flat.parameters)):
            yield
    finally:
        with torch.no_grad():
            store(subject.buffers, before)


def _cuda_devices(tensor: Tensor) -> list[torch.device]:
    return [tensor.device] if tensor.is_cuda else []


def _difference(
    subject: Subject, flat: Flat, traced: Compute, eager: Compute, inputs: Tensor, targets: Targets
) -> str | None:
    """Return in words where the two ways differ on one batch, or None; nothing is changed by the look."""
    found = []
    for compute in (traced, eager):
        with undone(subject, flat), torch.no_grad():
            _, outputs = compute(inputs, targets)
            found.append((outputs.clone(), flat.gradients.clone()))
    for what, limit, ours, theirs in (
        ("outputs", CLOSE_OUTPUTS, found[0][0], found[1][0]),
        ("gradients", CLOSE_GRADIENTS, found[0][1], found[1][1]),
    ):
        apart = float((ours - theirs).norm() / theirs.norm().clamp(min=1e-30))
        if apart > limit:
            return f"its traced {what} differ from the eager ones by {apart:.1e}"
    return None
