"""Pictures of nothing: eight kinds are drawn here, and the others come from packages.

Those are the photographs of scikit-image and scikit-learn, rooms and landscapes seen in Poly Haven's panoramas (npm
`@pmndrs/assets` 1.7.0, CC0), and animals, food and things of Microsoft's Fluent emoji in 3D (npm
`@lobehub/fluent-emoji-3d` 1.1.0, MIT). Nothing of MNIST is learned from: its digits are only asked about.
"""

from __future__ import annotations

import base64
import hashlib
import tarfile
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
from network import HEIGHT, WIDTH
from pictures import Pixels, Values, augmented, recoloured, spoiled
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.random import Generator

PHOTOGRAPHS = (  # in scikit-image's wheel: those that its documentation calls CC0 or public domain, nobody in clothes
    *("brick", "cell", "chelsea", "clock_motion", "coffee", "coins", "grass", "gravel", "horse", "ihc"),
    *("microaneurysms", "retina", "rocket", "text", "hubble_deep_field"),
)
FONTS = "/usr/share/fonts/truetype"
WORDS = (
    *(
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "while",
        "seven",
        "wizards",
        "brew",
        "strong",
    ),
    *("potions", "in", "glass", "and", "copper"),
)
BAG_EMOJI = ("1f45b", "1f45c", "1f45d", "1f392", "1f4bc")
SHOE_EMOJI = {"1f45f": "Sneaker", "1f461": "Sandal", "1fa74": "Sandal", "1f462": "Ankle boot", "1f97e": "Ankle boot"}
ANIMALS = ((0x1F400, 0x1F43F), (0x1F980, 0x1F9AE), (0x1FAB0, 0x1FAB3), (0x1FABC, 0x1FABF), (0x1FACE, 0x1FACF))
FOOD = (  # and what it grows on
    *((0x1F32D, 0x1F37F), (0x1F950, 0x1F96F), (0x1F9C0, 0x1F9CB), (0x1FAD0, 0x1FADF), (0x1F490, 0x1F490)),
    *((0x1F337, 0x1F344), (0x1FAB4, 0x1FABA)),
)
NO_OBJECTS = (  # clothes, luggage, and the ranges of people, faces and letters
    *((0x1F451, 0x1F462), (0x1F392, 0x1F393), (0x1F4BC, 0x1F4BC), (0x1F6CD, 0x1F6CD), (0x1F9F3, 0x1F9F3)),
    *((0x1F97B, 0x1F97F), (0x1F9E2, 0x1F9E6), (0x1F9BA, 0x1F9BA), (0x1FA70, 0x1FA74), (0x1FA96, 0x1FA96)),
    *((0x1F3A9, 0x1F3A9), (0x1F3BD, 0x1F3BD), (0x1F94B, 0x1F94B), (0x1F462, 0x1F487), (0x1F574, 0x1F57A)),
    *((0x1F926, 0x1F93E), (0x1F9B0, 0x1F9D6), (0x1F9D7, 0x1F9DF), (0x1F645, 0x1F64F), (0x1F3C2, 0x1F3CC)),
    *((0x1F1E6, 0x1F265), (0x0023, 0x00AE), (0x2600, 0x26FF), (0x1F600, 0x1F644), (0x1F910, 0x1F970)),
)


def blank(generator: Generator) -> Pixels:
    """One colour all over, or one that runs into another."""
    first, second = generator.uniform(0, 255, (2, 3))
    if generator.random() < 0.4:
        first, second = np.full(3, first[0]), np.full(3, second[0])
    angle = generator.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    along = (np.cos(angle) * columns + np.sin(angle) * rows + 1.4) / 2.8
    share = along[..., None] * (generator.random() < 0.5) * generator.uniform(0.1, 1)
    return np.clip(first + (second - first) * share, 0, 255).astype(np.uint8)


