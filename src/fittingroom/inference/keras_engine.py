"""Ask a model for probabilities: any Keras model or torch module, in large batches, through its traced forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Predict, Probabilities
from fittingroom.data.accepting import accept_images
from fittingroom.inference.pixels import Feed, feed_of
from fittingroom.mapped_arrays import is_large, pieces
from fittingroom.models.front import as_probabilities, read_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from fittingroom.models.functional_model import FunctionalModel

AT_ONCE = 10_000  # images that are shifted and scaled before they are asked about: bounded memory
LEAST_PROBABILITY = 1e-12  # below it a probability has no logarithm worth dividing


def predictor(model: Any, *, pixels: str | Feed | None = None) -> Predict:
    """Return the function from images to probabilities that a model stands for.

    A Keras model whose first layers say what they were made for, as every saved one's do, is fed that; any other model
    is fed 0..1.

    Args:
        model: a Keras model that takes ``(h * w,)``, ``(h, w)`` or ``(h, w, 1)``, or a torch module that takes
            ``(n, 1, h, w)``, ``(n, h, w)`` or ``(n, h * w)``; gives probabilities or logits ``(n, classes)``.
        pixels: "unit" to feed 0..1, "raw" to feed 0..255, or what pixels are multiplied by and what is then added, as
            `pixels.feed_of` gives it; None to decide as above.

    Returns:
        ``uint8 (n, h, w)`` to ``float32 (n, classes)``, rows summing to 1.

    Raises:
        ModelError: (when called) the images do not fit the model; both shapes are named.
        DataError: (when called) the images are no uint8 ``(n, h, w)``.
    """
    prepared: dict[tuple[int, int], Callable[[Array], Array]] = {}

    def predict(images: Any) -> Probabilities:
        checked = accept_images(images, shape=np.shape(images)[1:] if np.ndim(images) == 3 else None)
        height, width = checked.shape[1:]
        if (height, width) not in prepared:
            prepared[height, width] = _prepared(model, (height, width), pixels)
        return prepared[height, width](checked)

    return predict


def _prepared(model: Any, image_shape: tuple[int, int], pixels: str | Feed | None) -> Callable[[Array], Array]:
    from fittingroom.inference.forward import go_on, make_infer

    functional, (scale, offset), classes, are_probabilities = _opened(model, image_shape, pixels)
    infer = make_infer(functional, scale=1.0 if offset else scale, trace=True)

    def ask(images: Array) -> Array:
        if not len(images):
            return np.zeros((0, max(classes, 2)), np.float32)
        if not offset and not is_large(images):
            return answer(_as_tensor(images, functional.like))
        parts = pieces(images, AT_ONCE)
        if not offset:
            return np.concatenate([answer(_as_tensor(part, functional.like)) for part in parts])
        shifted = (_as_tensor(part, functional.like).to(functional.like.dtype) * scale + offset for part in parts)
        return np.concatenate([answer(part) for part in shifted])

    def answer(values: Tensor) -> Array:
        with functional.at_rest():
            outputs, _ = infer(values, go_on)
        chances: Array = as_probabilities(outputs, probabilities=are_probabilities).cpu().numpy()
        return chances

    return ask


def _opened(
    model: Any, image_shape: tuple[int, int], pixels: str | Feed | None
) -> tuple[FunctionalModel, Feed, int, bool]:
    """Return the model as functions, what it is fed, how many outputs it has, and whether they are probabilities."""
    from fittingroom.models.functional_model import as_functional, probe

    functional = as_functional(model, image_shape)
    chosen = (read_pixels(model) or "unit") if pixels is None else pixels
    feed = feed_of(chosen) if isinstance(chosen, str) else chosen
    with functional.at_rest():
        classes, are_probabilities = probe(functional, scale=255 * feed[0])
    return functional, feed, classes, are_probabilities


def answering_module(
    model: Any, image_shape: tuple[int, int], *, pixels: str | Feed | None = None, temperature: float = 1.0
) -> nn.Module:
    """Return a torch module that does all that `predictor` does, to be written for other programs.

    Args:
        model: see `predictor`.
        image_shape: ``(h, w)``.
        pixels: see `predictor`.
        temperature: that logits are divided by.

    Returns:
        ``uint8 (n, h, w)`` to probabilities ``(n, classes)``, in inference mode; it has the attributes ``functional``
        and ``image_shape``.

    Raises:
        ModelError: images of that shape do not fit the model.
    """
    import torch

    functional, (scale, offset), _, are_probabilities = _opened(model, image_shape, pixels)

    class Answering(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.functional = functional
            self.image_shape = image_shape

        def forward(self, pixels: Tensor) -> Tensor:
            inputs = (pixels.to(functional.like.dtype) * scale + offset).reshape(-1, *functional.input_shape)
            has_argument = functional.is_keras and model._call_has_training_arg
            outputs: Tensor = model(inputs, training=False) if has_argument else model(inputs)
            chances = as_probabilities(outputs, probabilities=are_probabilities)
            if temperature == 1:
                return chances
            return (chances.clamp(LEAST_PROBABILITY, 1.0).log() / temperature).softmax(-1)

    return Answering().eval()


def _as_tensor(array: Array, like: Tensor) -> Tensor:
    """Return an array as a tensor where the model is, sharing its memory where that is possible."""
    import torch

    writable = array if array.flags.writeable else array.copy()
    return torch.from_numpy(np.ascontiguousarray(writable)).to(like.device)
