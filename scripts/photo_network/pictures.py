"""Pictures to learn from: views of a photo, and Fashion-MNIST's articles laid on backgrounds as photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from network import HEIGHT, WIDTH
from numpy.typing import NDArray

from fittingroom.photos.whole_photo import whole_photo

if TYPE_CHECKING:
    from numpy.random import Generator

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]

SHOES = (5, 7, 9)
FAINTEST = 10  # grey values of Fashion-MNIST up to here are background
CANVASES = ((224, 168), (200, 200), (168, 224))  # height and width a rendered photo has before it is stretched


def plain(pixels: Pixels, _: Generator) -> Pixels:
    """Return a photo as the network will be given it."""
    return whole_photo(pixels)


def mirrored(pixels: Pixels, _: Generator) -> Pixels:
    """Return a photo as the network will be given it, left and right changed."""
    return np.ascontiguousarray(whole_photo(pixels)[:, ::-1])


def augmented(pixels: Pixels, generator: Generator) -> Pixels:
    """Return another view of a photo, stretched as the network takes it.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        generator: decides; the same gives the same.
    """
    view = warped(pixels, generator)
    if generator.random() < 0.12:
        view = coarsened(view, generator)
    return spoiled(recoloured(view.astype(np.float32), generator), generator)


def warped(pixels: Pixels, generator: Generator) -> Pixels:
    """Return a crop of a photo: nearer or farther, narrower or wider, turned, seen at an angle, perhaps mirrored."""
    height, width = pixels.shape[:2]
    size = generator.uniform(0.65, 1.15) * np.exp(generator.uniform(-0.15, 0.15) * np.array([1, -1]))
    turn = generator.uniform(-10, 10) if generator.random() < 0.88 else generator.uniform(-180, 180)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size * (1 + generator.uniform(-0.08, 0.08, (4, 2)))
    if generator.random() < 0.5:
        corners = corners[[1, 0, 3, 2]]
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    middle = generator.uniform(-1, 1, 2) * np.maximum(1 - size, 0.05)
    places = corners * [width / 2, height / 2] @ np.array([[cosine, sine], [-sine, cosine]])
    places += (1 + middle) * [width / 2, height / 2]
    target = np.float32([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]])
    matrix = cv2.getPerspectiveTransform(np.float32(places), target)
    border = cv2.BORDER_REPLICATE if generator.random() < 0.5 else cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpPerspective(pixels, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=border))


def coarsened(pixels: Pixels, generator: Generator) -> Pixels:
    """Return a picture with as little detail as Fashion-MNIST's have, so that little detail means no class."""
    side = int(generator.integers(26, 64))
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC))


def recoloured(values: Values, generator: Generator) -> Values:
    """Return a picture in other light: brighter, more contrast, other colours, none, or uneven from side to side."""
    values = (values - 127) * generator.uniform(0.7, 1.3) + 127 + generator.uniform(-30, 30)
    values = values * generator.uniform(0.85, 1.15, 3)
    grey = values.mean(axis=2, keepdims=True)
    saturation = 0.0 if generator.random() < 0.1 else generator.uniform(0.5, 1.5)
    values = grey + (values - grey) * saturation
    if generator.random() < 0.15:
        values = values[..., generator.permutation(3)]
    if generator.random() < 0.4:
        values = values * lit(values.shape[:2], generator)
    return values.astype(np.float32)


def lit(shape: tuple[int, int], generator: Generator) -> Values:
    """Return light that falls off in some direction, float ``(h, w, 1)`` about 1."""
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle, strength = generator.uniform(0, 2 * np.pi), generator.uniform(0.05, 0.35)
    return (1 + strength * (np.cos(angle) * columns + np.sin(angle) * rows))[..., None].astype(np.float32)


def spoiled(values: Values, generator: Generator) -> Pixels:
    """Return a picture as a poor camera takes it: perhaps blurred, noisy, or with a box gone."""
    if generator.random() < 0.25:
        values = cv2.GaussianBlur(values, (0, 0), generator.uniform(0.4, 1.6))
    if generator.random() < 0.3:
        values = values + generator.normal(0, generator.uniform(2, 12), values.shape)
    if generator.random() < 0.2:
        height, width = values.shape[:2]
        tall, wide = int(height * generator.uniform(0.1, 0.35)), int(width * generator.uniform(0.1, 0.35))
        top, left = generator.integers(0, height - tall), generator.integers(0, width - wide)
        values[top : top + tall, left : left + wide] = generator.uniform(0, 255, 3)
    return np.clip(values, 0, 255).astype(np.uint8)


