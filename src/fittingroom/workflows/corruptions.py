"""How far a model's accuracy holds: on test images that are noisy, blurred, moved, turned, dim, covered, compressed.

The kinds are those of MNIST-C (N. Mu and J. Gilmer, arXiv 1906.02337) and ImageNet-C (D. Hendrycks and T. Dietterich,
arXiv 1903.12261) that make sense for small grey pictures. Amounts of noise, contrast, brightness and JPEG are
ImageNet-C's or CIFAR-10-C's; those of place are told in parts of the picture, so that they hold for every size.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from fittingroom.arrays import Array, Images, Labels, check_whole
from fittingroom.data import load, no_log
from fittingroom.data.accepting import accept_pair
from fittingroom.data.dataset import Dataset
from fittingroom.judging.intervals import wilson_interval
from fittingroom.lookup import look_up
from fittingroom.mapped_arrays import pieces
from fittingroom.workflows.evaluation import evaluate, open_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import keras
    from matplotlib.figure import Figure

    from fittingroom.inference.predictor import Predictor
    from fittingroom.progress import Log
    from fittingroom.runs import Run

Corrupt: TypeAlias = Callable[[Images, float, np.random.Generator], Images]
"""``corrupt(images, amount, generator)``: new images ``uint8 (n, h, w)``, the given ones left as they were."""

ASKED_BY = "evaluate --corruptions"
CHUNK = 2_000  # images corrupted together, so that copies in floats stay small
AT_ONCE = 10_000  # images that a model is asked about together
STRENGTHS = 5
GREY = 128  # of what covers a part of a picture
BLUR_REACH = 3  # standard deviations to which a blur is summed


def noise(images: Images, amount: float, generator: np.random.Generator) -> Images:
    """Add to each pixel a number drawn from a normal distribution.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: its standard deviation, in parts of the whole range of pixels.
        generator: draws.
    """
    return _pixels(images + 255 * amount * generator.standard_normal(images.shape, np.float32))


def blur(images: Images, amount: float) -> Images:
    """Blur by a Gaussian; beyond its edge a picture goes on as at the edge.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: the standard deviation, in parts of the longer side.
    """
    sigma = amount * max(images.shape[1:])
    if sigma == 0:
        return images.copy()
    reach = int(BLUR_REACH * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    weights /= weights.sum()
    values = images.astype(np.float32)
    for axis in (1, 2):
        padded = np.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(3)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=axis)
        values = windows @ weights
    return _pixels(values)


def shift(images: Images, amount: float, generator: np.random.Generator) -> Images:
    """Move each picture in a direction of its own, by the same distance; the gap is filled with its border's grey.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: the distance, in parts of the longer side.
        generator: draws the directions.
    """
    angle = generator.uniform(0, 2 * np.pi, len(images))
    distance = amount * max(images.shape[1:])
    moved = distance * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return _resampled(images, np.ones(len(images)), np.zeros(len(images)), moved)


def rotation(images: Images, amount: float, generator: np.random.Generator) -> Images:
    """Turn each picture about its middle, to the left or to the right as it falls.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: the angle, in degrees.
        generator: draws the sides.
    """
    sides = generator.choice([-1.0, 1.0], len(images))
    return _resampled(images, np.ones(len(images)), np.radians(amount) * sides, np.zeros((len(images), 2)))


def scale(images: Images, amount: float) -> Images:
    """Make what is in each picture smaller, about its middle.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: its size afterwards, in parts of what it was.
    """
    return _resampled(images, np.full(len(images), amount), np.zeros(len(images)), np.zeros((len(images), 2)))


def contrast(images: Images, amount: float) -> Images:
    """Bring each picture's pixels nearer to their mean.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: the distance that is left, in parts of what it was.
    """
    means = images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    return _pixels((images - means) * amount + means)


def brightness(images: Images, amount: float) -> Images:
    """Make every pixel lighter by the same, up to white.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: by how much, in parts of the whole range of pixels.
    """
    return _pixels(images.astype(np.float32) + 255 * amount)


def occlusion(images: Images, amount: float, generator: np.random.Generator) -> Images:
    """Cover a part of each picture with a grey rectangle of the picture's form, whole within it.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: the rectangle's sides, in parts of the picture's.
        generator: draws the places.
    """
    inside = np.ones(images.shape, bool)
    for axis, size in enumerate(images.shape[1:], start=1):
        length = round(amount * size)
        first = generator.integers(0, size - length + 1, len(images))
        along = np.arange(size)[None] - first[:, None]
        covered = (along >= 0) & (along < length)
        inside &= covered[:, :, None] if axis == 1 else covered[:, None, :]
    return np.where(inside, np.uint8(GREY), images)


def jpeg(images: Images, amount: float) -> Images:
    """Write each picture as a JPEG and read it again.

    Args:
        images: uint8 ``(n, h, w)``.
        amount: the quality, 1 to 95.
    """
    from PIL import Image

    def through(image: Array) -> Array:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(amount))
        return np.asarray(Image.open(file))

    return np.stack([through(image) for image in images])


class Corruption(NamedTuple):
    """One entry of the table.

    Attributes:
        corrupt: does it.
        amounts: from the weakest to the strongest.
        unit: of the amounts, in words.
    """

    corrupt: Corrupt
    amounts: tuple[float, ...]
    unit: str


CORRUPTIONS: Mapping[str, Corruption] = {
    "noise": Corruption(noise, (0.08, 0.12, 0.18, 0.26, 0.38), "standard deviation, in parts of white"),
    "blur": Corruption(
        lambda images, amount, _: blur(images, amount),
        (0.02, 0.03, 0.04, 0.06, 0.08),
        "standard deviation, in parts of the picture",
    ),
    "shift": Corruption(shift, (0.04, 0.08, 0.12, 0.16, 0.2), "distance, in parts of the picture"),
    "rotation": Corruption(rotation, (5.0, 10.0, 20.0, 30.0, 45.0), "degrees, to either side"),
    "scale": Corruption(
        lambda images, amount, _: scale(images, amount), (0.9, 0.8, 0.7, 0.6, 0.5), "size, in parts of what it was"
    ),
    "contrast": Corruption(
        lambda images, amount, _: contrast(images, amount), (0.75, 0.5, 0.4, 0.3, 0.15), "contrast that is left"
    ),
    "brightness": Corruption(
        lambda images, amount, _: brightness(images, amount), (0.1, 0.2, 0.3, 0.4, 0.5), "lighter by, in parts of white"
    ),
    "occlusion": Corruption(occlusion, (0.2, 0.3, 0.4, 0.5, 0.6), "sides of the grey part, in parts of the picture's"),
    "jpeg": Corruption(
        lambda images, amount, _: jpeg(images, amount), (25.0, 18.0, 15.0, 10.0, 7.0), "quality of the JPEG"
    ),
}


@dataclass(frozen=True)
class CorruptionScores:
    """What a model's accuracy is on corrupted images.

    Attributes:
        n: images.
        clean: accuracy on them as they are.
        accuracies: by the name of the corruption, one for each strength, from the weakest.
        seed: of what is drawn.
    """

    n: int
    clean: float
    accuracies: Mapping[str, tuple[float, ...]]
    seed: int

    @property
    def mean(self) -> float:
        """Mean accuracy over all corruptions and strengths."""
        return float(np.mean([value for values in self.accuracies.values() for value in values]))

    def interval(self, accuracy: float) -> tuple[float, float]:
        """Return Wilson's 95 % interval of one of the accuracies."""
        return wilson_interval(round(accuracy * self.n), self.n)

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain JSON values, the amounts and their units with them."""
        table = {
            name: {"unit": CORRUPTIONS[name].unit, "amounts": CORRUPTIONS[name].amounts, "accuracies": values}
            for name, values in self.accuracies.items()
        }
        return {**asdict(self), "accuracies": table, "mean": self.mean}

    def __str__(self) -> str:
        return f"accuracy {self.clean:.4f} as they are, {self.mean:.4f} on corrupted images (n = {self.n:,})"


def evaluate_corruptions(
    model: Run | keras.Model | str | Path,
    data: Any,
    *,
    corruptions: Sequence[str] | None = None,
    pixels: str | None = None,
    seed: int = 0,
    log: Log = no_log,
) -> CorruptionScores:
    """Judge a model on the test images as they are and corrupted; for a run that is one look at the test images.

    Args:
        model: see `fittingroom.predict`.
        data: see `fittingroom.evaluate`.
        corruptions: names of `CORRUPTIONS`; all of them where it is None.
        pixels: see `fittingroom.evaluate`.
        seed: of noise, directions and places: the same seed gives the same corrupted images.
        log: takes one line for the user.

    Raises:
        UsageError: an unknown corruption, or none.
        ModelError: the model's classes are not the dataset's.

    Example:
        >>> print(evaluate_corruptions("fashion-mnist/90", "fashion-mnist"))  # doctest: +SKIP
        accuracy 0.9038 as they are, 0.5721 on corrupted images (n = 10,000)
    """
    check_whole(seed, "seed")
    names = list(CORRUPTIONS) if corruptions is None else list(dict.fromkeys(corruptions))
    for name in names:
        look_up(name, CORRUPTIONS, "corruption")
    data = load(data) if isinstance(data, str | Path) else data
    verdict = evaluate(model, data, pixels=pixels, asked_by=ASKED_BY, log=log)
    images, labels = accept_pair(data, "evaluation", part="test")
    predictor = open_settled(model, data if isinstance(data, Dataset) else None, pixels, log=log)
    accuracies: dict[str, tuple[float, ...]] = {}
    for name in names:
        accuracies[name] = tuple(
            _right(predictor, labels, corrupted_parts(images, name, strength, seed, AT_ONCE))
            for strength in range(1, STRENGTHS + 1)
        )
        log(f"{name}: {', '.join(f'{value:.4f}' for value in accuracies[name])}")
    return CorruptionScores(len(labels), verdict.accuracy, accuracies, seed)


def _right(predictor: Predictor, labels: Labels, parts: Iterable[Images]) -> float:
    """Return how often a model's answer is the label, asked about images part by part."""
    answers = np.concatenate([predictor.predict(part, tempered=False).argmax(axis=1) for part in parts])
    return float((answers == labels).mean())


