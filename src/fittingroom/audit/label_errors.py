"""Labels that are wrong, by cleanlab: a score for each label, which of them are suspects, and classes that overlap.

Source: C. Northcutt, L. Jiang, I. Chuang, Confident learning, JAIR 2021 (arXiv 1911.00068); J. Kuan, J. Mueller,
Model-agnostic label quality scoring, ICML 2022 workshop. The functions are those of ``cleanlab``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from fittingroom.arrays import Array, Labels, Probabilities
from fittingroom.errors import UsageError
from fittingroom.extras import install_line
from fittingroom.judging import fit_temperature, tempered

MOST_SUSPECTS = 0.01  # of the images, as a share: so many are flagged at most
OVERLAPS = 10  # pairs of classes told of


@dataclass(frozen=True)
class Suspect:
    """A label that is probably wrong.

    Attributes:
        position: of the image in its split.
        given: its label.
        suggested: the label that the answers of networks that have not seen it suggest.
        score: quality of the given label, 0 to 1; the lower the more suspect.
    """

    position: int
    given: int
    suggested: int
    score: float


@dataclass(frozen=True)
class Overlap:
    """Two classes that labels and networks do not keep apart.

    Attributes:
        first: a label.
        second: another one.
        images: estimated number of images of the one whose label is the other.
        share: of the images of both, between 0 and 1.
    """

    first: int
    second: int
    images: float
    share: float


def label_quality(labels: Labels, probabilities: Probabilities) -> Array:
    """Return how well each label fits what networks that have not seen the image say, 0 to 1.

    The score is cleanlab's self-confidence, the probability of the given label, of answers as sure as they ought to be:
    tempered by what makes them fit the labels best, which they are not by themselves where a recipe smooths labels.

    Args:
        labels: ``(n,)``.
        probabilities: out of sample, ``(n, c)``.

    Raises:
        UsageError: cleanlab is not installed.
    """
    rank = _cleanlab("rank")
    sure = tempered(probabilities, fit_temperature(labels, probabilities)).astype(np.float64)
    return np.asarray(rank.get_label_quality_scores(labels.astype(np.int64), sure, method="self_confidence"))


def suspects(labels: Labels, probabilities: Probabilities, *, most: float = MOST_SUSPECTS) -> list[Suspect]:
    """Return the labels that confident learning finds wrong, the most suspect first: one in a hundred at most.

    Args:
        labels: ``(n,)``.
        probabilities: out of sample, ``(n, c)``.
        most: how many at most, as a share of the images.

    Raises:
        UsageError: cleanlab is not installed.
    """
    if len(np.unique(labels)) < 2:  # of a few test images, say: there is nothing to tell apart
        return []
    quality = label_quality(labels, probabilities)
    with warnings.catch_warnings(action="ignore"):  # of a class that is never predicted, which the overlaps tell
        found = _cleanlab("filter").find_label_issues(
            labels.astype(np.int64), probabilities.astype(np.float64), filter_by="predicted_neq_given", n_jobs=1
        )
    positions = np.flatnonzero(found)
    worst = positions[np.argsort(quality[positions], kind="stable")][: int(most * len(labels))]
    return [
        Suspect(int(place), int(labels[place]), int(probabilities[place].argmax()), float(quality[place]))
        for place in worst
    ]


def overlaps_of(labels: Labels, probabilities: Probabilities) -> list[Overlap]:
    """Return the pairs of classes that overlap most, by the joint distribution that cleanlab estimates.

    Args:
        labels: ``(n,)``.
        probabilities: out of sample, ``(n, c)``.

    Raises:
        UsageError: cleanlab is not installed.
    """
    if len(np.unique(labels)) < 2:
        return []
    count = _cleanlab("count")
    with warnings.catch_warnings(action="ignore"):
        joint = count.estimate_joint(labels.astype(np.int64), probabilities.astype(np.float64))
    both = np.triu(joint + joint.T, 1)
    of_class = np.bincount(labels, minlength=len(joint))
    found = []
    for place in np.argsort(-both, axis=None, kind="stable")[:OVERLAPS].tolist():
        first, second = divmod(place, len(joint))
        images = float(both[first, second] * len(labels))
        if images >= 1:
            found.append(Overlap(first, second, images, images / max(1, int(of_class[first] + of_class[second]))))
    return found


def _cleanlab(name: str) -> Any:
    if find_spec("cleanlab") is None:
        raise UsageError(
            f"The audit of labels needs cleanlab, which is not installed. Install it: {install_line('audit')}"
        )
    import importlib

    return importlib.import_module(f"cleanlab.{name}")
