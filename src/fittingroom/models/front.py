"""The fixed front of every saved model, pixels 0..255 in and probabilities out; and pixels as a model is fed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import torch
    from torch import Tensor


SCALING_LAYERS = ("Rescaling", "Normalization")
FRONT_LAYERS = ("to_unit", "as_they_are", "standardised")  # names of the front's own scaling
PROBES, FAR = 8, 1e4


def holds_own_scaling(model: keras.Model) -> bool:
    """Say whether the model scales its pixels itself, so that feeding it 0..1 would scale twice."""
    return any(type(layer).__name__ in SCALING_LAYERS for layer in model._flatten_layers())


def stated_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return the shape of one input, without the batch; None for a size that may be any.

    Raises:
        ModelError: the model has not been built, or has several inputs.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or not all(size is None or isinstance(size, int) for size in shape):
        raise ModelError(f"Model '{model.name}': expected one input of a known shape, found {shape}. Build it first.")
    return tuple(shape[1:])


def input_shape(model: keras.Model) -> tuple[int, ...]:
    """Return the shape of one input, without the batch.

    Raises:
        ModelError: the model has not been built, has several inputs, or takes any size.
    """
    shape = stated_shape(model)
    if None in shape:
        raise ModelError(f"Model '{model.name}': expected an input of one size, found {shape}, which takes any.")
    return tuple(size for size in shape if size is not None)


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
    """Say whether a built model's outputs are probabilities rather than logits; see ``outputs_of``.

    Args:
        model: built.
        shape: of one input, every size known.

    Raises:
        ModelError: the outputs are not one row of numbers an image.
    """
    import torch

    with torch.no_grad():
        ask = lambda inputs: model(inputs, training=False).float()  # noqa: E731
        return outputs_of(ask, shape, 255.0 if holds_own_scaling(model) else 1.0, model.name)[1]


def outputs_of(ask: Callable[[Tensor], Tensor], shape: tuple[int, ...], scale: float, name: str) -> tuple[int, bool]:
    """Return how many outputs a model has, and whether they are probabilities rather than logits.

    Probabilities stay within 0 and 1 whatever the input: for random images, and for ones far out of all bounds, which
    logits follow. The last layer's name would not tell for a nested or a subclassed model, and the sums of rows would
    not for one sigmoid a class, or for half precision.

    Args:
        ask: from inputs ``(n, *shape)`` to outputs.
        shape: of one input.
        scale: the largest pixel value it is fed, 1 or 255.
        name: the model's, for messages.

    Raises:
        ModelError: the outputs are not one row of numbers an image.
    """
    import torch

    inputs = torch.rand((PROBES, *shape), generator=torch.Generator().manual_seed(0)) * scale
    outputs = ask(inputs)
    if getattr(outputs, "ndim", 0) != 2 or len(outputs) != PROBES:
        found = tuple(getattr(outputs, "shape", ()))
        raise ModelError(f"Model '{name}': expected outputs of shape (n, classes), received {found}.")
    if not _within_bounds(outputs):
        return outputs.shape[1], False
    sums = outputs.float().sum(dim=1)
    if outputs.shape[1] > 1 and bool(((sums - 1).abs() < 1e-3).all()):
        return outputs.shape[1], True
    far = [ask(inputs * factor) for factor in (FAR, -FAR)]
    return outputs.shape[1], all(_within_bounds(answer[answer.isfinite().all(dim=1)]) for answer in far)


def _within_bounds(outputs: Tensor) -> bool:
    return bool((outputs >= 0).all() and (outputs <= 1 + 1e-3).all())


def as_probabilities(outputs: Tensor, *, probabilities: bool) -> Tensor:
    """Return a model's outputs as probabilities, float32 ``(n, classes)``, rows summing to one.

    Args:
        outputs: ``(n, c)``; one output is the second class's, and becomes two columns, ``1 - p`` and ``p``.
        probabilities: whether they are probabilities, which are only normalised, rather than logits.
    """
    import torch

    values = outputs.float()
    if values.shape[1] == 1:
        chance = values if probabilities else values.sigmoid()
        return torch.cat([1 - chance, chance], dim=1)
    if not probabilities:
        return values.softmax(-1)
    return values / values.sum(dim=1, keepdim=True).clamp(min=1e-12)


def for_use(
    model: keras.Model, image_shape: tuple[int, int], pixels: str = "unit", *, feed: tuple[float, float] | None = None
) -> keras.Model:
    """Return the trained model behind its front, sharing its weights, not compiled.

    Args:
        model: trained on float32 0..1 of shape ``(h * w,)``, ``(h, w)`` or ``(h, w, 1)``; or on 0..255 where it
            scales for itself.
        image_shape: ``(h, w)``.
        pixels: "unit" where it was trained on 0..1, "raw" on 0..255: the front then scales by 1 / 255, or by 1.
        feed: in the place of ``pixels``: what they are multiplied by, and what is then added, whatever the model's own
            layers are.

    Returns:
        A model that takes ``(n, h, w)`` pixels in 0..255 and gives probabilities ``(n, classes)``.

    Raises:
        ModelError: the shapes do not fit.
    """
    keras = import_keras()
    own = shape_for(stated_shape(model), image_shape, model.name)
    inputs = x = keras.Input(image_shape, name="pixels")
    if feed is not None or not holds_own_scaling(model):
        scale, offset = feed or (pixel_scale(pixels), 0.0)
        name = "standardised" if offset else "as_they_are" if scale == 1 else "to_unit"
        x = keras.layers.Rescaling(scale, offset, name=name)(x)
    if own != image_shape:
        x = keras.layers.Reshape(own, name="to_input")(x)
    x = model(x)
    are_probabilities = gives_probabilities(model, own)
    if x.shape[-1] == 1:
        if not are_probabilities:
            x = keras.layers.Activation("sigmoid", name="probability")(x)
        other = keras.layers.Rescaling(-1.0, 1.0, name="other")(x)
        x = keras.layers.Concatenate(name="probabilities")([other, x])
    elif not are_probabilities:
        x = keras.layers.Softmax(name="probabilities")(x)
    return keras.Model(inputs, x, name=model.name)


def behind_front(model: keras.Model) -> keras.Model:
    """Return the network that `for_use` put behind a front, with its weights, to be trained further.

    Args:
        model: as `for_use` returns it, or opened from a file that it was kept in.

    Raises:
        ModelError: it has no front of ours.
    """
    keras = import_keras()
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if len(inner) != 1:
        raise ModelError(f"Model '{model.name}': expected one network behind a front, found {len(inner)}.")
    return inner[0]


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
