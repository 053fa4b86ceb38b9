"""How well the 28x28 photo model declines what is none of its classes; prints a table, writes docs/none-of-these.md.

The non-items here are made by this file or are MNIST's digits; the network was taught with others
(`fittingroom.photos.non_items`), and the threshold was chosen on photos, not on these.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from photo_folder import auroc
from PIL import Image, ImageDraw, ImageFont

import fittingroom as fr
from fittingroom.errors import FittingRoomError
from fittingroom.files import atomic_write
from fittingroom.inference.predictor import Predictor, open_predictor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.arrays import Images

ROOT = Path(__file__).parent.parent
DOC = ROOT / "docs" / "none-of-these.md"
MODEL, EACH = "fashion-mnist/photo-28", 200
WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "while", "seven", "wizards", "brew")


def blank(generator: np.random.Generator) -> Images:
    """One grey value all over."""
    return np.full((28, 28), generator.integers(0, 256), np.uint8)


def noise(generator: np.random.Generator) -> Images:
    """Every pixel a grey value of its own."""
    return generator.integers(0, 256, (28, 28), np.uint8)


def checkerboard(generator: np.random.Generator) -> Images:
    """Squares of 1 to 8 pixels."""
    size = int(generator.integers(1, 9))
    rows, columns = np.mgrid[:28, :28]
    return np.uint8((rows // size + columns // size) % 2 * generator.integers(100, 256))


def text(generator: np.random.Generator) -> Images:
    """Two lines of a word."""
    picture = Image.new("L", (28, 28))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(int(generator.integers(9, 14)))
    for row in (0, 13):
        pen.text((1, row), str(generator.choice(WORDS)), fill=255, font=font)
    return np.asarray(picture)


SYNTHETIC = (blank, noise, checkerboard, text)


def sets() -> Iterator[tuple[str, Images]]:
    """Yield the sets of pictures by name, the articles first."""
    yield "Fashion-MNIST, test", fr.load().test.images
    for make in SYNTHETIC:
        generator = np.random.default_rng(0)
        yield make.__name__, np.stack([make(generator) for _ in range(EACH)])
    for where in (None, ROOT.parent / "shared" / "mnist"):
        try:
            yield "MNIST digits, test", fr.load_data("mnist")[1][0] if where is None else fr.load(where).test.images
            return
        except FittingRoomError:
            continue


def scores(predictor: Predictor, images: Images) -> np.ndarray:
    """Return the score of each picture, taken as data."""
    if predictor.score is None:
        raise SystemExit(f"{predictor.title} was not taught what is none of its classes.")
    return np.array([predictor.score(image[None]) for image in images])


def area_against(articles: np.ndarray, others: np.ndarray) -> float:
    """Return how often another picture has a higher score than an article."""
    return auroc(np.concatenate([articles, others]), np.arange(len(articles) + len(others)) >= len(articles))


def table(model: str) -> str:
    """Measure every set."""
    predictor = open_predictor(model)
    rows, articles = [], None
    for name, images in sets():
        found = scores(predictor, images)
        area = "" if articles is None else f"{area_against(articles, found):.3f}"
        articles = found if articles is None else articles
        rows.append(f"| {name} | {len(images):,} | {(found > predictor.threshold).mean():.3f} | {area} |")
        print(rows[-1], flush=True)
    head = "| pictures, taken as data | n | declined | AUROC against the articles |\n| --- | --- | --- | --- |\n"
    return f"Threshold {predictor.threshold:.4f}.\n\n{head}" + "\n".join(rows) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=MODEL)
    asked = parser.parse_args()
    found = table(asked.model)
    atomic_write(
        DOC, "<!-- Written by `make photo-none`; do not edit. -->\n\n# None of these: what is declined\n\n" + found
    )


if __name__ == "__main__":
    main()
