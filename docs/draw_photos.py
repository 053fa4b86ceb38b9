"""Draw how a made-up photo is read, and what imitating photos does: photo-explained.png and photo-imitation.png."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch

import fittingroom as fr
from fittingroom.inference.predictor import open_predictor
from fittingroom.photos.explain import explain_figure
from fittingroom.training.imitate_photos import imitate_photos
from fittingroom.workflows.picture_answers import PHOTO_MODEL, name_photo

IMAGES = Path(__file__).parent / "images"
COLUMNS, SEED = 12, 1


def made_up_photo() -> np.ndarray:
    """Return a test picture of a pullover, enlarged, in blue, on boards: no camera's photo, but read like one."""
    data = fr.load()
    article = data.test.images[np.flatnonzero(data.test.labels == 2)[0]]
    values = cv2.resize(article, (420, 420), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    solid = cv2.GaussianBlur((values > 0.08).astype(np.float32), (0, 0), 3)[..., None]
    generator = np.random.default_rng(SEED)
    height, width = 640, 520
    boards = 175 + 14 * np.sign(np.sin(np.arange(height) / 26))[:, None] + generator.normal(0, 5, (height, width))
    scene = np.stack([boards, boards * 0.82, boards * 0.62], axis=-1)
    cloth = (1 - values[..., None]) * np.array([150, 175, 235]) + 15
    scene[110:530, 50:470] = scene[110:530, 50:470] * (1 - solid) + cloth * solid
    light = np.linspace(1.08, 0.85, width)[None, :, None]
    return np.clip(scene * light + generator.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)


def draw_explanation() -> None:
    predictor = open_predictor(PHOTO_MODEL)
    answer = name_photo(made_up_photo(), predictor, "made up")
    score = None if answer.none_of_these_score is None else (answer.none_of_these_score, predictor.threshold)
    figure = explain_figure(answer.prepared, f"{answer.label}, {answer.confidence:.0%}", answer.probabilities, score)
    figure.savefig(IMAGES / "photo-explained.png", dpi=100, facecolor="white")


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
    draw_imitation()


if __name__ == "__main__":
    main()
