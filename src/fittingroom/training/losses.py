"""The recipe's loss: cross-entropy of class labels, for logits or probabilities, smoothed or mixed."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

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