def edge_of(pixels: Pixels, generator: Generator) -> Pixels:
    """Return a wall or floor: the most even corner of a photo, mirrored until it fills one.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        generator: decides how large the corner is.

    Returns:
        uint8 ``(224, 168, 3)``.
    """
    share = generator.uniform(0.16, 0.26)
    tall, wide = (int(side * share) for side in pixels.shape[:2])
    corners = [
        pixels[rows, columns]
        for rows in (slice(tall), slice(-tall, None))
        for columns in (slice(wide), slice(-wide, None))
    ]
    chosen = corners[int(np.argmin([cv2.Laplacian(corner, cv2.CV_32F).std() for corner in corners]))]
    grown = cv2.resize(chosen, None, fx=generator.uniform(1.2, 2.5), fy=generator.uniform(1.2, 2.5))
    repeats = [int(np.ceil(side / have)) for side, have in zip((HEIGHT, WIDTH), grown.shape[:2], strict=True)]
    rows = [grown if row % 2 == 0 else grown[::-1] for row in range(repeats[0])]
    strip = np.concatenate(rows)
    whole = np.concatenate([strip if column % 2 == 0 else strip[:, ::-1] for column in range(repeats[1])], axis=1)
    return np.ascontiguousarray(whole[:HEIGHT, :WIDTH])


def relaid(pixels: Pixels, solid: Values, background: Pixels | None, generator: Generator) -> Pixels:
    """Return another view of a garment on another background, so that nobody's wall or floor means a class.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        solid: float ``(h, w)`` from 0 to 1: where the garment is.
        background: uint8 ``(224, 168, 3)``, or None for a shop's white.
        generator: decides.
    """
    size = pixels.shape[:2]
    ground = shop_white(size, generator) if background is None else laid_out(background, size, generator)
    above = cv2.GaussianBlur(solid, (0, 0), generator.uniform(0.6, 1.5))[..., None]
    dark = cv2.GaussianBlur(np.roll(solid, (3, 2), (0, 1)), (0, 0), 4)[..., None] * generator.uniform(0, 0.5)
    ground = ground * (1 - dark * (background is not None))
    return augmented(np.clip(ground * (1 - above) + pixels * above, 0, 255).astype(np.uint8), generator)


def as_photo(article: Pixels, label: int, background: Pixels | None, generator: Generator) -> Pixels:
    """Return an article of Fashion-MNIST as somebody's photo, or a shop's.

    Args:
        article: uint8 ``(28, 28)``, light on black.
        label: its class; shoes may be pairs.
        background: uint8 ``(224, 168, 3)``, or None for a shop's white.
        generator: decides.

    Returns:
        uint8 ``(224, 168, 3)``.
    """
    canvas = CANVASES[generator.choice(3, p=(0.25, 0.35, 0.4) if label in SHOES else (0.6, 0.25, 0.15))]
    picture = shop_white(canvas, generator) if background is None else laid_out(background, canvas, generator)
    colours, solid = coloured(article, generator)
    for piece in range(2 if label in SHOES and generator.random() < 0.3 else 1):
        placed = placement(canvas, generator, label in SHOES, piece)
        picture = laid(picture, colours, solid, placed, shadow=0.0 if background is None else generator.uniform(0, 0.5))
    return spoiled(
        recoloured(whole_photo(np.clip(picture, 0, 255).astype(np.uint8)).astype(np.float32), generator), generator
    )


def shop_white(canvas: tuple[int, int], generator: Generator) -> Values:
    """Return the background of a shop's picture: white or nearly, seldom of some light colour."""
    shade = np.full(3, generator.uniform(235, 255)) if generator.random() < 0.8 else generator.uniform(170, 250, 3)
    return np.full((*canvas, 3), shade, np.float32)


