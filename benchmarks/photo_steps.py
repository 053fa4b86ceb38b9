"""What each step from a photo to the 28x28 picture is worth, on the photos for choosing; writes docs/photo-steps.md.

The first rows are what most code does; a row that begins with dots adds one step to the row before it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from photo_folder import ANSWERABLE, RIGHT, interval, photos
from PIL import Image

import fittingroom as fr
from fittingroom.arrays import Array
from fittingroom.files import atomic_write
from fittingroom.inference.predictor import open_predictor
from fittingroom.photos import PreparedPhoto, open_photo, prepare_photo
from fittingroom.photos.finding import Found, at_size, cut_out, distance_from_background, shrunk, tidied
from fittingroom.photos.prepare import crop_box, prepared_with, with_halves
from fittingroom.photos.views import View, averaged, views_of

if TYPE_CHECKING:
    from collections.abc import Callable

DOC = Path(__file__).parent.parent / "docs" / "photo-steps.md"
ORDINARY, PHOTO = "fashion-mnist/90", "fashion-mnist/photo-28"
Views = tuple[Array, Array]


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        title: what is done.
        model: that is asked.
        views: of a photo, and their weights.
    """

    title: str
    model: str
    views: Callable[[Path, PreparedPhoto], Views]


def one(image: Array) -> Views:
    """Return a single picture as views."""
    return image[None], np.ones(1)


def grey(path: Path) -> Image.Image:
    """Return a photo in grey."""
    return Image.fromarray(open_photo(path).pixels).convert("L")


def squashed(path: Path) -> Array:
    """Return a photo resized to 28x28, whatever its shape."""
    return np.asarray(grey(path).resize((28, 28), Image.Resampling.BILINEAR))


def letterboxed(path: Path) -> Array:
    """Return a photo fitted into 28x28, inverted where its border is light, with full contrast."""
    picture = grey(path)
    picture.thumbnail((28, 28), Image.Resampling.LANCZOS)
    values = np.asarray(picture, np.float32)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]]).mean()
    values = 255 - values if border > 127 else values
    low, high = np.percentile(values, (2, 98))
    image = np.zeros((28, 28), np.uint8)
    top, left = (28 - values.shape[0]) // 2, (28 - values.shape[1]) // 2
    stretched = np.clip((values - low) / max(high - low, 1) * 255, 0, 255)
    image[top : top + values.shape[0], left : left + values.shape[1]] = stretched
    return image


def cut_only(photo: PreparedPhoto) -> Array:
    """Return the article cut out and inverted, in its place in the photo, resized; not cropped, not sharpened."""
    values = np.where(photo.mask, 1 - photo.grey, 0)
    return _fitted(values)


def cropped(photo: PreparedPhoto) -> Array:
    """Return the article cut out, inverted and cropped tight."""
    return _fitted(np.where(photo.mask, 1 - photo.grey, 0)[crop_box(photo.mask)])


