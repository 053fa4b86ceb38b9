"""What is minimised and measured: the recipe's cross-entropy, or what a model was compiled with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from fittingroom.errors import ModelError
from fittingroom.models.front import shaped
from fittingroom.models.functional_model import has_own_loss

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.recipe import Recipe


EPSILON = 1e-7  # Keras clips probabilities here before their logarithm

Targets = tuple[Tensor, ...]
"""``(labels,)`` int64 ``(n,)``, or ``(labels, other_labels, share)`` where two images were mixed; share: no axes."""

Loss = Callable[..., Tensor]
"""``loss(outputs, targets, inputs)`` to a tensor without axes; inputs, what the model was fed, may be left out where
the loss does not look at them."""


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

    def loss(outputs: Tensor, targets: Targets, inputs: Tensor | None = None) -> Tensor:
        del inputs
        if outputs.shape[1] == 1:
            return _binary(outputs, targets, probabilities, label_smoothing)
        logs = log_probabilities(outputs, probabilities=probabilities)
        hit = functional.nll_loss(logs, targets[0])
        if len(targets) > 1:
            hit = hit * targets[2] + functional.nll_loss(logs, targets[1]) * (1 - targets[2])
        if not label_smoothing:
            return hit
        return hit * (1 - label_smoothing) - logs.mean() * label_smoothing

    return loss


def _binary(outputs: Tensor, targets: Targets, probabilities: bool, label_smoothing: float) -> Tensor:
    """Return the cross-entropy of one output, the second class's probability or its logit."""
    measure = _clipped_binary if probabilities else functional.binary_cross_entropy_with_logits

    def of(labels: Tensor) -> Tensor:
        wanted = labels.to(outputs.dtype).unsqueeze(1) * (1 - label_smoothing) + label_smoothing / 2
        value: Tensor = measure(outputs, wanted)
        return value

    if len(targets) == 1:
        return of(targets[0])
    return of(targets[0]) * targets[2] + of(targets[1]) * (1 - targets[2])


def _clipped_binary(outputs: Tensor, wanted: Tensor) -> Tensor:
    clipped = outputs.clamp(EPSILON, 1 - EPSILON)
    return -(wanted * clipped.log() + (1 - wanted) * (1 - clipped).log()).mean()


METRIC_ROWS, LOSS_ROWS = 8192, 1000
SPARSE_WORDS = ("crossentropy", "ce", "categorical_generalized_cross_entropy", "categoricalgeneralizedcrossentropy")
"""Keras's losses that take whole numbers and do not say so: two look at the labels' shape."""


@dataclass(frozen=True)
class Objective:
    """The loss, and what is measured besides loss and accuracy.

    Attributes:
        loss: of outputs ``(n, c)``, targets and inputs.
        metrics: of outputs and labels of an epoch, to numbers by name, or lists of numbers; empty for a recipe's. The
            third argument says whether they are the epoch's first, rather than more of them.
        predicted: of outputs ``(n, c)``, the predicted labels, int64 ``(n,)``.
        held_out: the loss of images that are not trained on: uint8 ``(n, h, w)``, outputs and labels.
        scaled: what is differentiated in the loss's place, where an optimiser divides gradients by a factor again.
    """

    loss: Loss
    metrics: Callable[[Tensor, Tensor, bool], dict[str, Any]]
    predicted: Callable[[Tensor], Tensor]
    held_out: Callable[[Tensor, Tensor, Tensor], Tensor]
    scaled: Callable[[Tensor], Tensor] | None = None


def predicted_labels(probabilities: bool) -> Callable[[Tensor], Tensor]:
    """Return the function from outputs to labels: the largest; of one output, whether it is above its middle."""
    middle = 0.5 if probabilities else 0.0

    def predicted(outputs: Tensor) -> Tensor:
        return outputs.argmax(dim=1) if outputs.shape[1] > 1 else (outputs[:, 0] > middle).long()

    return predicted


