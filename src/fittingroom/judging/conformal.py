"""Prediction sets: for each image the classes that it may be, so that a stated share of the sets holds the true one.

Split conformal prediction: on images that the model has not learned from, the probability of the true class is above
some threshold in the stated share of them; a set then holds every class above it. What is promised is about images
drawn like those, and about all of them together; with a threshold for each class, about each class by itself.

Source: M. Sadinle, J. Lei and L. Wasserman, arXiv 1609.00451 (the sets); V. Vovk, arXiv 1209.2673 (a threshold a class,
and how the share varies). The tests hold it to the sets of the library MAPIE.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from fittingroom.arrays import Array, Labels, Probabilities
from fittingroom.errors import DataError, UsageError
from fittingroom.judging.intervals import Interval, wilson_interval
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class PredictionSets:
    """What prediction sets are worth on images with known labels.

    Attributes:
        asked: the share of the sets that is to hold the true class.
        per_class: whether every class has a threshold of its own.
        calibrated_on: images that the thresholds come from.
        thresholds: by label: the least probability of a class that is in a set; 0 where every set holds it.
        n: images judged.
        coverage: share of their sets that hold the true class.
        coverage_interval: Wilson 95 %.
        expected: between what the coverage lies in 95 of 100 cases, for so many images on both sides, where nothing but
            chance is at work and no set would be empty; higher where sets that would be empty got a class.
        mean_size: classes in a set, on average.
        sizes: how many sets have one class, two, and so on.
        larger: how many have three or more.
        single_accuracy: how often the sets of one class are right; None where there are none.
        classes: of each true class, by label: name, n, coverage (None where n is 0), coverage_interval, mean_size.
    """

    asked: float
    per_class: bool
    calibrated_on: int
    thresholds: tuple[float, ...]
    n: int
    coverage: float
    coverage_interval: Interval
    expected: Interval
    mean_size: float
    sizes: tuple[int, ...]
    larger: int
    single_accuracy: float | None
    classes: tuple[dict[str, str | int | float | Interval | None], ...]


def check_coverage(value: object, where: str = "coverage") -> float:
    """Return a coverage that can be asked for.

    Args:
        value: a fraction between 0 and 1.
        where: what it is called, for the message.

    Raises:
        UsageError: anything else.
    """
    is_number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if is_number and 0 < float(value) < 1:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    hint = ""
    if is_number and 1 < float(value) < 100:  # type: ignore[arg-type]
        hint = f" For {value:g} per cent say {float(value) / 100:g}."  # type: ignore[arg-type]
    raise UsageError(f"{where}: expected a fraction between 0 and 1, such as 0.95, received {value!r}.{hint}")


def set_thresholds(labels: Labels, probabilities: Probabilities, coverage: float, *, per_class: bool = False) -> Array:
    """Return the least probability of a class that is in a set, by label, float64 ``(classes,)``.

    Args:
        labels: true classes of images that the model has not learned from, whole numbers ``(n,)``.
        probabilities: its answers, ``(n, classes)``.
        coverage: the share of the sets that is to hold the true class, between 0 and 1.
        per_class: whether that is to hold for each class, each with a threshold of its own.

    Returns:
        0 where so few images cannot promise so much: every set then holds the class.

    Raises:
        UsageError: a coverage that is none.
        DataError: no images.

    Example:
        >>> answers = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.45, 0.55]])
        >>> set_thresholds(np.array([0, 0, 1, 1]), answers, 0.6).tolist()
        [0.6, 0.6]
    """
    check_coverage(coverage)
    if not len(labels):
        raise DataError("Prediction sets need images with labels to be calibrated on, received none.")
    of_true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    classes = probabilities.shape[1]
    if not per_class:
        return np.full(classes, _threshold(of_true, coverage))
    return np.array([_threshold(of_true[labels == label], coverage) for label in range(classes)])


def _threshold(of_true: Array, coverage: float) -> float:
    """Return the k-th largest of the true classes' probabilities; k is one more than their share, for the new image."""
    rank = _rank(len(of_true), coverage)
    return float(np.sort(of_true)[::-1][rank - 1]) if rank <= len(of_true) else 0.0


def _rank(n: int, coverage: float) -> int:
    return math.ceil(round((n + 1) * coverage, 9))  # 1e-9: what a float adds to a whole number


def sets_of(probabilities: Probabilities, thresholds: Array) -> Bool[Array, "n c"]:
    """Return which classes are in each image's set, bool ``(n, classes)``; the most probable one always is.

    A set without a class would tell nobody anything. Filling it makes the share of sets that hold the true class
    larger and never smaller, so what was promised still holds.

    Args:
        probabilities: ``(n, classes)``, from the same model at the same temperature as those of `set_thresholds`.
        thresholds: by label, from `set_thresholds`.

    Example:
        >>> sets_of(np.array([[0.5, 0.4, 0.1], [0.3, 0.3, 0.4]]), np.array([0.4, 0.4, 0.5])).tolist()
        [[True, True, False], [False, False, True]]
    """
    inside = probabilities.astype(np.float64) >= thresholds
    inside[np.arange(len(inside)), probabilities.argmax(axis=1)] = True
    return np.asarray(inside)


