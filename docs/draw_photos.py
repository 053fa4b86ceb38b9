"""Draw what photos are called, how one is read, and what imitating photos does: three pictures of docs/images."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import fittingroom as fr
from fittingroom.photos import open_photo
from fittingroom.training.imitate_photos import imitate_photos
from fittingroom.workflows.explaining import explained

IMAGES, PHOTOS = Path(__file__).parent / "images", Path(__file__).parent / "photos"
COLUMNS, SEED = 12, 1


def draw_explanation() -> None:
    file = PHOTOS / "shirt.jpg"
    explained(file, fr.predict_photos(file)[0]).savefig(IMAGES / "photo-explained.png", dpi=100, facecolor="white")


def draw_named() -> None:
    """Draw the photos of docs/photos with what the network for photos calls them."""
    answers = fr.predict_photos(PHOTOS)
    figure, axes = plt.subplots(1, len(answers), figsize=(1.75 * len(answers), 2.7), layout="constrained")
    for axis, answer in zip(axes, answers, strict=True):
        axis.imshow(open_photo(Path(answer.path)).pixels)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        score = answer.none_of_these_score if answer.none_of_these else answer.confidence
        axis.set_xlabel(f"{answer.words}\n{score:.0%}", fontsize=9)
    figure.savefig(IMAGES / "photo-named.png", dpi=100)


def draw_imitation() -> None:
    data = fr.load()
    rows = [np.flatnonzero(data.train.labels == label)[:COLUMNS] for label in (0, 1, 2, 3, 4, 6, 7, 9)]
    figure, axes = plt.subplots(2 * len(rows), COLUMNS, figsize=(COLUMNS * 0.7, len(rows) * 1.4), layout="constrained")
    generator = torch.Generator().manual_seed(SEED)
    for number, row in enumerate(rows):
        images, labels = torch.from_numpy(data.train.images[row]), torch.from_numpy(data.train.labels[row]).long()
        imitated = imitate_photos(images, labels, 1.0, (5, 7, 9), generator)
        for line, pictures in ((2 * number, images), (2 * number + 1, imitated)):
            for axis, picture in zip(axes[line], pictures, strict=True):
                axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
                axis.set(xticks=[], yticks=[])
        axes[2 * number][0].set_ylabel(
            data.class_names[int(labels[0])], rotation=0, ha="right", va="center", fontsize=8
        )
    figure.savefig(IMAGES / "photo-imitation.png", dpi=80)


def main() -> None:
    draw_explanation()
    draw_named()
    draw_imitation()


if __name__ == "__main__":
    main()