def noise(generator: Generator) -> Pixels:
    """Values by chance: each pixel its own, or larger grains, grey or in colour, strong or weak."""
    grain = int(generator.choice([1, 1, 2, 4, 8, 16]))
    shape = (-(-HEIGHT // grain), -(-WIDTH // grain), int(generator.choice([1, 3])))
    values = generator.uniform(0, 255, shape) if generator.random() < 0.5 else generator.normal(127, 60, shape)
    whole = Image.fromarray(np.clip(np.broadcast_to(values, (*shape[:2], 3)), 0, 255).astype(np.uint8))
    how = Image.Resampling.NEAREST if generator.random() < 0.5 else Image.Resampling.BICUBIC
    return strength(np.asarray(whole.resize((WIDTH, HEIGHT), how)), generator)


def strength(pixels: Pixels, generator: Generator) -> Pixels:
    """Return a pattern with less contrast, about some colour."""
    share = generator.uniform(0.15, 1)
    return np.clip(pixels * share + generator.uniform(0, 255, 3) * (1 - share), 0, 255).astype(np.uint8)


def checkerboard(generator: Generator) -> Pixels:
    """Squares or stripes in two colours, straight or turned."""
    size, turn = generator.uniform(3, 60, 2), np.radians(0 if generator.random() < 0.6 else generator.uniform(0, 90))
    size = size if generator.random() < 0.3 else np.full(2, size[0])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + generator.uniform(0, 60, 2)[:, None, None]
    across, down = np.cos(turn) * columns + np.sin(turn) * rows, np.cos(turn) * rows - np.sin(turn) * columns
    odd = (np.floor(across / size[0]) + (np.floor(down / size[1]) if generator.random() < 0.8 else 0)) % 2
    first, second = generator.uniform(0, 255, (2, 3)) if generator.random() < 0.5 else ([0] * 3, [255] * 3)
    return np.where(odd[..., None] > 0, first, second).astype(np.uint8)


def lettering(generator: Generator) -> tuple[Image.Image, tuple[int, int, int]]:
    """Return an empty page, of paper or in any colours, and a colour to write with."""
    paper = tuple(generator.integers(200, 256, 3).tolist())
    ink = tuple(generator.integers(0, 90, 3).tolist())
    if generator.random() < 0.4:
        paper, ink = ink, paper
    return Image.new("RGB", (WIDTH, HEIGHT), paper), ink


def font(generator: Generator, size: int) -> ImageFont.FreeTypeFont:
    """Return one of DejaVu's and Liberation's faces."""
    names = [f"{FONTS}/dejavu/DejaVu{face}.ttf" for face in ("Sans", "Sans-Bold", "Serif", "SansMono", "Serif-Bold")]
    names += [f"{FONTS}/liberation/Liberation{face}-Regular.ttf" for face in ("Sans", "Serif", "Mono")]
    return ImageFont.truetype(names[generator.integers(len(names))], size)


def text(generator: Generator) -> Pixels:
    """Lines of words: a page, a label, a screenshot."""
    page, ink = lettering(generator)
    pen, size = ImageDraw.Draw(page), int(np.exp(generator.uniform(np.log(7), np.log(64))))
    face, top = font(generator, size), int(generator.integers(-5, 60))
    lines = int(generator.integers(1, 40))
    for line in range(lines):
        words = generator.choice(WORDS, int(generator.integers(1, 9)))
        pen.text((int(generator.integers(0, 24)), top + line * size * 1.3), " ".join(words), fill=ink, font=face)
    return np.asarray(page)


def digits(generator: Generator) -> Pixels:
    """One digit or a few: of a font, or written by hand (scikit-learn's 8x8 digits)."""
    page, ink = lettering(generator)
    if generator.random() < 0.5:
        return written(generator)
    pen = ImageDraw.Draw(page)
    for _ in range(1 if generator.random() < 0.7 else int(generator.integers(2, 5))):
        place = (int(generator.integers(0, 90)), int(generator.integers(-30, 110)))
        pen.text(place, str(generator.integers(10)), fill=ink, font=font(generator, int(generator.integers(70, 220))))
    return np.asarray(page)


def written(generator: Generator) -> Pixels:
    """Return a digit written by hand, 8x8 pixels in its original, large."""
    from sklearn.datasets import load_digits

    images = load_digits().images
    small = np.pad(np.float32(images[generator.integers(len(images))] / 16), int(generator.integers(0, 3)))
    large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    if generator.random() < 0.6:
        large = np.clip((cv2.GaussianBlur(large, (0, 0), 4) - 0.4) * generator.uniform(2, 9) + 0.5, 0, 1)
    first, second = ([0] * 3, [255] * 3) if generator.random() < 0.6 else generator.uniform(0, 255, (2, 3))
    share = np.clip(large, 0, 1)[..., None]
    return np.clip(np.float32(first) * (1 - share) + np.float32(second) * share, 0, 255).astype(np.uint8)


def shapes(generator: Generator) -> Pixels:
    """Polygons, ellipses and strokes on one colour."""
    canvas = np.full((HEIGHT, WIDTH, 3), generator.uniform(0, 255, 3), np.uint8)
    for _ in range(int(generator.integers(1, 6))):
        colour = tuple(generator.uniform(0, 255, 3).tolist())
        middle, reach = generator.uniform((20, 20), (WIDTH - 20, HEIGHT - 20)), generator.uniform(10, 90)
        kind, angles = generator.integers(3), np.sort(generator.uniform(0, 2 * np.pi, int(generator.integers(3, 9))))
        points = np.int32(middle + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1))
        if kind == 0:
            cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA)
        elif kind == 1:
            axes = (int(reach), int(reach * generator.uniform(0.4, 1)))
            cv2.ellipse(canvas, np.int32(middle).tolist(), axes, generator.uniform(0, 180), 0, 360, colour, -1)
        else:
            cv2.polylines(canvas, [points], bool(generator.integers(2)), colour, int(generator.integers(2, 14)))
    return canvas


