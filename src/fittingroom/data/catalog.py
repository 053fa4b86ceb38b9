"""What we know of each dataset: its files and their hashes, its classes, and where it can be had.

Hashes are of the **decompressed** bytes: Debian, Keras and the mirrors compress the same data differently.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The four files of a dataset in this format: train images, train labels, test images, test labels."""


@dataclass(frozen=True)
class KnownFile:
    """One file whose content is known.

    Attributes:
        name: as in `FILE_NAMES`, without ``.gz``.
        size_bytes: decompressed.
        sha256: of the decompressed bytes, 64 hex digits.
    """

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class DebianPackage:
    """A Debian package that holds the four files.

    Attributes:
        name: of the package.
        folder: where its files lie, from the root.
    """

    name: str
    folder: str


@dataclass(frozen=True)
class KnownDataset:
    """A dataset that we can name, fetch and verify.

    Attributes:
        name: what the user types.
        title: what the user reads.
        description: one sentence.
        class_names: by label.
        files: the four files, in the order of `FILE_NAMES`.
        mirrors: https folders that hold the four files with ``.gz`` appended, best first.
        debian: the Debian package that holds them, or None.
        keras_folder: their folder below Keras's ``datasets``.
        torchvision_folder: their folder below a torchvision root.
        clone_folder: their folder in a clone of the dataset's own repository, or None.
        flips_valid: True where an image mirrored left to right is still of its class.
    """

    name: str
    title: str
    description: str
    class_names: tuple[str, ...]
    files: tuple[KnownFile, ...]
    mirrors: tuple[str, ...]
    debian: DebianPackage | None
    keras_folder: str
    torchvision_folder: str
    clone_folder: str | None
    flips_valid: bool

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the hash over the four files' hashes."""
        return fingerprint(file.sha256 for file in self.files)


def fingerprint(sha256s: Iterable[str]) -> str:
    """Return the 16 hex digits that name a dataset's content.

    Args:
        sha256s: of the decompressed train images, train labels, test images, test labels; 64 hex digits each.

    Returns:
        The first 16 hex digits of the SHA-256 over the four digests (their 32 bytes each, in this order).

    Example:
        >>> DATASETS["fashion-mnist"].fingerprint
        '...'
    """
    return hashlib.sha256(b"".join(bytes.fromhex(sha256) for sha256 in sha256s)).hexdigest()[:16]


def recognise(sha256: str) -> str | None:
    """Return which known file has this hash, in words, or None.

    Args:
        sha256: of the decompressed bytes, 64 hex digits.

    Example:
        >>> recognise("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")
        'train-images-idx3-ubyte of MNIST'
    """
    for known in DATASETS.values():
        for file in known.files:
            if file.sha256 == sha256:
                return f"{file.name} of {known.title}"
    return None


def _files(sha256s: tuple[str, str, str, str]) -> tuple[KnownFile, ...]:
    sizes = (47_040_016, 60_008, 7_840_016, 10_008)
    return tuple(KnownFile(*row) for row in zip(FILE_NAMES, sizes, sha256s, strict=True))


FASHION_MNIST = KnownDataset(
    name="fashion-mnist",
    title="Fashion-MNIST",
    description="70,000 grey 28x28 pictures of clothes, shoes and bags from Zalando, 10 classes (2017).",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    files=_files(
        (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        )
    ),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    debian=DebianPackage("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
    keras_folder="fashion-mnist",
    torchvision_folder="FashionMNIST",
    clone_folder="data/fashion",
    flips_valid=True,
)

MNIST = KnownDataset(
    name="mnist",
    title="MNIST",
    description="70,000 grey 28x28 pictures of handwritten digits, 10 classes (1998).",
    class_names=tuple("0123456789"),
    files=_files(
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        )
    ),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    debian=None,
    keras_folder="mnist",
    torchvision_folder="MNIST",
    clone_folder=None,
    flips_valid=False,
)

DATASETS: Mapping[str, KnownDataset] = MappingProxyType({known.name: known for known in (FASHION_MNIST, MNIST)})
"""Every dataset that `load` knows by name."""
