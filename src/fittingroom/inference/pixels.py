"""What pixels a model of one's own was fitted on, where its first layers do not tell: found by asking it, or told."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.errors import ModelError, UsageError
from fittingroom.judging.compare import mcnemar
from fittingroom.judging.scores import losses
from fittingroom.mapped_arrays import pixel_counts, spread_rows

if TYPE_CHECKING:
    from fittingroom.arrays import Array, Images
    from fittingroom.data import Dataset, Log, Split
    from fittingroom.inference.predictor import Predictor


Feed: TypeAlias = tuple[float, float]
"""What pixels in 0..255 are multiplied by, and what is then added."""

PIXELS = {"unit": "0 to 1", "raw": "0 to 255", "standard": "less their mean, divided by their standard deviation"}
REMEDY = "If that is not so, say --pixels unit, raw or standard (pixels=... in Python)."
ASKED = 1000  # training images on which the ways to feed a model are compared
CHANCE = 0.01  # McNemar's p above which one way is not held to be better than another


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
    counts = pixel_counts(train)
    values = np.arange(256)
    mean = float(counts @ values / counts.sum())
    spread = float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))
    return (1 / spread, -mean / spread) if spread else (1.0, -mean)


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
        log(
            f"{predictor.title}: its first layers do not tell what pixels it was fitted on, and there is no dataset "
            f"here to ask it about. Taken: unit ({PIXELS['unit']}). {REMEDY}"
        )
        return replace(predictor, pixels="unit")
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
    return train.take(spread_rows(len(train), ASKED), train.name)


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
