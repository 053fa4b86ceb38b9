"""`interpret`: a run's answers beside their images, and the training images that are most like each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fittingroom.data import Dataset, Log, Split, no_log
from fittingroom.errors import RunError
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.models.neighbours import nearest
from fittingroom.reporting.interpretation import Interpretation
from fittingroom.runs import Run, open_run
from fittingroom.workflows.run_dataset import run_dataset
from fittingroom.workflows.run_predictions import SplitName, check_same_data, learned_from, run_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.arrays import Array, Images
    from fittingroom.reporting.interpretation import FindNeighbours


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
    found = run_predictions(opened, loaded, split)
    train = _training_images(opened, loaded)
    return Interpretation(
        split=found.split,
        probabilities=found.probabilities,
        class_names=loaded.class_names,
        train=train,
        find=neighbour_finder(opened, train, log),
    )


def _training_images(run: Run, data: Dataset) -> Split:
    try:
        return learned_from(run, data)[0]
    except RunError:  # held-out images passed by hand: all training images of the dataset are near enough
        check_same_data(run, data)
        return data.train


def neighbour_finder(run: Run, train: Split, log: Log = no_log) -> FindNeighbours:
    """Return the function that finds the training images most like others; the first call asks the model about all.

    Args:
        run: trained.
        train: the images that it learned from.
        log: told before the first call's work.
    """

    @cache
    def opened() -> tuple[object, Array]:
        extract = feature_extractor(run.model(), train.images.shape[1:])
        log(f"Asking the model what it sees in its {len(train):,} training images.")
        return extract, in_batches(extract, train.images)[1]

    def find(images: Images, count: int) -> list[list[int]]:
        extract, features = opened()
        own = in_batches(extract, images)[1]  # type: ignore[arg-type]
        return [nearest(features, row, count).tolist() for row in own]

    return find
