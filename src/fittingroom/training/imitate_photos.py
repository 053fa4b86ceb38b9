"""Augmentation that does to the dataset's pictures what photographing and cutting out do to real clothes.

A picture is taken as an article (its values) and its outline (a mask). Both are laid on a larger canvas, turned, bent
and seen at an angle, and fitted tight again as a photo is; then the article is lit and the outline damaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from fittingroom.errors import DataError, UsageError


@dataclass(frozen=True)
class Sampler:
    """Random numbers for a batch.

    Attributes:
        n: images in the batch.
        generator: where they come from, on the images' device.
        strength: of every deformation: 1 is the full one.
    """

    n: int
    generator: Generator
    strength: float = 1.0

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return numbers between two, ``(n, *shape)``."""
        random = torch.rand((self.n, *shape), generator=self.generator, device=self.generator.device)
        return random * (high - low) + low

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """Return normal numbers of mean 0, ``(n, *shape)``; the deviation is for full strength."""
        random = torch.randn((self.n, *shape), generator=self.generator, device=self.generator.device)
        return random * (deviation * self.strength)

    def coin(self, share: float, *shape: int) -> Tensor:
        """Return True with a chance, ``(n, *shape)``."""
        return self.uniform(0.0, 1.0, *shape) < share

    def clouds(self, bumps: int, side: int, channels: int = 1) -> Tensor:
        """Return smooth noise of deviation near 1, ``(n, channels, side, side)``, with so many bumps along a side."""
        noise = self.normal(1.0, channels, bumps, bumps) / max(self.strength, 1e-9)
        return functional.interpolate(noise, (side, side), mode="bicubic", align_corners=True)


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
