"""What is minimised and measured: the recipe's cross-entropy, or what a model was compiled with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.recipe import Recipe


EPSILON = 1e-7  # Keras clips probabilities here before their logarithm

Targets = tuple[Tensor, ...]
"""``(labels,)`` int64 ``(n,)``, or ``(labels, other_labels, share)`` where two images were mixed; share: no axes."""

Loss = Callable[[Tensor, Targets], Tensor]


def log_probabilities(outputs: Tensor, *, probabilities: bool) -> Tensor:
    """Return the logarithm of a model's probabilities.

    Args:
        outputs: logits or probabilities, float ``(n, c)``.
        probabilities: which of the two; probabilities are normalised and clipped as Keras does.

    Returns:
        float ``(n, c)``.
    """
    if not probabilities:
        return functional.log_softmax(outputs, dim=1)
    return (outputs / outputs.sum(dim=1, keepdim=True)).clamp(EPSILON, 1 - EPSILON).log()


def cross_entropy(*, probabilities: bool, label_smoothing: float = 0.0) -> Loss:
    """Return the mean cross-entropy over a batch as a function of outputs and targets.

    Args:
        probabilities: the model gives probabilities rather than logits.
        label_smoothing: share of the target spread evenly over all classes.

    Returns:
        A function of outputs ``(n, c)`` and targets to a tensor without axes.
    """

    def loss(outputs: Tensor, targets: Targets) -> Tensor:
        logs = log_probabilities(outputs, probabilities=probabilities)
        hit = functional.nll_loss(logs, targets[0])
        if len(targets) > 1:
            hit = hit * targets[2] + functional.nll_loss(logs, targets[1]) * (1 - targets[2])
        if not label_smoothing:
            return hit
        return hit * (1 - label_smoothing) - logs.mean() * label_smoothing

    return loss


METRIC_ROWS = 8192
SPARSE_WORDS = ("crossentropy", "ce")  # Keras's short names, which look at the labels' shape


@dataclass(frozen=True)
class Objective:
    """The loss, and what is measured besides loss and accuracy.

    Attributes:
        loss: of outputs ``(n, c)`` and targets.
        metrics: of outputs and labels of a whole epoch, to numbers by name; empty for a recipe's loss.
    """

    loss: Loss
    metrics: Callable[[Tensor, Tensor], dict[str, float]]


def recipe_objective(recipe: Recipe, *, probabilities: bool) -> Objective:
    """Return the recipe's cross-entropy.

    Args:
        recipe: its label smoothing.
        probabilities: the model gives probabilities rather than logits.
    """
    loss = cross_entropy(probabilities=probabilities, label_smoothing=recipe.label_smoothing)
    return Objective(loss, lambda *_: {})


def owners_objective(functional: FunctionalModel, classes: int) -> Objective:
    """Return the loss and metrics that a Keras model was compiled with.

    Args:
        functional: of a compiled model.
        classes: how many outputs it has; labels are given as whole numbers to sparse losses, else one-hot.

    Raises:
        ModelError: it was compiled without a loss.
    """
    model = functional.model
    if model._compile_loss is None:
        raise ModelError(f"Model '{functional.name}' was compiled without a loss. Compile it with one, or not at all.")
    encode = _encoder(model.loss, classes)
    _build(model, encode, classes, functional.parameters[0])

    def of_labels(outputs: Tensor, labels: Tensor) -> Tensor:
        value: Tensor = model._compile_loss(encode(labels, outputs), outputs)
        return value

    def loss(outputs: Tensor, targets: Targets) -> Tensor:
        if len(targets) == 1:
            return of_labels(outputs, targets[0])
        first, second, share = targets
        return of_labels(outputs, first) * share + of_labels(outputs, second) * (1 - share)

    return Objective(loss, lambda outputs, labels: _measured(model, encode, outputs, labels))


Encode = Callable[[Tensor, Tensor], Tensor]


def _encoder(loss: Any, classes: int) -> Encode:
    name = str(getattr(loss, "name", None) or getattr(loss, "__name__", loss)).lower()
    if "sparse" in name or name in SPARSE_WORDS or classes == 1:
        return lambda labels, _: labels
    return lambda labels, outputs: torch.nn.functional.one_hot(labels, classes).to(outputs.dtype)


def _build(model: Any, encode: Encode, classes: int, like: Tensor) -> None:
    """Let Keras make its loss and metric objects now, outside of any trace; callbacks look at them for directions."""
    outputs = torch.full((2, classes), 1 / classes, dtype=like.dtype, device=like.device)
    labels = encode(torch.zeros(2, dtype=torch.int64, device=like.device), outputs)
    model._compile_loss(labels, outputs)
    if model._compile_metrics is not None and not model._compile_metrics.built:
        model._compile_metrics.build(labels, outputs)


def _measured(model: Any, encode: Encode, outputs: Tensor, labels: Tensor) -> dict[str, float]:
    if model._compile_metrics is None:
        return {}
    model._compile_metrics.reset_state()
    for start in range(0, len(labels), METRIC_ROWS):
        rows, some = outputs[start : start + METRIC_ROWS], labels[start : start + METRIC_ROWS]
        model._compile_metrics.update_state(encode(some, rows), rows)
    return {name: float(value) for name, value in model._compile_metrics.result().items()}
