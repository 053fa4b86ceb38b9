"""What a photo does to an article's surface and a cut-out to its outline: tones, light, creases, prints, bites."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from fittingroom.training.sampling import Sampler

FAINTEST = 0.03  # values below are background, not article
SWAPPED = 0.1  # share of the pictures whose light and dark change places
PRINTED = 0.35  # share with a figure on the chest
BITTEN, LITTERED = 0.05, 0.06  # share with holes in the article; with pieces of floor beside it


def outline(values: Tensor) -> Tensor:
    """Return which pixels are the article, small dark gaps inside it filled.

    Args:
        values: float ``(n, 1, h, w)`` in 0..1, 0 where there is nothing.

    Returns:
        float ``(n, 1, h, w)`` of 0 and 1.

    Example:
        >>> values = torch.ones(1, 1, 5, 5)
        >>> values[0, 0, 2, 2] = 0
        >>> bool(outline(values).all())
        True
    """
    solid = (values > FAINTEST).float()
    grown = functional.max_pool2d(functional.pad(solid, (4, 4, 4, 4)), 5, stride=1)
    return 1 - functional.max_pool2d(1 - grown, 5, stride=1)


def filled(values: Tensor) -> Tensor:
    """Return articles whose black surroundings, and black gaps, have the tone of what is beside them.

    Otherwise a changed outline would show black, or where tones are swapped a white rim.

    Args:
        values: float ``(n, 1, h, w)`` in 0..1.
    """
    solid = (values > FAINTEST).float()
    near = functional.avg_pool2d(values * solid, 5, stride=1, padding=2)
    share = functional.avg_pool2d(solid, 5, stride=1, padding=2)
    return torch.where(solid > 0, values, near / share.clamp(min=1e-6))


def lit(article: Tensor, sampler: Sampler) -> Tensor:
    """Return articles as a camera sees them: other tones, perhaps the opposite ones, uneven light, creases, a print.

    Args:
        article: float ``(n, 1, side, side)`` in 0..1.
        sampler: the chance.
    """
    side, each = article.shape[-1], (1, 1, 1)
    tone = article.clamp(min=1e-4) ** torch.exp(sampler.normal(0.15, *each))
    tone = torch.where(sampler.coin(SWAPPED * sampler.strength, *each), 1.1 - tone, tone)
    tone = tone * sampler.uniform(1 - 0.2 * sampler.strength, 1.0, *each)
    light = sampler.clouds(2, side) * sampler.uniform(0.0, 0.05, *each)
    figure = (sampler.clouds(6, side) > 0.7) * _chest(side, article.device) * sampler.uniform(-0.3, 0.3, *each)
    weave = sampler.normal(0.015, 1, side, side)
    surface = (
        tone + (light + figure * sampler.coin(PRINTED, *each) + _creases(side, sampler)) * sampler.strength + weave
    )
    return surface.clamp(0.05, 1)


def _creases(side: int, sampler: Sampler) -> Tensor:
    """Return folds: waves in any direction, each in some places only."""
    axis = torch.linspace(-1, 1, side, device=sampler.generator.device)
    total = torch.zeros((), device=axis.device)
    for _ in range(2):
        angle, length = sampler.uniform(0.0, math.pi, 1, 1), sampler.uniform(0.15, 0.6, 1, 1)
        along = axis[None, None, :] * torch.cos(angle) + axis[None, :, None] * torch.sin(angle)
        wave = torch.sin(2 * math.pi * (along + 0.15 * sampler.clouds(3, side)[:, 0]) / length)
        total = total + wave[:, None] * sampler.clouds(3, side).clamp(min=0) * sampler.uniform(0.0, 0.05, 1, 1, 1)
    return total


def _chest(side: int, device: torch.device) -> Tensor:
    axis = torch.linspace(-1, 1, side, device=device)
    return ((axis[None, :] / 0.5) ** 2 + ((axis[:, None] + 0.15) / 0.5) ** 2 < 1).float()


def damaged(mask: Tensor, sampler: Sampler) -> Tensor:
    """Return outlines as a segmentation finds them: too wide or narrow, rough, with bites taken and floor left.

    Args:
        mask: float ``(n, 1, side, side)`` in 0..1.
        sampler: the chance.
    """
    side, shape = mask.shape[-1], (1, 1, 1)
    grown = functional.max_pool2d(mask, 3, stride=1, padding=1)
    shrunk = -functional.max_pool2d(-mask, 3, stride=1, padding=1)
    which = sampler.uniform(0.0, 1.0, *shape)
    mask = torch.where(which < 0.05, shrunk, torch.where(which < 0.2, grown, mask))
    ragged = sampler.clouds(9, side) * sampler.uniform(0.0, 0.2, *shape) * sampler.strength
    mask = torch.where(grown > 0.5, ((mask - 0.5) * 3 + 0.5 + ragged).clamp(0, 1), 0)
    clouds = sampler.clouds(5, side, channels=2)
    bites = (clouds[:, :1] > 1.5) & sampler.coin(BITTEN * sampler.strength, *shape)
    litter = (clouds[:, 1:] > 1.6) & sampler.coin(LITTERED * sampler.strength, *shape) & (mask < 0.5)
    return torch.where(litter, sampler.uniform(0.2, 0.9, *shape), torch.where(bites, 0, mask))


def sharpened(photo: Tensor, sampler: Sampler) -> Tensor:
    """Return pictures with their edges raised, each as much as chance says, and with full contrast.

    Args:
        photo: float ``(n, 1, side, side)`` in 0..1.
        sampler: the chance.
    """
    smooth = functional.avg_pool2d(photo, 3, stride=1, padding=1, count_include_pad=False)
    photo = (photo + (photo - smooth) * sampler.uniform(0.0, 0.8, 1, 1, 1)).clamp(0, 1)
    return photo / photo.amax(dim=(2, 3), keepdim=True).clamp(min=0.3)
