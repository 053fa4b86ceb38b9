"""The fixed front of every saved model, pixels 0..255 in and probabilities out; and pixels as a model is fed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError

if TYPE_CHECKING:
    import keras
    import torch
    from torch import Tensor


SCALING_LAYERS = ("Rescaling", "Normalization")
PROBES = 8


def holds_own_scaling(model: keras.Model) -> bool:
    """Say whether the model scales its pixels itself, so that feeding it 0..1 would scale twice."""
    return any(type(layer).__name__ in SCALING_LAYERS for layer in model._flatten_layers())


def input_shape(model: keras.Model) -> tuple[int, ...]:
    """Return the shape of one input, without the batch.

    Raises:
        ModelError: the model has not been built, or has several inputs.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or not all(size is None or isinstance(size, int) for size in shape):
        raise ModelError(f"Model '{model.name}': expected one input of a known shape, found {shape}. Build it first.")
    return tuple(shape[1:])


def shape_for(shape: tuple[int | None, ...], image_shape: tuple[int, int], name: str) -> tuple[int, ...]:
    """Return the shape that images are fed to a model in: flat, ``(h, w)``, ``(h, w, 1)`` or ``(1, h, w)``.

    Args:
        shape: of the model's input, without the batch; None where any size will do.
        image_shape: ``(h, w)``.
        name: the model's, for messages.

    Raises:
        ModelError: none of the four; both shapes are named.

    Example:
        >>> shape_for((None, None, 1), (28, 28), "mine")
        (28, 28, 1)
    """
    height, width = image_shape
    for found in ((height * width,), (height, width), (height, width, 1), (1, height, width)):
        if len(found) == len(shape) and all(size in (None, own) for size, own in zip(shape, found, strict=True)):
            return found
    raise ModelError(
        f"Model '{name}' takes inputs of shape {shape}, the images are {image_shape}: expected "
        f"({height * width},), ({height}, {width}), ({height}, {width}, 1) or (1, {height}, {width})."
    )


def contiguous(inputs: Tensor) -> Tensor:
    """Return one-channel inputs ``(n, 1, h, w)`` described as contiguous, the same memory; all others as they are.

    ``shaped`` describes them as channels-last, which makes convolutions fast. A module's own Python may ask for what
    only contiguous activations can give, such as ``x.view(len(x), -1)`` after a convolution.
    """
    if inputs.ndim != 4 or inputs.shape[1] != 1:
        return inputs
    count, _, height, width = inputs.shape
    return inputs.as_strided(inputs.shape, (height * width, height * width, width, 1)) if count else inputs


def gives_probabilities(model: keras.Model, shape: tuple[int, ...]) -> bool:
    """Say whether the outputs are probabilities rather than logits: none negative, each row summing to one.

    It is asked of a few random inputs; the last layer's name would not tell for a nested or a subclassed model.

    Args:
        model: built.
        shape: of one input, every size known.

    Raises:
        ModelError: the outputs are not one row of numbers an image.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand((PROBES, *shape), generator=generator) * (255 if holds_own_scaling(model) else 1)
    with torch.inference_mode():
        outputs = model(inputs, training=False).float()
    if outputs.ndim != 2 or len(outputs) != PROBES:
        raise ModelError(f"Model '{model.name}': expected outputs (n, classes), received {tuple(outputs.shape)}.")
    sums = outputs.sum(dim=1)
    return bool((outputs >= 0).all() and (sums - 1).abs().max() < 1e-3)


def for_use(model: keras.Model, image_shape: tuple[int, int]) -> keras.Model:
    """Return the trained model behind its front, sharing its weights, not compiled.

    Args:
        model: trained on float32 0..1 of shape ``(h * w,)``, ``(h, w)`` or ``(h, w, 1)``; or on 0..255 where it
            scales for itself.
        image_shape: ``(h, w)``.

    Returns:
        A model that takes ``(n, h, w)`` pixels in 0..255 and gives probabilities ``(n, classes)``.

    Raises:
        ModelError: the shapes do not fit.
    """
    keras = import_keras()
    own = shape_for(input_shape(model), image_shape, model.name)
    inputs = x = keras.Input(image_shape, name="pixels")
    if not holds_own_scaling(model):
        x = keras.layers.Rescaling(1 / 255, name="to_unit")(x)
    if own != image_shape:
        x = keras.layers.Reshape(own, name="to_input")(x)
    x = model(x)
    if not gives_probabilities(model, own):
        x = keras.layers.Softmax(name="probabilities")(x)
    return keras.Model(inputs, x, name=model.name)


def shaped(images: Tensor, input_shape: tuple[int, ...], dtype: torch.dtype, scale: float) -> Tensor:
    """Return images as a model's inputs.

    Args:
        images: uint8 or float ``(n, h, w)`` in 0..255.
        input_shape: ``(h * w,)``, ``(h, w)``, ``(h, w, 1)`` or ``(1, h, w)``; the last in channels-last memory, which
            convolutions then keep.
        dtype: of the model's weights.
        scale: what pixels are multiplied by.
    """
    values = images.to(dtype)
    if scale != 1.0:
        values = values.mul_(scale) if values is not images else values * scale
    if len(input_shape) == 3 and input_shape[0] == 1 and input_shape[2] != 1:
        return values.unsqueeze(3).permute(0, 3, 1, 2)
    return values.view(-1, *input_shape)


def pixel_scale(pixels: str) -> float:
    """Return what pixels in 0..255 are multiplied by for a recipe's ``pixels``.

    Example:
        >>> pixel_scale("raw")
        1.0
    """
    return 1 / 255 if pixels == "unit" else 1.0