def recipe_objective(recipe: Recipe, *, probabilities: bool) -> Objective:
    """Return the recipe's cross-entropy.

    Args:
        recipe: its label smoothing.
        probabilities: the model gives probabilities rather than logits.
    """
    loss = cross_entropy(probabilities=probabilities, label_smoothing=recipe.label_smoothing)
    predicted = predicted_labels(probabilities)
    return Objective(loss, lambda *_: {}, predicted, lambda _, outputs, labels: loss(outputs, (labels,)))


def owners_objective(functional: FunctionalModel, classes: int, *, probabilities: bool, scale: float) -> Objective:
    """Return the loss and metrics that a Keras model was compiled with, or its own ``compute_loss``.

    Args:
        functional: of a compiled model.
        classes: how many outputs it has; labels are given as whole numbers, as ``fit`` would, to all losses but Keras's
            own for one-hot labels and those that can make nothing of whole numbers.
        probabilities: the model gives probabilities rather than logits.
        scale: what pixels in 0..255 are multiplied by.

    Raises:
        ModelError: it was compiled without a loss, or with one that takes neither whole numbers nor one-hot labels.
    """
    model = functional.model
    own = has_own_loss(model)
    if model._compile_loss is None and not own:
        raise ModelError(f"Model '{functional.name}' was compiled without a loss. Compile it with one, or not at all.")
    encode = _encoder(functional, classes)
    _build(functional, encode, classes)

    def of_labels(outputs: Tensor, labels: Tensor, inputs: Tensor | None, training: bool = True) -> Tensor:
        if own:
            return model._compute_loss(inputs, encode(labels, outputs), outputs, None, training=training)  # type: ignore[no-any-return]
        value: Tensor = model._compile_loss(encode(labels, outputs), outputs)
        return value

    def loss(outputs: Tensor, targets: Targets, inputs: Tensor | None = None) -> Tensor:
        if len(targets) == 1:
            return of_labels(outputs, targets[0], inputs)
        first, second, share = targets
        return of_labels(outputs, first, inputs) * share + of_labels(outputs, second, inputs) * (1 - share)

    def held_out(images: Tensor, outputs: Tensor, labels: Tensor) -> Tensor:
        if not own:
            return of_labels(outputs, labels, None)
        total = torch.zeros((), dtype=outputs.dtype, device=outputs.device)
        for start in range(0, len(labels), LOSS_ROWS):
            rows = slice(start, start + LOSS_ROWS)
            inputs = shaped(images[rows], functional.input_shape, functional.like.dtype, scale)
            total += of_labels(outputs[rows], labels[rows], inputs, training=False) * len(inputs)
        return total / len(labels)

    scaled = model.optimizer.scale_loss if scales_loss(model.optimizer) else None
    measured = lambda outputs, labels, fresh: _measured(model, encode, outputs, labels, fresh)  # noqa: E731
    return Objective(loss, measured, predicted_labels(probabilities), held_out, scaled)


def scales_loss(optimizer: Any) -> bool:
    """Say whether a Keras optimiser divides gradients by a factor, by which the loss is to be multiplied before."""
    return (
        hasattr(optimizer, "dynamic_scale")
        or hasattr(optimizer, "inner_optimizer")
        or bool(getattr(optimizer, "loss_scale_factor", None))
    )


def refuse_what_only_fit_does(model: Any) -> None:
    """Raise where a recipe would train a Keras model otherwise than ``fit`` does, without a word.

    Args:
        model: not compiled, so that the recipe's loss and optimiser are used.

    Raises:
        ModelError: it has a loss of its own, or computes in float16, which needs a scaled loss.
    """
    if has_own_loss(model):
        raise ModelError(
            f"Model '{model.name}' has its own compute_loss, which is used where the model is compiled. Compile it."
        )
    if any(layer.compute_dtype == "float16" for layer in model._flatten_layers()):
        raise ModelError(
            f"Model '{model.name}' computes in float16, where small gradients vanish unless the loss is scaled. "
            "Compile it, and Keras scales the loss; or use mixed_bfloat16."
        )


Encode = Callable[[Tensor, Tensor], Tensor]


