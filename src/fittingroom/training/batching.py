"""What the model is fed: rows of the uint8 images, gathered, augmented, scaled and shaped inside the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from fittingroom.models.shaping import pixel_scale, shaped
from fittingroom.training import augment
from fittingroom.training.imitate_photos import imitate_photos, labels_of_pairs
from fittingroom.training.losses import Targets

if TYPE_CHECKING:
    from fittingroom.training.augment import Generators
    from fittingroom.training.recipe import Recipe

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
