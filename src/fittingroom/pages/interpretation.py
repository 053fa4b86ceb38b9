"""`Interpretation`: what a run gets wrong, under the names that people know from other libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.arrays import Array, Images, Probabilities
from fittingroom.data import Dataset, Log, Split, no_log
from fittingroom.errors import ModelError, RunError
from fittingroom.inference.predictor import open_predictor
from fittingroom.judging.scores import confusion_matrix, losses, most_confused
from fittingroom.lookup import look_up
from fittingroom.mapped_arrays import first_rows, is_large, rows_of, spread_rows
from fittingroom.models.feature_extractor import FeatureExtractor, feature_extractor, in_batches, nearest
from fittingroom.models.front import pixel_scale
from fittingroom.pages.answers import Answer, Neighbour, answers_at, choose
from fittingroom.runs import Run, open_run
from fittingroom.words import counted
from fittingroom.workflows.run_data import SplitName, check_same_data, learned_from, run_dataset, run_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


MOST_SIMILAR = 60_000  # training images of a large file that similar ones are looked for among
LEAST_PROBABILITY = 1e-6  # below it answers are held to be alike

FindNeighbours: TypeAlias = Callable[[Images, int], list[list[int]]]  # positions among the training images


@dataclass(frozen=True, eq=False)
class Interpretation:
    """Images with a run's answers, to look at what it gets wrong.

    Attributes:
        split: the images judged, named "train", "validation" or "test".
        probabilities: ``(n, classes)``, in the order of the split.
        class_names: by label.
        train: the images that were learned from.
        find: the training images most like others, as the model sees them.
    """

    split: Split
    probabilities: Probabilities
    class_names: tuple[str, ...]
    train: Split
    find: FindNeighbours

    def __repr__(self) -> str:
        return f"Interpretation({self.split.name}, n = {len(self.split):,})"

    @property
    def predicted(self) -> Array:
        """The most probable class of each image, int64 ``(n,)``."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def top_losses(self, k: int | None = None) -> tuple[Array, Array]:
        """Return the highest losses and where they are.

        Args:
            k: how many; None for all.

        Returns:
            Losses in nats, float64 ``(k,)``, the highest first, and positions in the split judged, int64 ``(k,)``.
        """
        positions = choose(self.split.labels, self.probabilities, count=k)
        return losses(self.split.labels, self.probabilities)[positions], positions

    def most_confused(self, min_val: int = 1) -> list[tuple[str, str, int]]:
        """Return which classes are confused: ``(true, predicted, count)``, the most frequent first.

        Args:
            min_val: leaves out pairs confused less often.
        """
        pairs = most_confused(self.confusion_matrix(), self.class_names, min_val)
        return [(pair.true, pair.predicted, pair.count) for pair in pairs]

    def confusion_matrix(self) -> Array:
        """Return the counts by ``(true, predicted)``."""
        return confusion_matrix(self.split.labels, self.predicted, len(self.class_names))

    def mistakes(
        self,
        k: int | None = 9,
        *,
        order: str = "loss",
        true: str | None = None,
        predicted: str | None = None,
        neighbours: int = 0,
    ) -> tuple[Answer, ...]:
        """Return the worst answers as values.

        Args:
            k: how many at most; None for all.
            order: ``"loss"``, or ``"confidence"``: mistakes only, the most confident first.
            true: only images of this class.
            predicted: only images predicted as this class.
            neighbours: how many training images most like each to look up.

        Raises:
            UsageError: no such class or order.
        """
        wanted = [None if name is None else self.label_of(name) for name in (true, predicted)]
        positions = choose(
            self.split.labels, self.probabilities, count=k, order=order, true=wanted[0], predicted=wanted[1]
        )
        return self.answers(positions, neighbours=neighbours)

    def answers(self, positions: Array, *, neighbours: int = 0) -> tuple[Answer, ...]:
        """Return the answers about some of the images judged, right or wrong, in the order of the positions.

        Args:
            positions: in the split judged, ``(k,)``.
            neighbours: how many training images most like each to look up.
        """
        near = self.neighbours(positions, neighbours) if neighbours and len(positions) else ()
        return answers_at(positions, self.split.labels, self.probabilities, self.split.indices, near)

    def label_of(self, name: str) -> int:
        """Return the label of a class by its name, whatever its case.

        Raises:
            UsageError: there is none of that name; with close ones.
        """
        folded = {each.casefold(): each for each in self.class_names}
        return look_up(folded.get(name.casefold(), name), {each: k for k, each in enumerate(self.class_names)}, "class")

    def neighbours(self, positions: Array, count: int = 5) -> list[tuple[Neighbour, ...]]:
        """Return the training images that the model holds to be most like some of the images judged.

        Args:
            positions: in the split judged, ``(k,)``.
            count: how many of each.
        """
        rows = self.find(rows_of(self.split.images, positions), count + 1)  # a training image is its own nearest
        return [
            tuple(each for each in map(self._neighbour, found) if not self._is_itself(each, int(position)))[:count]
            for found, position in zip(rows, positions, strict=True)
        ]

    def _neighbour(self, row: int) -> Neighbour:
        return Neighbour(int(self.train.indices[row]), int(self.train.labels[row]))

    def _is_itself(self, neighbour: Neighbour, position: int) -> bool:
        return self.split.name == "train" and neighbour.index == int(self.split.indices[position])

    def image(self, index: int) -> Array:
        """Return the image at a position of the split's file, uint8 ``(h, w)``."""
        return np.asarray(self.split.images[int(np.flatnonzero(self.split.indices == index)[0])])

    def training_image(self, index: int) -> Array:
        """Return the image at a position of the file of training images, uint8 ``(h, w)``."""
        return np.asarray(self.train.images[int(np.flatnonzero(self.train.indices == index)[0])])

    def plot_top_losses(self, k: int = 9) -> Figure:
        """Draw the images of the highest losses, each with its predicted and its true class."""
        from fittingroom.pages.figures import mistakes_figure

        return mistakes_figure(
            *self._with_images(choose(self.split.labels, self.probabilities, count=k)), self.class_names
        )

    def plot_confusion_matrix(self) -> Figure:
        """Draw the counts by true and predicted class."""
        from fittingroom.pages.figures import confusion_figure

        return confusion_figure(self.confusion_matrix(), self.class_names)

    def show_batch(self, k: int = 12) -> Figure:
        """Draw the first images that were learned from, with their classes."""
        from fittingroom.pages.figures import grid_figure

        return grid_figure(first_rows(self.train.images, k), self.train.labels[:k].tolist(), self.class_names)

    def show_results(self, k: int = 9) -> Figure:
        """Draw the first images judged, right and wrong, each with its predicted and its true class."""
        from fittingroom.pages.figures import mistakes_figure

        return mistakes_figure(*self._with_images(np.arange(min(k, len(self.split)))), self.class_names)

    def _with_images(self, positions: Array) -> tuple[Images, tuple[Answer, ...]]:
        return rows_of(self.split.images, positions), self.answers(positions)