def laid_out(background: Pixels, canvas: tuple[int, int], generator: Generator) -> Values:
    """Return a background as large as the canvas, perhaps mirrored."""
    turned = background[:, ::-1] if generator.random() < 0.5 else background
    return cv2.resize(np.ascontiguousarray(turned), canvas[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)


def coloured(article: Pixels, generator: Generator, side: int = 168) -> tuple[Values, Values]:
    """Return an article large, with colours of its own and the grain of cloth, and where it is solid.

    Fashion-MNIST turned the light and the dark of shop pictures round; mostly they are turned back.

    Returns:
        float ``(168, 168, 3)``, and float ``(168, 168)`` from 0 to 1.
    """
    mask = cv2.morphologyEx(np.uint8(article > FAINTEST), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    smooth = cv2.resize(np.pad(mask, 2).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    solid = np.clip((cv2.GaussianBlur(smooth, (0, 0), 2.0) - 0.5) * generator.uniform(3, 8) + 0.5, 0, 1)
    grey = cv2.resize(np.pad(article, 2, mode="edge").astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    shade = np.clip(255 - grey if generator.random() < 0.65 else grey, 0, 255) / 255
    dark, light = sorted(generator.uniform(0, 1, (2, 3)), key=lambda colour: float(colour.sum()))
    dark, light = dark * generator.uniform(0.1, 0.8), 1 - (1 - light) * generator.uniform(0.1, 1)
    if generator.random() < 0.3:
        dark, light = np.full(3, dark.mean()), np.full(3, light.mean())
    low, high = (np.percentile(shade[solid > 0.5], at) for at in (3, 97)) if (solid > 0.5).any() else (0, 1)
    evened = np.clip((shade - low) / max(high - low, 0.15), 0, 1)[..., None]
    cloth = (dark + (light - dark) * evened) * 255 * grain(side, generator)
    return cloth.astype(np.float32), solid.astype(np.float32)


def grain(side: int, generator: Generator) -> Values:
    """Return the grain of cloth or leather, float ``(side, side, 1)`` about 1, with detail that 28 pixels lack."""
    fine = cv2.GaussianBlur(
        generator.normal(0, 1, (side, side)).astype(np.float32), (0, 0), generator.uniform(0.5, 1.5)
    )
    fine = fine / fine.std() * generator.uniform(0, 0.1)
    creases = cv2.resize(
        generator.normal(0, 1, (12, 12)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    values = 1 + fine + creases * generator.uniform(0, 0.1)
    if generator.random() < 0.2:
        angle, length = generator.uniform(0, np.pi), generator.uniform(4, 20)
        rows, columns = np.mgrid[:side, :side]
        wave = np.sin((columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / length)
        values = values + generator.uniform(0.03, 0.25) * wave
    return values[..., None].astype(np.float32)


def placement(canvas: tuple[int, int], generator: Generator, is_shoe: bool, piece: int, side: int = 168) -> Values:
    """Return where an article of `side` pixels goes on the canvas, as an affine matrix ``(2, 3)``."""
    reach = min(canvas) * generator.uniform(0.45 if is_shoe else 0.6, 1.0) / side
    turn = np.radians(generator.uniform(-25, 25) if is_shoe else generator.uniform(-12, 12))
    if generator.random() < 0.05:
        turn += np.pi
    mirrored = -1 if generator.random() < 0.5 else 1
    linear = reach * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.diag([mirrored, 1]) * generator.uniform(0.88, 1.12, 2)
    room = np.maximum(np.array(canvas[::-1]) - reach * side, 10)
    middle = np.array(canvas[::-1]) / 2 + room * generator.uniform(-0.4, 0.4, 2) + piece * generator.uniform(10, 60, 2)
    offset = middle - linear @ np.full(2, side / 2)
    return np.column_stack([linear, offset]).astype(np.float32)


def laid(picture: Values, colours: Values, solid: Values, placed: Values, shadow: float) -> Values:
    """Return a picture with an article on it, and the shadow that it throws."""
    size = picture.shape[1::-1]
    above = cv2.warpAffine(colours, placed, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    where = cv2.warpAffine(solid, placed, size, flags=cv2.INTER_LINEAR)[..., None]
    dark = cv2.GaussianBlur(np.roll(where[..., 0], (4, 3), (0, 1)), (0, 0), 4)[..., None]
    return np.asarray(picture * (1 - shadow * dark) * (1 - where) + above * where, np.float32)
