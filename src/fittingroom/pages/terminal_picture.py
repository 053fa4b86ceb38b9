"""Answers in a terminal, with small pictures: half blocks where it has shades, braille or letters where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from rich.table import Table
from rich.text import Text

from fittingroom.errors import UsageError
from fittingroom.pages.answers import neighbours_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from fittingroom.arrays import Array
    from fittingroom.pages.answers import Answer


Drawing = Literal["half-blocks", "braille", "letters", "none"]
RAMP = " .:-=+*#%@"  # from no ink to full ink
SHADED = ("256", "truecolor")
BRAILLE = 0x2800
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # Unicode 2800: bits by row and column


def drawing_for(console: Console) -> Drawing:
    """Return how a console can show pictures: not at all where it is no terminal.

    Args:
        console: as rich sees it: whether it is a terminal, its colours, its encoding.
    """
    if not console.is_terminal:
        return "none"
    if console.options.ascii_only:
        return "letters"
    return "half-blocks" if console.color_system in SHADED else "braille"


def picture(image: Array, drawing: Drawing) -> Text:
    """Return a grey picture as lines of text.

    Args:
        image: uint8 ``(h, w)``; high values are ink, as in the dataset's files.
        drawing: how; of a 28 by 28 picture, half blocks and letters make 28 by 14 characters, braille 14 by 7.

    Raises:
        UsageError: ``"none"``, or no such drawing.
    """
    if drawing == "half-blocks":
        return half_blocks(image)
    if drawing == "braille":
        return Text("\n".join(braille(image)))
    if drawing == "letters":
        return Text("\n".join(letters(image)))
    raise UsageError(f"Expected half-blocks, braille or letters, received '{drawing}'.")


def half_blocks(image: Array) -> Text:
    """Return two rows of pixels a line: the upper in the ink of ``▀``, the lower in its ground; ink is light."""
    pixels = _padded(image, 2, 1)
    text = Text()
    for number, (upper, lower) in enumerate(zip(pixels[::2], pixels[1::2], strict=True)):
        text.append("\n" if number else "")
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            text.append("▀", style=f"rgb({top},{top},{top}) on rgb({bottom},{bottom},{bottom})")
    return text


def braille(image: Array) -> list[str]:
    """Return eight pixels a character, each a dot or none; error diffusion keeps the shades.

    Example:
        >>> braille(np.full((4, 2), 255, np.uint8)), braille(np.zeros((4, 2), np.uint8))
        (['⣿'], ['⠀'])
    """
    dots = dithered(_padded(image, 4, 2))
    rows, columns = dots.shape
    cells = dots.reshape(rows // 4, 4, columns // 2, 2).transpose(0, 2, 1, 3)
    codes = BRAILLE + (cells * DOTS).sum(axis=(2, 3))
    return ["".join(chr(code) for code in row) for row in codes.tolist()]


def dithered(image: Array) -> Array:
    """Return which pixels are ink, bool ``(h, w)``, so that areas keep their shade.

    Source: R. W. Floyd and L. Steinberg, Proceedings of the SID 17 (1976), 75-77.
    """
    height, width = image.shape
    left = np.zeros((height + 1, width + 2))
    left[:height, 1 : width + 1] = image
    dots = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(1, width + 1):
            dots[row, column - 1] = left[row, column] >= 128
            error = left[row, column] - 255 * dots[row, column - 1]
            left[row, column + 1] += error * 7 / 16
            left[row + 1, column - 1 : column + 2] += error * np.array([3, 5, 1]) / 16
    return dots


def letters(image: Array) -> list[str]:
    """Return two rows of pixels a line, each pair a sign of its mean shade; the shape of letters keeps proportions.

    Example:
        >>> letters(np.array([[0, 255], [0, 255]], np.uint8))
        [' @']
    """
    pixels = _padded(image, 2, 1).astype(np.float64)
    shades = (pixels[::2] + pixels[1::2]) / 2
    signs = np.minimum((shades / 256 * len(RAMP)).astype(int), len(RAMP) - 1)
    return ["".join(RAMP[sign] for sign in row) for row in signs.tolist()]


def _padded(image: Array, rows: int, columns: int) -> Array:
    height, width = image.shape
    return np.pad(np.asarray(image), ((0, -height % rows), (0, -width % columns)))


BAR = 20  # characters of a probability of 1
CHANCES = 3


def mistake_block(
    mistake: Answer,
    split: str,
    class_names: Sequence[str],
    drawing: Drawing,
    image: Array,
    near: Sequence[Array] = (),
) -> RenderableType:
    """Return one mistake for a terminal that can show pictures.

    Args:
        mistake: the image and the probabilities.
        split: that it is of.
        class_names: by label.
        drawing: how pictures are shown.
        image: uint8 ``(h, w)``.
        near: the most similar training images, as many as are to be shown.
    """
    table = Table.grid(padding=(0, 2))
    table.add_row(picture(image, drawing), mistake_words(mistake, split, class_names, ascii_only=drawing == "letters"))
    if near:
        pictures = Table.grid(padding=(0, 1))
        pictures.add_row(*(picture(each, drawing) for each in near))
        pictures.add_row(
            *(Text(class_names[each.label], style="dim", justify="center") for each in mistake.neighbours[: len(near)])
        )
        whole = Table.grid()
        whole.add_row(table)
        whole.add_row(Text("most similar training images:", style="dim"))
        whole.add_row(pictures)
        return whole
    return table


def mistake_words(mistake: Answer, split: str, class_names: Sequence[str], *, ascii_only: bool = False) -> Text:
    """Return the facts about one image, a line each."""
    sign, style = ("right", "green") if mistake.right else ("wrong", "red")
    text = Text()
    text.append(f"{split} image {mistake.index}\n", style="bold")
    text.append(f"{sign}: ", style=style)
    text.append(f"predicted {class_names[mistake.predicted]}, true label {class_names[mistake.label]}\n")
    text.append(f"loss {mistake.loss:.2f}\n\n", style="dim")
    ranked = sorted(range(len(class_names)), key=lambda label: -mistake.probabilities[label])
    listed = ranked[:CHANCES] + ([mistake.label] if mistake.label not in ranked[:CHANCES] else [])
    width = max(len(class_names[label]) for label in listed)
    for label in listed:
        chance = mistake.probabilities[label]
        bar = ("#" if ascii_only else "█") * round(BAR * chance)
        text.append(
            f"{class_names[label]:<{width}} {chance:7.2%} {bar}{'  true label' if label == mistake.label else ''}\n"
        )
    if mistake.neighbours:
        text.append(f"\n{neighbours_sentence(mistake, class_names)}")
    return text