def _fitted(values: Array) -> Array:
    picture = Image.fromarray(np.uint8(values * 255))
    scale = 28 / max(picture.size)
    picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    image = Image.new("L", (28, 28))
    image.paste(picture, ((28 - picture.width) // 2, (28 - picture.height) // 2))
    return np.asarray(image)


def by_colour(path: Path) -> PreparedPhoto:
    """Return a photo whose article is found by its colours' distance from the background's alone, in Lab."""
    photo = open_photo(path)
    distance = distance_from_background(shrunk(photo.pixels))
    level, _ = cv2.threshold(np.uint8(np.clip(distance * 12, 0, 255)), 0, 255, cv2.THRESH_OTSU)
    return _with_mask(path, tidied(distance * 12 > level))


def by_grabcut(path: Path) -> PreparedPhoto:
    """Return a photo whose article is found by GrabCut alone, without taking pieces of floor off."""
    small = shrunk(open_photo(path).pixels)
    return _with_mask(path, cut_out(small, np.ones(small.shape[:2], bool)))


def _with_mask(path: Path, mask: Array) -> PreparedPhoto:
    photo = open_photo(path)
    grown = at_size(mask, photo.pixels.shape[:2])
    return prepared_with(photo, Found(grown if grown.any() else ~grown, True, "For the table."))


ROWS = (
    Row("resized", ORDINARY, lambda path, _: one(squashed(path))),
    Row("... and inverted, as most code does", ORDINARY, lambda path, _: one(255 - squashed(path))),
    Row("fitted, polarity by the border, full contrast", ORDINARY, lambda path, _: one(letterboxed(path))),
    Row("article cut out, inverted", ORDINARY, lambda _, photo: one(cut_only(photo))),
    Row("... cropped tight", ORDINARY, lambda _, photo: one(cropped(photo))),
    Row("... polarity per photo, the dataset's look", ORDINARY, lambda _, photo: one(photo.image)),
    Row("... several views averaged", ORDINARY, lambda _, photo: views_of(photo)),
    Row("the dataset's look, the photo model", PHOTO, lambda _, photo: one(photo.image)),
    Row("... and mirrored", PHOTO, lambda _, photo: views_of(photo, (View(),))),
    Row("... several views averaged: **the whole path**", PHOTO, lambda _, photo: views_of(photo)),
    Row("the whole path, and each half of a pair (`--halves`)", PHOTO, lambda _, photo: views_of(with_halves(photo))),
    Row("the whole path, article found by colour distance in Lab", PHOTO, lambda path, _: views_of(by_colour(path))),
    Row("the whole path, article found by GrabCut alone", PHOTO, lambda path, _: views_of(by_grabcut(path))),
)


def right(row: Row, paths: list[Path], prepared: list[PreparedPhoto]) -> np.ndarray:
    """Return for each photo whether a row's way gets it right."""
    predictor = open_predictor(row.model)
    answers = []
    for path, photo in zip(paths, prepared, strict=True):
        images, weights = row.views(path, photo)
        probabilities = averaged(predictor.predict(np.ascontiguousarray(images)), weights)
        answers.append(fr.class_names[int(probabilities.argmax())] in RIGHT[path.parent.name])
    return np.array(answers)


def table(paths: list[Path], prepared: list[PreparedPhoto]) -> str:
    """Measure every row."""
    folders = np.array([path.parent.name for path in paths])
    lines = []
    for row in ROWS:
        good = right(row, paths, prepared)
        clothes = folders != "shoes"
        low, high = interval(good[clothes], folders[clothes])
        each = " | ".join(f"{good[folders == name].sum()}/{(folders == name).sum()}" for name in ANSWERABLE)
        lines.append(
            f"| {row.title} | {row.model.split('/')[1]} | **{good[clothes].mean():.2f}** | {low:.2f} to {high:.2f} "
            f"| {each} |"
        )
        print(lines[-1], flush=True)
    head = f"| what is done | model | right, not shoes | 95 % | {' | '.join(ANSWERABLE)} |\n"
    return head + "| --- " * (4 + len(ANSWERABLE)) + "|\n" + "\n".join(lines) + "\n"


def sure(photo: PreparedPhoto, folder: str) -> float:
    """Return the photo model's probability of what is right, not tempered."""
    images, weights = views_of(photo)
    probabilities = averaged(open_predictor(PHOTO).predict(images), weights)
    return float(sum(probabilities[fr.class_names.index(name)] for name in RIGHT[folder]))


def halves(paths: list[Path], prepared: list[PreparedPhoto]) -> str:
    """Say where `--halves` finds a pair, and how sure of what is right the answers are there without and with it."""
    halved = [with_halves(photo) for photo in prepared]
    rows = [row for row in zip(paths, prepared, halved, strict=True) if row[2].halves]
    where = Counter(path.parent.name for path, _, _ in rows)
    found = ", ".join(f"{count} of {name}" for name, count in where.items()) or "none"
    text = f"`--halves` finds two of a kind in {len(rows)} photos ({found}), and leaves the others as they are."
    if not rows:
        return text
    without, with_them = ([sure(row[place], row[0].parent.name) for row in rows] for place in (1, 2))
    less = sum(one > other for one, other in zip(without, with_them, strict=True))
    return (
        f"{text} The mean probability of what is right is {np.mean(without):.2f} there without it and "
        f"{np.mean(with_them):.2f} with it; it is lower with it in {less} of the {len(rows)}."
    )


def main() -> None:
    """Measure and write."""
    paths = [path for path in photos(choosing=True) if path.parent.name in ANSWERABLE]
    prepared = [prepare_photo(path) for path in paths]
    text = (
        "<!-- Written by `make photo-steps`; do not edit. -->\n\n# What each step is worth\n\n"
        f"{len(paths)} photos, the half on which choices were made, so these figures flatter the last rows; what the "
        "photos held back say is in [photo-checks.md](photo-checks.md). Bootstrap intervals, 2,000 resamples within "
        f"folders.\n\n{table(paths, prepared)}\n{halves(paths, prepared)}\n"
    )
    atomic_write(DOC, text)


if __name__ == "__main__":
    main()
