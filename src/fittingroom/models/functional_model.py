"""What is trained, whatever it was written in: parameters, buffers and one pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Forward = Callable[[Tensors, Tensors, Tensor, bool], "Output"]
"""``forward(parameters, buffers, inputs, training)``; changes none of its arguments."""


@dataclass(frozen=True)
class Output:
    """What one pass through the model gives.

    Attributes:
        outputs: logits or probabilities, float ``(n, c)``.
        buffers: the buffers' new values, in the order of the subject's.
        penalty: the sum of what the model adds to the loss (regularisers), or None.
    """

    outputs: Tensor
    buffers: Tensors
    penalty: Tensor | None = None


@dataclass(frozen=True)
class FunctionalModel:
    """A model as the trainer sees it.

    Attributes:
        model: the Keras model or torch module itself.
        name: for messages.
        parameters: the trainable leaves, live: writing into them changes the model.
        parameter_names: one a parameter, unique.
        buffers: state that is not trained but that layers read and write, live.
        forward: see ``Forward``.
        input_shape: of one input, without the batch.
        kernel_axes: for each parameter of two or more axes, which axis counts outputs; None for the rest.
        is_keras: a Keras model rather than a plain torch module.
        is_ordinary: made of Keras's or torch's own layers only, whose Python is known not to change between steps.
        constrain: applies the parameters' constraints after an update, or None.
    """

    model: Any
    name: str
    parameters: Tensors
    parameter_names: tuple[str, ...]
    buffers: Tensors
    forward: Forward
    input_shape: tuple[int, ...]
    kernel_axes: tuple[int | None, ...]
    is_keras: bool
    is_ordinary: bool
    constrain: Callable[[], None] | None = field(default=None)

    @property
    def like(self) -> Tensor:
        """A tensor of the model's weights, for their dtype and device; one of its own where it has no weights."""
        floating = (tensor for tensor in (*self.parameters, *self.buffers) if tensor.is_floating_point())
        return next(floating, torch.zeros(()))

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Have Keras work where the weights are, and leave the model in training or inference mode as it was before."""
        import keras

        was_training = self.model.training
        try:
            with keras.device(self.like.device.type):
                yield
        finally:
            self.model.train(was_training)
