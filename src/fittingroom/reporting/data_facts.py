"""What a page tells of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fittingroom.arrays import Array, Images
    from fittingroom.data.dataset import Dataset


@dataclass(frozen=True)
class DataFacts:
    """What there is to say of a dataset.

    Attributes:
        name: ``fashion-mnist``, ``mnist`` or a folder.
        title: what a reader calls it.
        class_names: by label.
        train_shape: ``(n, h, w)``.
        test_shape: likewise.
        train_counts: images a class.
        test_counts: likewise.
        pixel_range: lowest and highest training pixel.
        fingerprint: 16 hex digits of the data's hash.
        source: where the files came from, in words.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    train_shape: tuple[int, int, int]
    test_shape: tuple[int, int, int]
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    pixel_range: tuple[int, int]
    fingerprint: str
    source: str


def describe_data(data: Dataset) -> DataFacts:
    """Return the facts of a dataset that the page tells."""
    from fittingroom.data.catalog import DATASETS

    known = DATASETS.get(data.name)
    train = data.train.images
    return DataFacts(
        name=data.name,
        title=known.title if known else data.name,
        class_names=tuple(data.class_names),
        train_shape=_three(train),
        test_shape=_three(data.test.images),
        train_counts=_counts(data.train.labels, len(data.class_names)),
        test_counts=_counts(data.test.labels, len(data.class_names)),
        pixel_range=(int(train.min()), int(train.max())),
        fingerprint=data.fingerprint,
        source=data.source.replace(str(Path.home()), "~"),
    )


def _three(images: Images) -> tuple[int, int, int]:
    n, h, w = images.shape
    return int(n), int(h), int(w)


def _counts(labels: Array, classes: int) -> tuple[int, ...]:
    return tuple(int(count) for count in np.bincount(labels, minlength=classes))
