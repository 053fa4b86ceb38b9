"""What there is to see in a dataset before any training: facts and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.data import Dataset, Split


GRID = 30


def facts(data: Dataset) -> dict[str, Any]:
    """Return shapes, counts, labels per class and pixel range as plain values."""
    return {
        "schema": "fittingroom/explore/1",
        "dataset": data.name,
        "fingerprint": data.fingerprint,
        "source": data.source,
        "class_names": list(data.class_names),
        "splits": [split_facts(split, data.classes) for split in (data.train, data.test)],
    }


def split_facts(split: Split, classes: int) -> dict[str, Any]:
    """Return one split's facts; mean and sd of its pixels are in 0..1."""
    pixels = np.bincount(split.images.reshape(-1), minlength=256) / split.images.size
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
    figures = {
        "image.png": image_figure(train.images[0]),
        "grid.png": grid_figure(train.images[:GRID], train.labels[:GRID].tolist(), data.class_names),
        "labels.png": counts_figure(np.bincount(train.labels, minlength=data.classes).tolist(), data.class_names),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=150, facecolor="white", bbox_inches="tight")
    return [folder / name for name in figures]
