"""The fixed front of every saved model, pixels 0..255 in and probabilities out; and pixels as a model is fed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import keras
    import torch
    from torch import Tensor


FRONT_LAYERS = ("to_unit", "as_they_are", "standardised")  # names of the front's own scaling
PROBES, FAR = 8, 1e4
PASSING = (
    *("InputLayer", "Reshape", "Flatten", "Permute", "Resizing", "CenterCrop", "ZeroPadding2D", "Cropping2D"),
    *("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Pipeline"),
)  # layers after which values in inference mean what they meant before


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
        return outputs_of(ask, shape, 1.0, model.name)[1]


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
    model: keras.Model,
    image_shape: tuple[int, int],
    pixels: str | None = None,
    *,
    feed: tuple[float, float] | None = None,
) -> keras.Model:
    """Return the trained model behind its front, sharing its weights, not compiled.

    Args:
        model: trained on float32 0..1 of shape ``(h * w,)``, ``(h, w)`` or ``(h, w, 1)``; or on 0..255 where it
            scales for itself.
        image_shape: ``(h, w)``.
        pixels: "unit" where it was trained on 0..1, "raw" on 0..255: the front then scales by 1 / 255, or by 1; None
            for what its first layers say, else "unit".
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
    scale, offset = feed or (pixel_scale(pixels or read_pixels(model) or "unit"), 0.0)
    front = "standardised" if offset else "as_they_are" if scale == 1 else "to_unit"
    x = keras.layers.Rescaling(scale, offset, name=front)(x)
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


def read_pixels(model: Any) -> str | None:
    """Return what pixels the constants of a Keras model's first layers were made for; None where they do not tell.

    A layer that scales is read by its numbers, not by its name: ``Rescaling(2, -1)`` is made for 0..1, and
    ``Rescaling(1 / 127.5, -1)`` for 0..255; statistics that a normalisation has learned are those of its images.

    Args:
        model: a Keras model; of any other kind nothing is known.

    Returns:
        "unit", "raw", or None.
    """
    scale, offset = 1.0, 0.0
    for layer in _leading(model):
        kind = type(layer).__name__
        if kind == "Rescaling" and layer.name in FRONT_LAYERS:
            return "raw"
        if kind in ("Normalization", "BatchNormalization"):
            return _by_statistics(layer, scale, offset)
        step = _affine(layer)
        if step is not None:
            scale, offset = scale * step[0], offset * step[0] + step[1]
        elif kind not in PASSING and not kind.startswith("Random"):
            break
    return _by_scale(scale)


def _leading(model: Any) -> Iterator[Any]:
    """Yield a model's layers and operations in the order in which an input meets them, those of inner models too."""
    inner = getattr(model, "_functional", None) or model  # what a Sequential model is, once built
    for layer in getattr(inner, "operations", None) or getattr(model, "layers", None) or ():
        if hasattr(layer, "layers") and hasattr(layer, "_flatten_layers"):
            yield from _leading(layer)
        else:
            yield layer


def _affine(layer: Any) -> tuple[float, float] | None:
    """Return what a layer or an operation multiplies by, and then adds; None where it does something else."""
    if type(layer).__name__ == "Rescaling":
        return float(np.mean(layer.scale)), float(np.mean(layer.offset))
    nodes = getattr(layer, "_inbound_nodes", ())
    given = [argument for node in nodes[:1] for argument in node.arguments.args]
    if len(given) != 2 or not isinstance(given[-1], int | float):
        return None
    number = float(given[-1])
    steps = {"TrueDivide": (1 / (number or 1.0), 0.0), "Divide": (1 / (number or 1.0), 0.0), "Multiply": (number, 0.0)}
    return (steps | {"Subtract": (1.0, -number), "Add": (1.0, number)}).get(type(layer).__name__)


def _by_scale(scale: float) -> str | None:
    """Return for which pixels a factor gives values of the size that networks are trained on, some 1 to 10 wide."""
    size = abs(scale)
    if 0.2 < size < 20 and size != 1:
        return "unit"
    return "raw" if 0.2 / 255 < size < 20 / 255 else None


def _by_statistics(layer: Any, scale: float, offset: float) -> str | None:
    """Return of which pixels the mean and variance that a normalisation holds are; None where they are nobody's."""
    import keras

    names = ("moving_mean", "moving_variance") if hasattr(layer, "moving_mean") else ("mean", "variance")
    mean, variance = (getattr(layer, name, None) for name in names)
    if mean is None or variance is None or not scale:
        return _by_scale(scale)
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(value), np.float64) for value in (mean, variance))
    centre = (float(mean.mean()) - offset) / scale
    spread = float(np.sqrt(variance.mean() + mean.var())) / abs(scale)
    if 0.01 < spread <= 0.55 and 0 < centre < 1:  # numbers in 0..1 have a standard deviation of at most 0.5
        return "unit"
    if 2 < spread < 140 and 0 < centre < 255:
        return "raw"
    return _by_scale(scale / float(np.sqrt(variance.mean())))  # a scale and no statistics


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
