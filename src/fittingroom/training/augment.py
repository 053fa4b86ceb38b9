"""Augmentation: plain functions on whole batches of images, their chance drawn from a torch generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from fittingroom.private_apis import standard_gamma

if TYPE_CHECKING:
    from fittingroom.training.recipe import Recipe


@dataclass(frozen=True)
class Generators:
    """Where augmentation draws its random numbers.

    Attributes:
        images: a generator on the images' device, for what differs from image to image.
        batch: a generator on the processor, for what is drawn once a batch.
    """

    images: Generator
    batch: Generator


Augment = Callable[[Tensor, int], Tensor]
"""``augment(images, epoch)``: images ``(n, h, w)`` in any dtype, the epoch counted from 1; returns new images."""


def random_flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image left to right with a chance of one half.

    Args:
        images: ``(n, h, w)``, any dtype.
        generator: on the images' device.

    Returns:
        ``(n, h, w)`` of the same dtype.
    """
    heads = torch.rand((len(images), 1, 1), generator=generator, device=images.device) < 0.5
    return torch.where(heads, images.flip(2), images)


def alternating_flip(images: Tensor, epoch: int) -> Tensor:
    """Mirror all images on every second epoch, so that each is seen both ways equally often.

    Args:
        images: ``(n, h, w)``, any dtype.
        epoch: counted from 1; even ones are mirrored.

    Source: K. Jordan, arXiv 2404.00498, without its random first epoch.
    """
    return images.flip(2) if epoch % 2 == 0 else images


def translate(images: Tensor, pixels: int, generator: Generator) -> Tensor:
    """Shift each image by its own whole number of pixels in both directions; the gap is filled with 0.

    Args:
        images: ``(n, h, w)``, any dtype.
        pixels: the largest shift.
        generator: on the images' device.
    """
    n, height, width = images.shape
    padded = torch.nn.functional.pad(images, (pixels,) * 4)
    shift = torch.randint(0, 2 * pixels + 1, (2, n, 1), generator=generator, device=images.device)
    rows = shift[0] + torch.arange(height, device=images.device)
    columns = shift[1] + torch.arange(width, device=images.device)
    which = torch.arange(n, device=images.device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]]


def cutout(images: Tensor, side: int, generator: Generator) -> Tensor:
    """Blank one square in each image; it may reach over the edge (T. DeVries and G. Taylor, arXiv 1708.04552).

    Args:
        images: ``(n, h, w)``, any dtype.
        side: of the square, in pixels.
        generator: on the images' device.
    """
    n, height, width = images.shape
    inside = _square(height, n, side, generator, images.device)[:, :, None]
    inside = inside & _square(width, n, side, generator, images.device)[:, None, :]
    return images.masked_fill(inside, 0)


def _square(length: int, n: int, side: int, generator: Generator, device: torch.device) -> Tensor:
    """Return, for each image, which positions along one axis lie in its square; bool ``(n, length)``."""
    centre = torch.randint(0, length, (n, 1), generator=generator, device=device)
    offset = torch.arange(length, device=device) - centre + side // 2
    return (offset >= 0) & (offset < side)


def beta_share(alpha: float, generator: Generator) -> float:
    """Draw a share between 0 and 1 from the beta distribution with both parameters alpha."""
    shape = torch.full((2,), alpha, dtype=torch.float64)
    first, second = standard_gamma(shape, generator).tolist()
    return float(first / (first + second)) if first + second > 0 else 1.0


def mixup(images: Tensor, other: Tensor, share: float) -> Tensor:
    """Blend each image with another one (H. Zhang and others, arXiv 1710.09412).

    Args:
        images: float ``(n, h, w)``.
        other: the images to blend in, of the same shape.
        share: weight of the first, 0 to 1; the labels are weighted alike.
    """
    return images * share + other * (1 - share)


def cutmix(images: Tensor, other: Tensor, share: float, generator: Generator) -> tuple[Tensor, float]:
    """Paste one rectangle of another image into each (S. Yun and others, arXiv 1905.04899).

    Args:
        images: ``(n, h, w)``, any dtype.
        other: where the rectangle is taken from, of the same shape.
        share: of the area that stays, before the rectangle is cut at the edges.
        generator: on the processor.

    Returns:
        The images, and the share of the area that stayed: the weight of the first labels.
    """
    height, width = images.shape[1:]
    (top, bottom), (left, right) = (_span(size, (1 - share) ** 0.5, generator) for size in (height, width))
    mixed = images.clone()
    mixed[:, top:bottom, left:right] = other[:, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (height * width)


def _span(size: int, part: float, generator: Generator) -> tuple[int, int]:
    centre = int(torch.randint(0, size, (), generator=generator))
    half = round(size * part / 2)
    return max(0, centre - half), min(size, centre + half)


def compose(recipe: Recipe, generators: Generators) -> Augment | None:
    """Return the recipe's augmentation of single images, or None where it has none.

    Args:
        recipe: its flip, translate and cutout.
        generators: where random numbers are drawn from.
    """
    generator = generators.images
    steps: list[Augment] = []
    if recipe.flip == "random":
        steps.append(lambda images, _: random_flip(images, generator))
    if recipe.flip == "alternating":
        steps.append(alternating_flip)
    if recipe.translate:
        steps.append(lambda images, _: translate(images, recipe.translate, generator))
    if recipe.cutout:
        steps.append(lambda images, _: cutout(images, recipe.cutout, generator))
    if not steps:
        return None

    def augment(images: Tensor, epoch: int) -> Tensor:
        for step in steps:
            images = step(images, epoch)
        return images

    return augment
