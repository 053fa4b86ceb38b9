"""Turn any model into a subject, and find out what its outputs are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel

PROBE_IMAGES = 8


def as_functional(model: Any, image_shape: tuple[int, int]) -> FunctionalModel:
    """Return the subject of a Keras model or a torch module.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module``.
        image_shape: ``(h, w)`` of the images it will see.

    Raises:
        ModelError: neither of the two, or it does not fit the images.
    """
    keras = import_keras()
    if isinstance(model, keras.Model):
        from fittingroom.models.adapt_keras import adapt_keras

        return adapt_keras(model, image_shape)
    if isinstance(model, keras.Layer):
        raise ModelError(f"Expected a model, received the layer '{model.name}'. Put it into a keras.Sequential.")
    if isinstance(model, nn.Module):
        from fittingroom.models.adapt_torch import adapt_torch

        return adapt_torch(model, image_shape)
    raise ModelError(f"Expected a Keras model or a torch.nn.Module, received {type(model).__name__}.")


def probe(functional: FunctionalModel, *, scale: float = 1.0) -> tuple[int, bool]:
    """Run a few random images through the model and say what comes out.

    Args:
        functional: the model; its weights and buffers stay as they are.
        scale: the largest pixel value it is fed, 1 or 255.

    Returns:
        The number of classes, and whether the outputs are probabilities: none negative, every row summing to one.

    Raises:
        ModelError: the outputs are not one row of numbers an image.
    """
    like = functional.like
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand((PROBE_IMAGES, *functional.input_shape), generator=generator) * scale
    with torch.no_grad():
        outputs = functional.forward(
            functional.parameters, functional.buffers, pixels.to(like.device, like.dtype), False
        ).outputs
    if getattr(outputs, "ndim", 0) != 2 or len(outputs) != PROBE_IMAGES:
        shape = tuple(getattr(outputs, "shape", ()))
        raise ModelError(f"Model '{functional.name}': expected outputs of shape (n, classes), received {shape}.")
    sums_to_one = torch.allclose(
        outputs.sum(dim=1), torch.ones((), dtype=outputs.dtype, device=outputs.device), atol=1e-3
    )
    return outputs.shape[1], bool(sums_to_one and (outputs >= 0).all())
