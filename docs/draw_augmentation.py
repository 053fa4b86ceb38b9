"""Draw what each augmentation does to six training images: writes docs/images/augmentation.png."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import torch

import fittingroom as fr
from fittingroom.training import augment

COLUMNS = 6


def rows(images: torch.Tensor) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    pixels, other = images.float(), images.float().roll(1, 0)
    return {
        "as it is": images,
        "flip, random": augment.random_flip(images, generator),
        "flip, alternating\n(even epochs)": augment.alternating_flip(images, 2),
        "translate 3": augment.translate(images, 3, generator),
        "cutout 10": augment.cutout(images, 10, generator),
        "mixup 0.65": augment.mixup(pixels, other, 0.65),
        "cutmix": augment.cutmix(pixels, other, 0.7, generator)[0],
    }


def main() -> None:
    images = torch.from_numpy(fr.load().train.images[:COLUMNS].copy())
    table = rows(images)
    figure, axes = plt.subplots(len(table), COLUMNS, figsize=(COLUMNS, len(table)), layout="constrained")
    for line, (name, pictures) in zip(axes, table.items(), strict=True):
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture, cmap="binary", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figure.savefig(Path(__file__).parent / "images" / "augmentation.png", dpi=80)


if __name__ == "__main__":
    main()
