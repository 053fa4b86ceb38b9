"""What there is to see in a dataset before any training: facts and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import Dataset, Log, load, no_log
from fittingroom.mapped_arrays import first_rows, pixel_counts

if TYPE_CHECKING:
    from fittingroom.data import Split


GRID = 30


def explore(
    data: Dataset | str | Path = "fashion-mnist",
    *,
    data_dir: Path | None = None,
    pictures: str | Path | None = None,
    log: Log = no_log,
) -> dict[str, Any]:
    """Return what there is to see in a dataset: shapes, counts, labels per class and pixel range, as plain values.

    Args:
        data: a dataset, its name or its folder.
        data_dir: where a known dataset's files are; None to look.
        pictures: a folder to save three pictures into, as PNG; None for none.
        log: takes one line for the user.

    Raises:
        FittingRoomError: as `load`.

    Example:
        >>> explore()["splits"][0]["images"]  # doctest: +SKIP
        [60000, 28, 28]
    """
    loaded = data if isinstance(data, Dataset) else load(data, data_dir=data_dir, log=log)
    return {
        "schema": "fittingroom/explore/1",
        "dataset": loaded.name,
        "fingerprint": loaded.fingerprint,
        "source": loaded.source,
        "class_names": list(loaded.class_names),
        "splits": [split_facts(split, loaded.classes) for split in (loaded.train, loaded.test)],
        "pictures": [] if pictures is None else [str(path) for path in save_pictures(loaded, Path(pictures))],
    }


def split_facts(split: Split, classes: int) -> dict[str, Any]:
    """Return one split's facts; mean and sd of its pixels are in 0..1."""
    pixels = pixel_counts(split.images) / split.images.size
    values = np.arange(256) / 255
    mean = float(pixels @ values)
    used = np.flatnonzero(pixels)
    return {
        "name": split.name,
        "images": list(split.images.shape),
        "labels": list(split.labels.shape),
        "dtype": str(split.images.dtype),
        "labels_per_class": np.bincount(split.labels, minlength=classes).tolist(),
        "pixel_range": [int(used[0]), int(used[-1])],
        "mean": mean,
        "sd": float(np.sqrt(pixels @ (values - mean) ** 2)),
    }


def save_pictures(data: Dataset, folder: Path) -> list[Path]:
    """Save one image with its colour bar, the first 30 with their names, and the labels per class.

    Args:
        data: what to show; the training images are.
        folder: made where it is missing.

    Returns:
        The PNG files.
    """
    from fittingroom.pages.figures import counts_figure, grid_figure, image_figure

    train = data.train
    first = first_rows(train.images, GRID)
    figures = {
        "image.png": image_figure(first[0]),
        "grid.png": grid_figure(first, train.labels[:GRID].tolist(), data.class_names),
        "labels.png": counts_figure(np.bincount(train.labels, minlength=data.classes).tolist(), data.class_names),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=150, facecolor="white", bbox_inches="tight")
    return [folder / name for name in figures]
