"""Augmentation that does to the dataset's pictures what photographing and cutting out do to real clothes.

A picture is taken as an article (its values) and its outline (a mask). Both are laid on a larger canvas, turned, bent
and seen at an angle, and fitted tight again as a photo is; then the article is lit and the outline damaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from fittingroom.errors import DataError, UsageError
from fittingroom.training.photo_surface import damaged, filled, lit, outline, sharpened
from fittingroom.training.sampling import Sampler

if TYPE_CHECKING:
    from torch import Generator

CANVAS = 48  # side, in pixels
REACH = 1.75  # half of the canvas's side, in halves of the picture's
SHRUNK = 0.75  # size of an article on the canvas: what is turned, and what lies in twos, still fits
UNTOUCHED = 0.25  # share of the pictures that stay as they are
LYING, IN_TWOS = 0.75, 0.75  # share of pairs that lie about in any direction; of those, share that lie in twos
MIRRORED = 0.6  # of those, share whose second is the first's mirror image, left shoe and right shoe
SHOULDER = (0.45, -0.72)  # across and down from the centre, in halves of the picture
ARM, BOX = 0.66, 0.95  # what is so far from the middle, in halves of the picture, is an arm, and a box
SPREAD, WIDEST_SPREAD = 0.6, 0.5  # share of those with arms whose arms are spread; the widest angle, in radians
WIDER, FLARED = 0.2, 0.1  # laid flat, clothes are wider than worn, towards the hem above all; from above, shoes are


@dataclass(frozen=True)
class Pose:
    """How the articles of a batch lie on the canvas.

    Attributes:
        angle: in radians, ``(n,)``.
        centre: across and down from the canvas's own, in halves of the picture, ``(n, 2)``.
        mirrored: bool ``(n,)``.
        lying: of a pair and seen from above, bool ``(n,)``.
        arms: with arms that may be spread, bool ``(n,)``.
    """

    angle: Tensor
    centre: Tensor
    mirrored: Tensor
    lying: Tensor
    arms: Tensor


def imitate_photos(
    images: Tensor, labels: Tensor, strength: float, pairs: tuple[int, ...], generator: Generator
) -> Tensor:
    """Return pictures as photos of the articles, cut out and prepared, might look; a quarter of them stay as they are.

    Args:
        images: uint8 ``(n, side, side)``, articles on black.
        labels: int64 ``(n,)``.
        strength: of every deformation, 0 to 1.
        pairs: labels of articles that are worn in pairs: they lie about in any direction, alone and in twos.
        generator: on the images' device.

    Returns:
        uint8 ``(n, side, side)``.

    Raises:
        DataError: the images are not square.
    """
    if images.shape[1] != images.shape[2]:
        raise DataError(f"imitate_photos: expected square images, received {tuple(images.shape[1:])}.")
    sampler = Sampler(len(images), generator, strength)
    values = images.float().div(255).unsqueeze(1)
    is_pair = torch.isin(labels, torch.tensor(pairs, device=labels.device))
    canvas = laid_out(torch.cat([filled(values), outline(values)], dim=1), is_pair, sampler)
    seen = fitted(canvas, images.shape[1], sampler)
    article, mask = seen[:, :1], seen[:, 1:]
    photo = sharpened(lit(article, sampler) * damaged(mask, sampler), sampler)
    photo = torch.where(sampler.coin(UNTOUCHED, 1, 1, 1), values, photo)
    return photo.mul(255).round().to(torch.uint8).squeeze(1)


def labels_of_pairs(text: str) -> tuple[int, ...]:
    """Read the recipe's list of labels.

    Raises:
        UsageError: something in it is not a whole number.

    Example:
        >>> labels_of_pairs("5, 7,9"), labels_of_pairs("")
        ((5, 7, 9), ())
    """
    words = [word for part in text.split(",") if (word := part.strip())]
    if not all(word.isdecimal() for word in words):
        raise UsageError(f"Recipe setting 'pairs': expected labels as in 5,7,9, received '{text}'.")
    return tuple(int(word) for word in words)


def laid_out(layers: Tensor, is_pair: Tensor, sampler: Sampler) -> Tensor:
    """Return articles on the canvas; some of those that come in pairs lie in any direction, and with their second.

    Args:
        layers: float ``(n, 2, side, side)``: values and outline.
        is_pair: bool ``(n,)``.
        sampler: the chance.

    Returns:
        float ``(n, 2, CANVAS, CANVAS)``.
    """
    lying = is_pair & sampler.coin(LYING)
    in_twos = lying & sampler.coin(IN_TWOS)
    angle = torch.where(lying, _any_direction(sampler), sampler.normal(0.1))
    thickness = SHRUNK * layers[:, 1].amax(dim=2).mean(dim=1)
    aside = torch.stack([-torch.sin(angle), torch.cos(angle)], dim=1)
    apart = aside * (thickness * sampler.uniform(0.75, 1.4))[:, None] + sampler.normal(0.12, 2)
    mirrored, arms = sampler.coin(0.5), _has_arms(layers[:, 1]) & ~is_pair & sampler.coin(SPREAD)
    second_mirrored = mirrored ^ sampler.coin(MIRRORED)
    half_turn = math.pi * (mirrored != second_mirrored)  # mirrored and turned round: soles outwards, toes one way
    bend = functional.interpolate(sampler.normal(0.05, 2, 4, 4), (CANVAS, CANVAS), mode="bicubic", align_corners=True)
    first = Pose(angle, apart * in_twos[:, None], mirrored, lying, arms)
    second = Pose(angle + half_turn + sampler.normal(0.2), -apart, second_mirrored, lying, arms)
    one, other = _placed(layers, first, bend, sampler), _placed(layers, second, bend, sampler)
    return torch.where((other[:, 1:] > 0.5) & in_twos[:, None, None, None], other, one)


def _has_arms(outline: Tensor) -> Tensor:
    """Return which articles have something hanging beside the body: wider below the middle than a body is, no box.

    Args:
        outline: float ``(n, side, side)`` of 0 and 1.
    """
    side = outline.shape[-1]
    below = outline[:, side // 2 : side * 3 // 4].mean(dim=1)
    below = torch.minimum(below, below.flip(1))[:, : side // 2]
    arm, box = round(side * (1 - ARM) / 2), round(side * (1 - BOX) / 2)
    return (below[:, arm] > 0.6) & (below[:, box] < 0.5)


def _any_direction(sampler: Sampler) -> Tensor:
    upright = math.pi / 2 * (sampler.coin(0.5) * 2 - 1) + sampler.normal(0.35)
    return torch.where(sampler.coin(0.6), upright, sampler.uniform(-math.pi, math.pi))


def _placed(layers: Tensor, pose: Pose, bend: Tensor, sampler: Sampler) -> Tensor:
    """Return layers on the canvas: turned, mirrored, stretched, sheared, in perspective and bent."""
    axis = torch.linspace(-REACH, REACH, CANVAS, device=layers.device)
    across, along = torch.meshgrid(axis, axis, indexing="xy")
    across = across + bend[:, 0] - pose.centre[:, :1, None]
    along = along + bend[:, 1] - pose.centre[:, 1:, None]
    tilt = sampler.normal(0.05, 2, 1, 1)
    depth = 1 + across * tilt[:, 0] + along * tilt[:, 1]
    across, along = across / depth, along / depth
    cosine, sine = torch.cos(pose.angle)[:, None, None], torch.sin(pose.angle)[:, None, None]
    stretch = torch.exp(sampler.normal(0.18, 2, 1, 1)) / SHRUNK
    turned = (across * cosine + along * sine) * stretch[:, 0]
    upright = (along * cosine - across * sine) * stretch[:, 1]
    turned = (turned + upright * sampler.normal(0.06, 1, 1)) * torch.where(pose.mirrored, -1, 1)[:, None, None]
    lying = pose.lying[:, None, None]
    flare = torch.where(lying, 0.0, FLARED * sampler.strength + sampler.normal(0.15, 1, 1))
    turned = turned * torch.exp(-WIDER * sampler.strength * ~lying - upright * flare)
    upright = upright * torch.exp(-WIDER * sampler.strength * lying)
    turned, upright = _arms_spread(turned, upright, pose.arms, sampler)
    return functional.grid_sample(layers, torch.stack([turned, upright], dim=-1), align_corners=False)


def _arms_spread(across: Tensor, along: Tensor, has_arms: Tensor, sampler: Sampler) -> tuple[Tensor, Tensor]:
    """Return where to look so that what hangs beside the body, such as sleeves, is turned out about the shoulders.

    In the dataset sleeves hang down as if worn; on a floor they are spread out.
    """
    spread = sampler.uniform(0.0, WIDEST_SPREAD, 1, 1) * sampler.strength * has_arms[:, None, None]
    spread = spread * torch.exp(torch.where(across < 0, sampler.normal(0.2, 1, 1), sampler.normal(0.2, 1, 1)))
    out, down = across.abs() - SHOULDER[0], along - SHOULDER[1]
    beside = (out > 0) & (spread > 0)
    angle, radius = torch.atan2(out, down), torch.hypot(out, down)
    hanging = angle - spread
    sign = torch.where(across < 0, -1.0, 1.0)
    new_across = torch.where(hanging < 0, 9.0, SHOULDER[0] + radius * torch.sin(hanging)) * sign
    new_along = SHOULDER[1] + radius * torch.cos(hanging)
    return torch.where(beside, new_across, across), torch.where(beside, new_along, along)


def fitted(canvas: Tensor, side: int, sampler: Sampler) -> Tensor:
    """Return the articles cut tight, the longest edge as long as the picture, give or take what a bad cut-out does.

    Args:
        canvas: float ``(n, 2, h, h)``: values and outline.
        side: of the pictures, in pixels.
        sampler: the chance.

    Returns:
        float ``(n, 2, side, side)``.
    """
    solid = canvas[:, 1] > 0.5
    (left, right), (top, bottom) = (_extent(solid.any(dim=dim)) for dim in (1, 2))
    half = torch.maximum(right - left, bottom - top) / 2 * torch.exp(sampler.normal(0.05))
    centre = torch.stack([left + right, top + bottom], dim=1) / 2 + sampler.normal(0.03, 2) * half[:, None]
    axis = (torch.arange(side, device=canvas.device) + 0.5) / side * 2 - 1
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    where = (grid * half[:, None, None, None] + centre[:, None, None, :]) / canvas.shape[-1] * 2 - 1
    return functional.grid_sample(canvas, where, align_corners=False)


def _extent(used: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the used places of each row begin and end; the whole row where none is used."""
    places = torch.arange(used.shape[1], device=used.device)
    first = torch.where(used, places, used.shape[1]).amin(dim=1)
    last = torch.where(used, places + 1, 0).amax(dim=1)
    empty = last == 0
    return torch.where(empty, 0, first).float(), torch.where(empty, used.shape[1], last).float()
