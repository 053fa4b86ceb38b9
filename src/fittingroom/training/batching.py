"""The images and labels of a training, checked and on the device, and the batches that the model is fed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor

import fittingroom.training.augment as augment
from fittingroom.arrays import Array, check_labels
from fittingroom.models.front import pixel_scale, shaped
from fittingroom.training.imitate_photos import imitate_photos, labels_of_pairs
from fittingroom.training.losses import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.training.augment import Generators
    from fittingroom.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingData:
    """Images and labels on the training device.

    Attributes:
        images: uint8 ``(n, h, w)``.
        labels: int64 ``(n,)``.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        height, width = self.images.shape[1:]
        return height, width

    def steps(self, batch_size: int) -> int:
        """Return how many batches an epoch has; the last may be smaller."""
        return -(-len(self) // batch_size)

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the order in which an epoch sees the images, int64 ``(n,)``: a function of seed and epoch alone."""
        words = np.random.SeedSequence([seed, epoch]).generate_state(2)
        generator = torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
        return torch.randperm(len(self), generator=generator).to(self.labels.device)


def batches(order: Tensor, batch_size: int, first: int) -> Iterator[Tensor]:
    """Yield the rows of each batch, from batch ``first`` on.

    Example:
        >>> [rows.tolist() for rows in batches(torch.arange(5), 2, 1)]
        [[2, 3], [4]]
    """
    yield from order.split(batch_size)[first:]  # type: ignore[no-untyped-call]


def on_device(images: Array, labels: Array, device: torch.device, classes: int, where: str) -> TrainingData:
    """Return arrays as tensors on a device, after the labels were held against the model's classes.

    Args:
        images: uint8 ``(n, h, w)``.
        labels: whole numbers ``(n,)``.
        device: where training happens.
        classes: how many outputs the model has.
        where: "training" or "validation", for messages.

    Raises:
        DataError: a label that the model has no output for.
    """
    check_labels(labels, max(classes, 2), f"{where} labels")
    pixels = np.ascontiguousarray(images)
    tensor = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
    return TrainingData(tensor.to(device), torch.from_numpy(labels.astype(np.int64)).to(device))


Batcher = Callable[[Tensor, Tensor, int], tuple[Tensor, Targets]]
"""``feed(rows, labels, epoch)``: which images, int64 ``(n,)``, and their labels; gives inputs and targets."""


def make_batcher(
    images: Tensor, input_shape: tuple[int, ...], dtype: torch.dtype, recipe: Recipe, generators: Generators
) -> Batcher:
    """Return the function that turns row numbers into what a step needs.

    Args:
        images: uint8 ``(n, h, w)``, on the training device.
        input_shape: of one input of the model.
        dtype: of the model's weights.
        recipe: its augmentation and ``pixels``.
        generators: where random numbers are drawn from.
    """
    scale = pixel_scale(recipe.pixels)
    change = augment.compose(recipe, generators)
    flat = images.view(len(images), -1)
    height, width = images.shape[1:]
    pairs = labels_of_pairs(recipe.pairs)

    def gathered(rows: Tensor, labels: Tensor, epoch: int) -> Tensor:
        batch = flat.index_select(0, rows).view(-1, height, width)
        if recipe.imitate_photos:
            batch = imitate_photos(batch, labels, recipe.imitate_photos, pairs, generators.images)
        return batch if change is None else change(batch, epoch)

    def plain(rows: Tensor, labels: Tensor, epoch: int) -> tuple[Tensor, Targets]:
        return shaped(gathered(rows, labels, epoch).contiguous(), input_shape, dtype, scale), (labels,)

    if not recipe.mixup and not recipe.cutmix:
        return plain

    def mixed(rows: Tensor, labels: Tensor, epoch: int) -> tuple[Tensor, Targets]:
        batch, share = _mixed(gathered(rows, labels, epoch).to(dtype), recipe, generators.batch)
        weight = torch.tensor(share, dtype=dtype, device=batch.device)
        return shaped(batch.contiguous(), input_shape, dtype, scale), (labels, labels.roll(1), weight)

    return mixed


def _mixed(images: Tensor, recipe: Recipe, generator: Generator) -> tuple[Tensor, float]:
    """Mix every image with its neighbour in the batch; where both kinds are on, a coin decides."""
    other = images.roll(1, 0)
    paste = bool(recipe.cutmix) and (not recipe.mixup or bool(torch.rand((), generator=generator) < 0.5))
    if paste:
        return augment.cutmix(images, other, augment.beta_share(recipe.cutmix, generator), generator)
    share = augment.beta_share(recipe.mixup, generator)
    return augment.mixup(images, other, share), share