def judge_sets(
    labels: Labels,
    probabilities: Probabilities,
    class_names: Sequence[str],
    calibration: tuple[Array, Array],
    coverage: float,
    *,
    per_class: bool = False,
) -> PredictionSets:
    """Judge prediction sets: how many hold the true class, and how large they are.

    Args:
        labels: true classes of the images judged, whole numbers ``(n,)``.
        probabilities: of them, ``(n, classes)``.
        class_names: one a column.
        calibration: labels and probabilities of other images, that the same model has not learned from.
        coverage: see `set_thresholds`.
        per_class: likewise.

    Raises:
        UsageError: a coverage that is none.
        DataError: no images to calibrate on, or of other classes.
    """
    theirs = calibration[1].shape[1]
    if theirs != len(class_names):
        raise DataError(
            f"Expected answers to calibrate on of the same {counted(len(class_names), 'class', 'classes')}, received "
            f"some of {counted(theirs, 'class', 'classes')}."
        )
    thresholds = set_thresholds(*calibration, coverage, per_class=per_class)
    counts = [np.bincount(each, minlength=theirs).tolist() for each in (calibration[0], labels)]
    known, judged = counts if per_class else ([len(calibration[0])], [len(labels)])
    inside = sets_of(probabilities, thresholds)
    holds, sizes = inside[np.arange(len(labels)), labels], inside.sum(axis=1)
    single = holds[sizes == 1]
    return PredictionSets(
        asked=float(coverage),
        per_class=per_class,
        calibrated_on=len(calibration[0]),
        thresholds=tuple(thresholds.tolist()),
        n=len(labels),
        coverage=float(holds.mean()),
        coverage_interval=wilson_interval(int(holds.sum()), len(labels)),
        expected=expected_coverage(known, judged, coverage),
        mean_size=float(sizes.mean()),
        sizes=tuple(np.bincount(sizes, minlength=len(class_names) + 1)[1:].tolist()),
        larger=int((sizes > 2).sum()),
        single_accuracy=float(single.mean()) if len(single) else None,
        classes=tuple(
            _of_class(name, holds[labels == label], sizes[labels == label]) for label, name in enumerate(class_names)
        ),
    )


def _of_class(name: str, holds: Array, sizes: Array) -> dict[str, str | int | float | Interval | None]:
    n = len(holds)
    return {
        "name": name,
        "n": n,
        "coverage": float(holds.mean()) if n else None,
        "coverage_interval": wilson_interval(int(holds.sum()), n) if n else None,
        "mean_size": float(sizes.mean()) if n else None,
    }


def expected_coverage(
    calibrated_on: Sequence[int], n: Sequence[int], coverage: float, confidence: float = 0.95
) -> Interval:
    """Return between what the coverage of some images lies by chance, in a share of the cases.

    Two things are drawn by chance: the images calibrated on, after which the share that the sets cover in the long run
    is of a beta distribution, and the images judged: together a beta-binomial distribution; of several thresholds the
    sum of theirs.

    Args:
        calibrated_on: how many images, for each threshold.
        n: how many images are judged by each.
        coverage: that was asked for.
        confidence: the share of the cases.

    Example:
        >>> low, high = expected_coverage([10_000], [10_000], 0.95)
        >>> f"{low:.4f} {high:.4f}"
        '0.9438 0.9559'
    """
    weights = _sum_weights([_covered_weights(*each, coverage) for each in zip(calibrated_on, n, strict=True)])
    below = np.cumsum(weights) / weights.sum()
    low, high = np.searchsorted(below, [0.5 - confidence / 2, 0.5 + confidence / 2])
    total = len(weights) - 1
    return int(low) / total, int(min(high, total)) / total


def _sum_weights(parts: list[Array]) -> Array:
    """Return how probable each sum of independent numbers is, each number from 0 up with weights of its own."""
    if len(parts) == 1:
        return parts[0]
    total = sum(len(part) - 1 for part in parts)
    size = 1 << total.bit_length()  # step by step a convolution would take hours for a million images
    spectrum = np.ones(size // 2 + 1, np.complex128)
    for part in parts:
        spectrum *= np.fft.rfft(part / part.sum(), size)
    return np.maximum(np.fft.irfft(spectrum, size)[: total + 1], 0)


def _covered_weights(calibrated_on: int, n: int, coverage: float) -> Array:
    """Return how probable each number of covered images is, 0 to n, of a beta-binomial distribution."""
    hits = _rank(calibrated_on, coverage)
    if hits > calibrated_on:  # every set holds every class
        return np.asarray(np.eye(1, n + 1, n)[0])
    misses = calibrated_on + 1 - hits
    whole: Array = np.array([math.lgamma(k) for k in range(1, n + calibrated_on + 2)])  # of k: at k - 1
    k = np.arange(n + 1)
    logs: Array = whole[n] - whole[k] - whole[n - k] + whole[k + hits - 1] + whole[n - k + misses - 1]
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def set_words(names: Sequence[str]) -> str:
    """Return the classes of a set as a person says them.

    Args:
        names: the most probable first.

    Example:
        >>> set_words(["Coat"]), set_words(["Coat", "Pullover"]), set_words(["Coat", "Pullover", "Shirt"])
        ('Coat', 'Coat or Pullover', 'Coat, Pullover or Shirt')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def names_in(inside: Bool[Array, " c"], probabilities: Array, class_names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of one set's classes, the most probable first.

    Args:
        inside: which classes are in it ``(classes,)``.
        probabilities: of the image ``(classes,)``.
        class_names: one a class.

    Example:
        >>> names_in(np.array([True, False, True]), np.array([0.3, 0.1, 0.6]), ["Bag", "Coat", "Shirt"])
        ('Shirt', 'Bag')
    """
    return tuple(class_names[label] for label in np.argsort(-probabilities, kind="stable") if inside[label])