def whole(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return labels as they are, whole numbers ``(n,)``."""
    del outputs
    return labels


def one_hot(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return labels as rows of one 1 among zeros, ``(n, c)``, without looking at a value: so it can be traced.

    Example:
        >>> one_hot(torch.tensor([1, 0]), torch.zeros(2, 3)).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    classes = torch.arange(outputs.shape[1], device=outputs.device)
    return (labels.unsqueeze(1) == classes).to(outputs.dtype)


def _encoder(functional: FunctionalModel, classes: int) -> Encode:
    model, loss = functional.model, _the_one(functional.model.loss)
    if classes == 1 or loss is None:
        return whole
    if isinstance(loss, str) or _is_kerass(loss):
        name = str(loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)).lower()
        return whole if name.startswith("sparse") or name in SPARSE_WORDS else one_hot
    for encode in (whole, one_hot):
        if _makes_sense(functional, encode, classes):
            return encode
    for encode in (whole, one_hot):
        if _asked(model, encode, classes, functional.like, 0) is not None:
            return encode
    raise ModelError(
        f"Model '{functional.name}': its loss takes neither whole numbers (n,) nor one-hot labels (n, {classes})."
    )


def _the_one(loss: Any) -> Any:
    while isinstance(loss, list | tuple | dict) and len(loss) == 1:
        loss = next(iter(loss.values())) if isinstance(loss, dict) else loss[0]
    return loss


def _is_kerass(loss: Any) -> bool:
    kind = loss if hasattr(loss, "__name__") else type(loss)
    return kind.__module__.startswith("keras.") and kind.__name__ != "LossFunctionWrapper"


def _makes_sense(functional: FunctionalModel, encode: Encode, classes: int) -> bool:
    """Say whether a loss is smaller for right answers than for wrong ones, where labels are given in this way."""
    with functional.unmoved():
        right, wrong = (_asked(functional.model, encode, classes, functional.like, shift) for shift in (0, 1))
    return right is not None and wrong is not None and right < wrong


def _asked(model: Any, encode: Encode, classes: int, like: Tensor, shift: int) -> float | None:
    """Return the loss of answers that are sure of the class ``shift`` after the right one; None where it fails."""
    labels = torch.arange(classes, device=like.device)
    outputs = torch.softmax(4 * one_hot((labels + shift) % classes, like.new_zeros((1, classes))), 1)
    try:
        return float(model._compile_loss(encode(labels, outputs), outputs))
    except Exception:  # an owner's loss may fail in any way on labels that it was not written for
        return None


def _build(functional: FunctionalModel, encode: Encode, classes: int) -> None:
    """Let Keras make its loss and metric objects now, outside of any trace, by the very calls that ``fit`` makes first.

    Callbacks look at them for directions; and a layer that counts its calls counts those, too.
    """
    model, like = functional.model, functional.like
    outputs = torch.full((2, classes), 1 / classes, dtype=like.dtype, device=like.device)
    labels = encode(torch.zeros(2, dtype=torch.int64, device=like.device), outputs)
    inputs = torch.zeros((2, *functional.input_shape), dtype=like.dtype, device=like.device)
    try:
        model._symbolic_build(data_batch=(inputs, labels))
    except Exception:  # a loss of one's own may not take tensors without values
        if model._compile_loss is not None:
            model._compile_loss(labels, outputs)
        if model._compile_metrics is not None and not model._compile_metrics.built:
            model._compile_metrics.build(labels, outputs)


def _measured(model: Any, encode: Encode, outputs: Tensor, labels: Tensor, fresh: bool) -> dict[str, Any]:
    if model._compile_metrics is None:
        return {}
    if fresh:
        model._compile_metrics.reset_state()
    for start in range(0, len(labels), METRIC_ROWS):
        rows, some = outputs[start : start + METRIC_ROWS], labels[start : start + METRIC_ROWS]
        model._compile_metrics.update_state(encode(some, rows), rows)
    return {name: _plain(value) for name, value in model._compile_metrics.result().items()}


def _plain(value: Any) -> Any:
    """Return a metric's value as a number, or as a list of numbers where it has one a class."""
    if getattr(value, "ndim", 0) == 0:
        return float(value)
    return value.tolist() if hasattr(value, "tolist") else [float(part) for part in value]
