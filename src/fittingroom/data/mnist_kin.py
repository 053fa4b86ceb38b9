"""MNIST's kin, known by name though not by hash: their files, counts, classes, and whether they may be mirrored."""

from __future__ import annotations

import string
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGITS, CAPITALS = tuple(string.digits), tuple(string.ascii_uppercase)
MERGED = (*DIGITS, *CAPITALS, *"abdefghnqrt")  # of small letters those that do not look like their capitals
SIDE = 28  # pixels, of all of them


class Kin(NamedTuple):
    """A dataset whose hashes are not known here, so that nothing of it is fetched and nothing verified.

    Attributes:
        title: what the user reads.
        description: one sentence.
        class_names: by label, counted from 0.
        counts: of training and test images.
        collection: how its files' names begin; empty where they are the usual ones.
        torchvision_folder: their folder below a torchvision root.
        flips_valid: True where an image mirrored left to right is still of its class.
        source: who published it.
    """

    title: str
    description: str
    class_names: tuple[str, ...]
    counts: tuple[int, int]
    collection: str
    torchvision_folder: str
    flips_valid: bool
    source: str


EMNIST, QMNIST, KMNIST = "arXiv 1702.05373", "arXiv 1905.10498", "arXiv 1812.01718"

KIN: Mapping[str, Kin] = MappingProxyType(
    {
        "kmnist": Kin(
            "Kuzushiji-MNIST",
            "70,000 grey 28x28 pictures of ten cursive Japanese characters (2018).",
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            (60_000, 10_000),
            "",
            "KMNIST",
            False,
            KMNIST,
        ),
        "emnist-letters": Kin(
            "EMNIST Letters",
            "145,600 grey 28x28 pictures of handwritten letters, large and small together, 26 classes (2017).",
            CAPITALS,
            (124_800, 20_800),
            "emnist-letters",
            "EMNIST",
            False,
            EMNIST,
        ),
        "emnist-balanced": Kin(
            "EMNIST Balanced",
            "131,600 grey 28x28 pictures of handwritten digits and letters, 47 classes of one size (2017).",
            MERGED,
            (112_800, 18_800),
            "emnist-balanced",
            "EMNIST",
            False,
            EMNIST,
        ),
        "emnist-digits": Kin(
            "EMNIST Digits",
            "280,000 grey 28x28 pictures of handwritten digits, 10 classes (2017).",
            DIGITS,
            (240_000, 40_000),
            "emnist-digits",
            "EMNIST",
            False,
            EMNIST,
        ),
        "qmnist": Kin(
            "QMNIST",
            "120,000 grey 28x28 pictures of handwritten digits: MNIST rebuilt, with a larger test part (2019).",
            DIGITS,
            (60_000, 60_000),
            "qmnist",
            "QMNIST",
            False,
            QMNIST,
        ),
    }
)
"""Every dataset that `load` knows by its name, files' names and counts alone."""

EMNIST_CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "emnist-letters": CAPITALS,
        "emnist-digits": DIGITS,
        "emnist-mnist": DIGITS,
        "emnist-balanced": MERGED,
        "emnist-bymerge": MERGED,
        "emnist-byclass": (*DIGITS, *CAPITALS, *string.ascii_lowercase),
    }
)
"""The classes of EMNIST's files by the beginning of their names."""
