"""What pixels a model of one's own was fitted on: read from its first layers, found by asking it, or told."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fittingroom.errors import ModelError, UsageError
from fittingroom.judging.compare import mcnemar
from fittingroom.judging.scores import losses
from fittingroom.models.front import FRONT_LAYERS, holds_own_scaling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.arrays import Array, Images
    from fittingroom.data import Dataset, Log, Split
    from fittingroom.inference.predictor import Predictor


Feed: TypeAlias = tuple[float, float]
"""What pixels in 0..255 are multiplied by, and what is then added."""

PIXELS = {"unit": "0 to 1", "raw": "0 to 255", "standard": "less their mean, divided by their standard deviation"}
REMEDY = "If that is not so, say --pixels unit, raw or standard (pixels=... in Python)."
ASKED = 1000  # training images on which the ways to feed a model are compared
CHANCE = 0.01  # McNemar's p above which one way is not held to be better than another
PASSING = (
    *("InputLayer", "Reshape", "Flatten", "Permute", "Resizing", "CenterCrop", "ZeroPadding2D", "Cropping2D"),
    *("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Pipeline"),
)  # layers after which values in inference mean what they meant before


def feed_of(pixels: str, train: Images | None = None) -> Feed:
    """Return what pixels in 0..255 are multiplied by, and what is then added.

    Args:
        pixels: "unit", "raw" or "standard".
        train: images by whose mean and standard deviation "standard" is meant, uint8 ``(n, h, w)``.

    Raises:
        UsageError: another word, or "standard" without images.

    Example:
        >>> feed_of("raw")
        (1.0, 0.0)
    """
    if pixels not in PIXELS:
        raise UsageError(f"pixels: expected one of {', '.join(PIXELS)}, received {pixels!r}.")
    if pixels != "standard":
        return (1 / 255, 0.0) if pixels == "unit" else (1.0, 0.0)
    if train is None or not len(train):
        raise UsageError(
            "pixels 'standard' needs the training images whose mean and standard deviation are meant. Name their "
            "dataset, which has to be on this machine; or scale the images in Python."
        )
    counts = np.bincount(train.reshape(-1), minlength=256)
    values = np.arange(256)
    mean = float(counts @ values / counts.sum())
    spread = float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))
    return (1 / spread, -mean / spread) if spread else (1.0, -mean)


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
            found = _by_statistics(layer, scale, offset)
            return found or _by_scale(scale)
        step = _affine(layer)
        if step is not None:
            scale, offset = scale * step[0], offset * step[0] + step[1]
        elif kind not in PASSING and not kind.startswith("Random"):
            break
    return _by_scale(scale)


def default_pixels(model: Any) -> str:
    """Return what a model is fed where nothing tells: 0..255 where it scales at all, else 0..1."""
    return "raw" if hasattr(model, "_flatten_layers") and holds_own_scaling(model) else "unit"


def _leading(model: Any) -> Iterator[Any]:
    """Yield a model's layers and operations in the order in which an input meets them, those of inner models too."""
    inner = getattr(model, "_functional", None) or model  # what a Sequential model is, once built
    for layer in getattr(inner, "operations", None) or getattr(model, "layers", None) or ():
        if hasattr(layer, "layers") and hasattr(layer, "_flatten_layers"):
            yield from _leading(layer)
        else:
            yield layer


def _affine(layer: Any) -> Feed | None:
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
        return None
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(value), np.float64) for value in (mean, variance))
    centre = (float(mean.mean()) - offset) / scale
    spread = float(np.sqrt(variance.mean() + mean.var())) / abs(scale)
    if 0.01 < spread <= 0.55 and 0 < centre < 1:  # numbers in 0..1 have a standard deviation of at most 0.5
        return "unit"
    return "raw" if 2 < spread < 140 and 0 < centre < 255 else None


def settle(predictor: Predictor, data: Dataset | None, pixels: str | None, log: Log) -> Predictor:
    """Return a predictor that feeds a model what it was fitted on, and say what was found by asking.

    Args:
        predictor: opened; one that is no model of one's own is returned as it is.
        data: whose training images are asked about where nothing else tells; None for none.
        pixels: "unit", "raw" or "standard" to settle it; None to find out.
        log: told what was taken, and by how much it is better.

    Raises:
        UsageError: the model's own file says already what it takes, and ``pixels`` says it again.
    """
    if pixels is not None:
        if not predictor.is_own:
            raise UsageError(
                f"{predictor.title} takes pixels 0 to 255 and scales them as it was trained, so there is nothing that "
                f"--pixels {pixels} could settle. Leave it out."
            )
        return _fed(predictor, pixels, feed_of(pixels, data.train.images if data else None))
    if not predictor.is_own or predictor.pixels is not None:
        return predictor
    scores = _asked(predictor, data) if data is not None else None
    if data is None or scores is None:
        taken = default_pixels(predictor.model)
        log(
            f"{predictor.title}: its first layers do not tell what pixels it was fitted on, and there is no dataset "
            f"here to ask it about. Taken: {taken} ({PIXELS[taken]}). {REMEDY}"
        )
        return replace(predictor, pixels=taken)
    taken, told = _best(scores)
    log(
        f"{predictor.title}: its first layers do not tell what pixels it was fitted on, so it was asked about "
        f"{len(scores['unit'][0]):,} training images of '{data.name}' in three ways: {told} {REMEDY}"
    )
    return _fed(predictor, taken, feed_of(taken, data.train.images))


def _fed(predictor: Predictor, pixels: str, feed: Feed) -> Predictor:
    from fittingroom.inference.keras_engine import predictor as ask_model

    return replace(predictor, own=ask_model(predictor.model, pixels=feed), pixels=pixels, feed=feed)


@lru_cache(maxsize=8)
def _asked(predictor: Predictor, data: Dataset) -> dict[str, tuple[Array, float]] | None:
    """Return for each way to feed a model which answers are right ``(n,)``, and the mean loss; None if none fits."""
    few = _some(data.train)
    found = {}
    for pixels in PIXELS:
        try:
            probabilities = _fed(predictor, pixels, feed_of(pixels, data.train.images)).own(few.images)
        except ModelError:  # images of another size
            return None
        if int(few.labels.max(initial=0)) >= probabilities.shape[1]:
            return None
        right = probabilities.argmax(axis=1) == few.labels
        found[pixels] = right, float(losses(few.labels, probabilities).mean())
    return found


def _some(train: Split) -> Split:
    """Return images spread evenly over the training images, so that sorted classes are all among them."""
    return train.take(np.unique(np.linspace(0, len(train) - 1, min(ASKED, len(train))).astype(np.int64)), train.name)


def _best(scores: dict[str, tuple[Array, float]]) -> tuple[str, str]:
    """Return the best way to feed a model, 0..1 where a better one may be chance; and the sentence that says so."""
    ranked = sorted(scores, key=lambda pixels: (-scores[pixels][0].mean(), scores[pixels][1]))
    first, second = (scores[pixels][0] for pixels in ranked[:2])
    told = ", ".join(f"{pixels} ({PIXELS[pixels]}) {scores[pixels][0].mean():.4f} right" for pixels in ranked) + "."
    if mcnemar(int((first & ~second).sum()), int((second & ~first).sum())) > CHANCE:
        taken = "unit" if "unit" in ranked[:2] else ranked[0]
        return taken, f"{told} Taken: {taken}, since the difference of the first two may be chance."
    points = 100 * float(first.mean() - second.mean())
    return ranked[0], f"{told} Taken: {ranked[0]}, better than the next by {points:.1f} points."
