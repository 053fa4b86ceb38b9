"""What the walk-through's page says, as plain values: every number on it is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.pages.answers import Answer, Pictures, answers_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array, Images
    from fittingroom.data.dataset import Dataset
    from fittingroom.judging.verdict import Verdict
    from fittingroom.pages.judged import Judged
    from fittingroom.pages.learning import Epoch


THUMBNAILS = 30  # training images that the page shows


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


@dataclass(frozen=True)
class TutorialImages:
    """Which items the page shows, as values.

    Attributes:
        train_labels: of the first training images.
        look: the test image of step 8 (10, where there are as many).
        alone: those shown alone (15 and 1000, where there are as many).
        grid: those of the grid of pairs (the first 15).
    """

    train_labels: tuple[int, ...]
    look: Answer
    alone: tuple[Answer, ...]
    grid: tuple[Answer, ...]


def choose_images(data: Dataset, probabilities: Array) -> tuple[TutorialImages, Pictures]:
    """Return the walk-through's own choice of images, as far as the dataset has them, with their pixels.

    Args:
        data: the dataset.
        probabilities: of its test images, ``(n, classes)``, in the split's order.
    """
    train, test, last = data.train, data.test, len(data.test.labels) - 1
    look, alone, grid = [min(10, last)], sorted({min(15, last), min(1000, last)}), list(range(min(15, last + 1)))

    def answers(indices: list[int]) -> tuple[Answer, ...]:
        return answers_at(np.array(indices), test.labels, probabilities, np.arange(last + 1))

    images_shown = TutorialImages(
        train_labels=tuple(int(label) for label in train.labels[:THUMBNAILS]),
        look=answers(look)[0],
        alone=answers(alone),
        grid=answers(grid),
    )
    pictures = Pictures(
        judged={index: np.array(test.images[index]) for index in {*look, *alone, *grid}},
        train={index: np.array(train.images[index]) for index in range(len(images_shown.train_labels))},
    )
    return images_shown, pictures


@dataclass(frozen=True)
class Fitting:
    """One network trained on one dataset, and what came of it.

    Attributes:
        data: what it learned from.
        history: one entry an epoch.
        train_accuracy: of the finished network on the training images; None where not measured.
        train_loss: likewise.
        score: the verdict on the test split.
    """

    data: DataFacts
    history: tuple[Epoch, ...]
    train_accuracy: float | None
    train_loss: float | None
    score: Verdict


@dataclass(frozen=True)
class TutorialReport:
    """Everything that the page of a tutorial says.

    Attributes:
        fitting: the network, its data and its score.
        images_shown: which items are shown.
        model_name: the architecture.
        model_summary: Keras's summary, as printed.
        parameters: trainable numbers in the network.
        optimizer: its name, lower case, as the recipe has it.
        loss: of the recipe.
        batch_size: images a step.
        seed: of the run.
        seconds: by stage, with ``total``.
        environment: versions, processor, threads: names and values as they are to be read.
        command: one line that makes this run again.
        test_looks: how often this run has met the test split.
        against: the same network and recipe on another dataset.
        judged: the answers judged in full: how sure the network is, and what it gets wrong.
        palette: of right and wrong, see `fittingroom.pages.palettes.PALETTES`.
        source: what `fittingroom.load` takes for the data: a name, or the path of a folder.
    """

    fitting: Fitting
    images_shown: TutorialImages
    model_name: str
    model_summary: str
    parameters: int
    optimizer: str
    loss: str
    batch_size: int
    seed: int
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    command: str
    test_looks: int = 1
    against: Fitting | None = None
    palette: str = "classic-marked"
    judged: Judged | None = None
    source: str = "fashion-mnist"

    @property
    def epochs(self) -> int:
        """How often the training images were gone through."""
        return len(self.fitting.history)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        return asdict(self)
