"""Architectures, one a file, and the table that names them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fittingroom.lookup import look_up
from fittingroom.models.residual import residual
from fittingroom.models.stem_conv import stem_conv
from fittingroom.models.thin_conv import thin_conv
from fittingroom.models.walkthrough import walkthrough

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

__all__ = ["MODELS", "Architecture", "build", "list_models"]


@dataclass(frozen=True)
class Architecture:
    """One entry of the table.

    Attributes:
        build: ``(image_shape, classes)`` to a Keras model that is not compiled.
        title: what it is, in one line.
        source: where it comes from.
    """

    build: Callable[[tuple[int, int], int], keras.Model]
    title: str
    source: str


AIRBENCH = "arXiv 2404.00498, made small"
RESNET = "arXiv 1512.03385"

MODELS: dict[str, Architecture] = {
    "walkthrough": Architecture(
        walkthrough, "Dense 128 (relu), Dense 10 (softmax): the walk-through's network", "the Keras walk-through"
    ),
    "thin-conv": Architecture(
        thin_conv, "three convolutional groups of 16, 32 and 64 channels with batch normalisation", "arXiv 2404.00498"
    ),
    "stem-16-16-32": Architecture(
        partial(stem_conv, stem=16, channels=(16, 32)), "a stem of stride 2, groups of 16 and 32 channels", AIRBENCH
    ),
    "stem-16-32-64": Architecture(
        partial(stem_conv, stem=16, channels=(32, 64)), "a stem of stride 2, groups of 32 and 64 channels", AIRBENCH
    ),
    "stem-16-24-64": Architecture(
        partial(stem_conv, stem=16, channels=(24, 64)), "a stem of stride 2, groups of 24 and 64 channels", AIRBENCH
    ),
    "stem-16-32-48": Architecture(
        partial(stem_conv, stem=16, channels=(32, 48)), "a stem of stride 2, groups of 32 and 48 channels", AIRBENCH
    ),
    "flat-16-16-24": Architecture(
        partial(stem_conv, stem=16, channels=(16, 24), depth=(1, 2), head="flat"),
        "a stem of stride 2, one convolution of 16 channels, two of 24, a head that reads each position",
        AIRBENCH,
    ),
    "flat-16-24-64": Architecture(
        partial(stem_conv, stem=16, channels=(24, 64), depth=(1, 2), head="flat"),
        "a stem of stride 2, one convolution of 24 channels, two of 64, a head that reads each position",
        AIRBENCH,
    ),
    "residual-16-32-38": Architecture(
        partial(residual, channels=(16, 32, 38)),
        "three stages of two residual blocks, below 100,000 parameters",
        RESNET,
    ),
    "residual-16-32-64": Architecture(
        partial(residual, channels=(16, 32, 64), blocks=3), "ResNet-20 on one channel", RESNET
    ),
    "stem-24-64-128": Architecture(
        partial(stem_conv, stem=24, channels=(64, 128)), "a stem of stride 2, groups of 64 and 128 channels", AIRBENCH
    ),
    "deep-24-64-128": Architecture(
        partial(stem_conv, stem=24, channels=(64, 128), depth=3, head="mean"),
        "a stem of stride 2, groups of three convolutions with a shortcut, the mean over positions",
        AIRBENCH,
    ),
}


def list_models() -> list[dict[str, str]]:
    """Return the architectures that can be trained: name, title (what it is, in one line), source.

    Example:
        >>> list_models()[0]["name"]
        'walkthrough'
    """
    return [{"name": name, "title": entry.title, "source": entry.source} for name, entry in MODELS.items()]


def build(
    name: str = "walkthrough", *, image_shape: tuple[int, int] = (28, 28), classes: int = 10, seed: int = 0
) -> keras.Model:
    """Build an architecture by name, with fresh weights, not compiled.

    Args:
        name: a key of `MODELS`.
        image_shape: ``(height, width)`` in pixels.
        classes: number of outputs.
        seed: of the starting weights; sets the random states of Python, NumPy and Torch as Keras does.

    Returns:
        A Keras model: float32 pixels in 0..1 in, probabilities ``(n, classes)`` out.

    Raises:
        UsageError: an unknown name.

    Example:
        >>> model = build("walkthrough")
        >>> model.count_params()
        101770
    """
    from fittingroom.arrays import check_whole
    from fittingroom.backend import import_keras

    architecture = look_up(name, MODELS, "model")
    import_keras().utils.set_random_seed(check_whole(seed, "seed"))
    return architecture.build(image_shape, classes)
