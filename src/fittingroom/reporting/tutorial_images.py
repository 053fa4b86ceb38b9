"""Which images the walk-through's page shows, as values, and their pixels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array, Images
    from fittingroom.data.dataset import Dataset


@dataclass(frozen=True)
class ImageAnswer:
    """One test image that the page shows, and what the network said of it.

    Attributes:
        index: position in the test split.
        label: the true class.
        probabilities: one a class.
    """

    index: int
    label: int
    probabilities: tuple[float, ...]

    @property
    def predicted(self) -> int:
        """The most probable class; of equal ones the first."""
        return int(np.argmax(self.probabilities))

    @property
    def right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.predicted == self.label


@dataclass(frozen=True)
class Pictures:
    """The pixels on the page; its only arrays.

    Attributes:
        train: the first training images, ``(k, h, w)``.
        test: test images, by their position in the test split.
    """

    train: Images
    test: Mapping[int, Array]


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
    look: ImageAnswer
    alone: tuple[ImageAnswer, ...]
    grid: tuple[ImageAnswer, ...]


def choose_images(data: Dataset, probabilities: Array) -> tuple[TutorialImages, Pictures]:
    """Return the walk-through's own choice of images, as far as the dataset has them, with their pixels.

    Args:
        data: the dataset.
        probabilities: of its test images, ``(n, classes)``, in the split's order.
    """
    test, last = data.test, len(data.test.labels) - 1
    look, alone, grid = min(10, last), sorted({min(15, last), min(1000, last)}), range(min(15, last + 1))

    def answer(index: int) -> ImageAnswer:
        return ImageAnswer(index, int(test.labels[index]), tuple(float(value) for value in probabilities[index]))

    images_shown = TutorialImages(
        train_labels=tuple(int(label) for label in data.train.labels[:30]),
        look=answer(look),
        alone=tuple(answer(index) for index in alone),
        grid=tuple(answer(index) for index in grid),
    )
    pictures = {index: np.array(test.images[index]) for index in {look, *alone, *grid}}
    return images_shown, Pictures(np.array(data.train.images[:30]), pictures)