def corrupt(images: Images, name: str, strength: int, seed: int = 0) -> Images:
    """Return images with one corruption of the table.

    Args:
        images: uint8 ``(n, h, w)``.
        name: of the corruption.
        strength: 1 to 5.
        seed: of what is drawn.

    Raises:
        UsageError: no such corruption or strength.

    Example:
        >>> corrupt(np.zeros((1, 2, 2), np.uint8), "brightness", 2)
        array([[[51, 51],
                [51, 51]]], dtype=uint8)
    """
    return np.concatenate([*corrupted_parts(images, name, strength, seed)])


def corrupted_parts(images: Images, name: str, strength: int, seed: int = 0, at_once: int = CHUNK) -> Iterator[Images]:
    """Yield images with one corruption of the table, part by part; how many are in a part changes none of them.

    Args:
        images: uint8 ``(n, h, w)``.
        name: see `corrupt`.
        strength: likewise.
        seed: likewise.
        at_once: images in a part, a multiple of 2,000.

    Raises:
        UsageError: no such corruption or strength.
    """
    chosen = look_up(name, CORRUPTIONS, "corruption")
    amount = chosen.amounts[check_whole(strength, "strength", 1, STRENGTHS) - 1]
    generator = np.random.default_rng([seed, list(CORRUPTIONS).index(name), strength])
    for part in pieces(images, at_once):
        some = [part[start : start + CHUNK] for start in range(0, len(part), CHUNK)]
        yield np.concatenate([chosen.corrupt(each, amount, generator) for each in some])