def interpret(
    run: Run | str | Path, data: Dataset | None = None, *, split: SplitName | None = None, log: Log = no_log
) -> Interpretation:
    """Open a run to look at what it gets wrong.

    No image is scored that was not scored before, so this is no look at the test images: they are shown where the run
    was evaluated on them already, otherwise its validation images are.

    Args:
        run: a run or its folder.
        data: what it was trained on; None to load it by the name that the run has.
        split: "train", "validation" or "test"; None for test where the run was evaluated, else validation.
        log: told what takes a while.

    Raises:
        RunError: no such run; it has no such images; its data cannot be had, or have changed since.

    Example:
        >>> interpretation = interpret("runs/my-run")  # doctest: +SKIP
        >>> losses, positions = interpretation.top_losses(9)  # doctest: +SKIP
        >>> interpretation.most_confused(min_val=20)[0]  # doctest: +SKIP
        ('Shirt', 'T-shirt/top', 121)
    """
    opened = run if isinstance(run, Run) else open_run(run)
    loaded = data or run_dataset(opened)
    judged, probabilities = run_predictions(opened, loaded, split)
    train = _training_images(opened, loaded, log)
    return Interpretation(
        split=judged,
        probabilities=probabilities,
        class_names=loaded.class_names,
        train=train,
        find=neighbour_finder(opened, train, log),
    )


def _training_images(run: Run, data: Dataset, log: Log) -> Split:
    most = None
    if is_large(data.train.images):
        most = MOST_SIMILAR
        total = counted(len(data.train), "training image")
        log(f"Similar images are looked for among {most:,} of the {total}, spread evenly.")
    try:
        return learned_from(run, data, most)
    except RunError:  # held-out images passed by hand: all training images of the dataset are near enough
        check_same_data(run, data)
        return data.train if most is None else data.train.take(spread_rows(len(data.train), most))


def neighbour_finder(run: Run, train: Split, log: Log = no_log) -> FindNeighbours:
    """Return the function that finds the training images most like others; the first call asks the model about all.

    Args:
        run: trained.
        train: the images that it learned from.
        log: told before the first call's work.
    """

    @cache
    def opened() -> tuple[FeatureExtractor, Array]:
        extract = _extractor(run, train.images.shape[1:], log)
        log(f"Computing the features of {counted(len(train), 'training image')}, to find the most similar ones.")
        return extract, in_batches(extract, train.images)

    def find(images: Images, count: int) -> list[list[int]]:
        extract, features = opened()
        own = in_batches(extract, images)
        return [nearest(features, row, count).tolist() for row in own]

    return find


def _extractor(run: Run, image_shape: tuple[int, int], log: Log) -> FeatureExtractor:
    """Return what a run's model sees of images: what its last layer is given, or else its answers."""
    try:
        predictor = open_predictor(run)
    except ModelError:
        log("The run's model cannot be opened here, so similar images are found by their pixels.")
        return lambda images: (images.reshape(len(images), -1) / 255).astype(np.float16)
    try:
        if predictor.model is not None:
            scale = None if predictor.pixels is None else pixel_scale(predictor.pixels)
            return feature_extractor(predictor.model, image_shape, scale=scale)
    except ModelError:
        pass
    return lambda images: np.log(np.clip(predictor.own(images), LEAST_PROBABILITY, 1)).astype(np.float16)