def letters(generator: Generator) -> Pixels:
    """One large letter or sign of a font, or a few."""
    page, ink = lettering(generator)
    pen = ImageDraw.Draw(page)
    for _ in range(1 if generator.random() < 0.6 else int(generator.integers(2, 5))):
        place = (int(generator.integers(-20, 90)), int(generator.integers(-40, 110)))
        sign = str(generator.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZabdefghkmnqrstyz?!&%#@$+=*<>{}")))
        pen.text(place, sign, fill=ink, font=font(generator, int(generator.integers(70, 240))))
    return np.asarray(page)


def scrawls(generator: Generator) -> Pixels:
    """Thick smooth lines of a pen, light on dark or the other way round, sharp or soft."""
    share = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(int(generator.integers(1, 4))):
        turns = np.cumsum(generator.normal(0, generator.uniform(0.1, 0.5), 60)) + generator.uniform(0, 2 * np.pi)
        steps = generator.uniform(3, 7) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        path = np.cumsum(steps[: generator.integers(10, 60)], axis=0)
        path += generator.uniform((40, 50), (WIDTH - 40, HEIGHT - 50)) - path.mean(axis=0)
        cv2.polylines(share, [np.int32(path)], bool(generator.random() < 0.2), 1.0, int(generator.integers(5, 34)))
    share = cv2.GaussianBlur(share, (0, 0), generator.uniform(0.5, 5))[..., None]
    first, second = generator.uniform(0, 255, (2, 3)) if generator.random() < 0.5 else ([0] * 3, [255] * 3)
    first, second = (second, first) if generator.random() < 0.3 else (first, second)
    return np.clip(np.float32(first) * (1 - share) + np.float32(second) * share, 0, 255).astype(np.uint8)


DRAWN: dict[str, Callable[[Generator], Pixels]] = {
    "blank": blank,
    "noise": noise,
    "checkerboard": checkerboard,
    "text": text,
    "digits": digits,
    "shapes": shapes,
    "letters": letters,
    "scrawls": scrawls,
}
"""Kinds that need no material."""


def drawn(kind: str, generator: Generator) -> Pixels:
    """Return a picture of a kind, sometimes as a poor camera takes it."""
    picture = DRAWN[kind](generator)
    if generator.random() < 0.4:
        return spoiled(recoloured(picture.astype(np.float32), generator), generator)
    return np.ascontiguousarray(picture)


def emoji(archive: Path) -> dict[str, Image.Image]:
    """Return Fluent's 3D emoji that are of one code point, by its number in hexadecimal."""
    found = {}
    with tarfile.open(archive) as files:
        for member in files:
            name = member.name.rsplit("/", 1)[-1].removesuffix(".webp").removesuffix("-fe0f")
            if member.name.endswith(".webp") and "-" not in name:
                found[name] = Image.open(BytesIO(files.extractfile(member).read())).convert("RGBA")
    return dict(sorted(found.items()))


def is_object(name: str) -> bool:
    """Say whether an emoji shows a thing, an animal or a plant, and no clothes, people, faces or letters.

    Example:
        >>> is_object("1f415"), is_object("1f455")
        (True, False)
    """
    return not _within(name, NO_OBJECTS)


def kind_of_object(name: str) -> str:
    """Return what an emoji shows: animals, food or things.

    Example:
        >>> kind_of_object("1f415"), kind_of_object("1f34e"), kind_of_object("1f4f7")
        ('animals', 'food', 'things')
    """
    return "animals" if _within(name, ANIMALS) else "food" if _within(name, FOOD) else "things"


def _within(name: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= int(name, 16) <= last for first, last in ranges)


def pasted(thing: Image.Image, background: Pixels | None, generator: Generator) -> Pixels:
    """Return an emoji on a background, or on white, in other colours than its own."""
    ground = (
        background if background is not None else np.full((HEIGHT, WIDTH, 3), generator.uniform(225, 255), np.uint8)
    )
    side = int(generator.uniform(0.5, 1.0) * WIDTH)
    turned = thing.rotate(generator.uniform(-25, 25), Image.Resampling.BICUBIC).resize((side, int(side * 4 / 3.5)))
    place = [int(generator.uniform(0, room)) for room in (WIDTH - turned.width, max(HEIGHT - turned.height, 1))]
    page = Image.fromarray(np.ascontiguousarray(ground))
    page.paste(turned, tuple(place), turned)
    picture = np.asarray(page)[:, :: int(generator.choice([-1, 1]))].astype(np.float32)
    picture = picture[..., generator.permutation(3)] if generator.random() < 0.5 else picture
    return spoiled(recoloured(picture, generator), generator)


def photographs(wheel: Path) -> dict[str, Pixels]:
    """Return the free photographs of scikit-image's wheel and of scikit-learn, by name."""
    return {name: np.asarray(Image.open(BytesIO(data)).convert("RGB")) for name, data in _photograph_files(wheel)}


def photograph_hashes(wheel: Path) -> dict[str, str]:
    """Return the SHA-256 of each photograph's file, by name."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in _photograph_files(wheel)}


def _photograph_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    from importlib.resources import files

    with zipfile.ZipFile(wheel) as archive:
        for path in sorted(archive.namelist()):
            name = path.rsplit("/", 1)[-1]
            if path.startswith("skimage/data/") and name.split(".")[0] in PHOTOGRAPHS:
                yield name, archive.read(path)
    for name in ("china.jpg", "flower.jpg"):
        yield name, files("sklearn.datasets.images").joinpath(name).read_bytes()


def photographed(pixels: Pixels, generator: Generator) -> Pixels:
    """Return a part of a photograph, at least a third of its sides, seen some way."""
    share = generator.uniform(0.35, 1, 2)
    tall, wide = (np.array(pixels.shape[:2]) * share).astype(int)
    top, left = (
        int(generator.integers(0, have - take + 1)) for have, take in zip(pixels.shape, (tall, wide), strict=False)
    )
    part = pixels[top : top + tall, left : left + wide]
    if max(part.shape) > 512:
        part = cv2.resize(part, None, fx=512 / max(part.shape), fy=512 / max(part.shape), interpolation=cv2.INTER_AREA)
    return augmented(np.ascontiguousarray(part), generator)


def panoramas(archive: Path) -> dict[str, Values]:
    """Return Poly Haven's panoramas, by name: linear light, float ``(256, 512, 3)``."""
    from tempfile import NamedTemporaryFile

    import OpenEXR

    found = {}
    with tarfile.open(archive) as files:
        for member in files:
            name = member.name.rsplit("/", 1)[-1]
            if not name.endswith(".exr.js"):
                continue
            coded = files.extractfile(member).read().split(b"base64,")[1].rstrip(b"';\n")
            with NamedTemporaryFile(suffix=".exr") as file:
                file.write(base64.b64decode(coded))
                file.flush()
                light = next(iter(OpenEXR.File(file.name).channels().values())).pixels
            found[name.split(".")[0]] = np.clip(light, 0, None).astype(np.float32)
    return dict(sorted(found.items()))


def looked_at(panorama: Values, generator: Generator) -> Pixels:
    """Return what a camera sees that stands in a panorama: mostly level, some way down to the floor."""
    turn, tilt = generator.uniform(0, 2 * np.pi), np.radians(generator.uniform(-60, 25))
    reach = np.tan(np.radians(generator.uniform(35, 55)))
    down, across = np.mgrid[-reach : reach : HEIGHT * 1j, -reach * 0.75 : reach * 0.75 : WIDTH * 1j]
    ahead = np.cos(tilt) + down * np.sin(tilt)
    below = -np.sin(tilt) + down * np.cos(tilt)
    column = (np.arctan2(across, ahead) + turn) / (2 * np.pi) % 1 * panorama.shape[1]
    row = (np.arctan2(below, np.hypot(across, ahead)) / np.pi + 0.5) * panorama.shape[0]
    light = cv2.remap(panorama, np.float32(column), np.float32(row), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    exposed = light * 0.2 * 2 ** generator.uniform(-1, 1) / (np.exp(np.log(light.mean(axis=2) + 1e-4).mean()) + 1e-6)
    seen = np.uint8(np.clip(1.2 * exposed / (1 + exposed), 0, 1) ** (1 / 2.2) * 255)
    return spoiled(recoloured(seen.astype(np.float32), generator), generator)