def corruptions_figure(scores: CorruptionScores, image: Array) -> Figure:
    """Draw one image under each corruption, with the accuracy on all images below it.

    Args:
        scores: what is written below.
        image: uint8 ``(h, w)``.
    """
    from matplotlib.figure import Figure

    rows = len(scores.accuracies)
    figure = Figure(figsize=(6.6, 1.02 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, STRENGTHS + 1, squeeze=False)
    for line, (name, accuracies) in zip(axes, scores.accuracies.items(), strict=True):
        shown = [image, *(corrupt(image[None], name, strength, scores.seed)[0] for strength in range(1, STRENGTHS + 1))]
        for place, picture, accuracy in zip(line, shown, (scores.clean, *accuracies), strict=True):
            place.imshow(picture, cmap="binary", interpolation="none", vmin=0, vmax=255)
            place.set(xticks=[], yticks=[])
            place.spines[:].set_color("#dcd8ce")
            place.set_xlabel(f"{accuracy:.3f}", fontsize=9, labelpad=2)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    for place, title in zip(axes[0], ("as it is", *map(str, range(1, STRENGTHS + 1))), strict=True):
        place.set_title(title, fontsize=9)
    return figure


def _pixels(values: Array) -> Images:
    return np.asarray(np.rint(values).clip(0, 255), np.uint8)


def _resampled(images: Images, size: Array, angle: Array, moved: Array) -> Images:
    """Return each picture made smaller, turned about its middle, and moved; between pixels it is interpolated.

    Args:
        images: uint8 ``(n, h, w)``.
        size: ``(n,)``, in parts of what it was.
        angle: ``(n,)``, in radians.
        moved: ``(n, 2)``, pixels down and to the right.
    """
    n, height, width = images.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    rows, columns = np.meshgrid(np.arange(height) - middle[0], np.arange(width) - middle[1], indexing="ij")
    down, right = rows[None] - moved[:, :1, None], columns[None] - moved[:, 1:, None]
    cosine, sine = (np.cos(angle) / size)[:, None, None], (np.sin(angle) / size)[:, None, None]
    y, x = cosine * down - sine * right + middle[0], sine * down + cosine * right + middle[1]
    border = np.concatenate([images[:, [0, -1]].reshape(n, -1), images[:, :, [0, -1]].reshape(n, -1)], axis=1)
    fill = np.median(border, axis=1).astype(np.float32)
    padded = np.broadcast_to(fill[:, None, None], (n, height + 2, width + 2)).copy()
    padded[:, 1:-1, 1:-1] = images
    y, x = (y + 1).clip(0, height + 1), (x + 1).clip(0, width + 1)
    top, left = np.minimum(y.astype(np.intp), height), np.minimum(x.astype(np.intp), width)
    lower, inner = (y - top).astype(np.float32), (x - left).astype(np.float32)
    which = np.arange(n)[:, None, None]
    above = padded[which, top, left] * (1 - inner) + padded[which, top, left + 1] * inner
    below = padded[which, top + 1, left] * (1 - inner) + padded[which, top + 1, left + 1] * inner
    return _pixels(above * (1 - lower) + below * lower)
