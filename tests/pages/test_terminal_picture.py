from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from fittingroom.errors import UsageError
from fittingroom.pages.answers import Answer, Neighbour
from fittingroom.pages.terminal_picture import (
    RAMP,
    braille,
    dithered,
    drawing_for,
    half_blocks,
    letters,
    mistake_block,
    mistake_words,
    picture,
)

NAMES = ("Coat", "Shirt", "Bag", "Dress", "Boot")
IMAGE = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
MISTAKE = Answer(7, 4, (0.1, 0.6, 0.2, 0.07, 0.03), (Neighbour(3, 1), Neighbour(9, 4)))


class Bytes(io.TextIOWrapper):
    """A stream that calls itself a terminal, in an encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)


@pytest.mark.parametrize(
    ("options", "encoding", "drawing"),
    [
        ({"force_terminal": False}, "utf-8", "none"),
        ({"force_terminal": True, "color_system": "truecolor"}, "utf-8", "half-blocks"),
        ({"force_terminal": True, "color_system": "256"}, "utf-8", "half-blocks"),
        ({"force_terminal": True, "color_system": "standard"}, "utf-8", "braille"),
        ({"force_terminal": True, "color_system": None}, "utf-8", "braille"),
        ({"force_terminal": True, "color_system": "truecolor"}, "ascii", "letters"),
    ],
)
def test_a_console_gets_the_finest_drawing_that_it_can_show(options: dict, encoding: str, drawing: str) -> None:
    assert drawing_for(Console(file=Bytes(encoding), **options)) == drawing


@pytest.mark.parametrize(
    ("drawing", "rows", "columns"), [("half-blocks", 14, 28), ("braille", 7, 14), ("letters", 14, 28)]
)
def test_a_picture_takes_as_many_characters_as_it_says(drawing: str, rows: int, columns: int) -> None:
    lines = picture(IMAGE, drawing).plain.split("\n")
    assert (len(lines), {len(line) for line in lines}) == (rows, {columns})


def test_half_blocks_hold_every_pixel_once() -> None:
    styles = [span.style for span in half_blocks(IMAGE).spans]
    upper, lower = IMAGE[::2].ravel(), IMAGE[1::2].ravel()
    assert styles == [f"rgb({a},{a},{a}) on rgb({b},{b},{b})" for a, b in zip(upper, lower, strict=True)]


def test_dithering_keeps_the_shade_of_an_area() -> None:
    for shade in (32, 128, 200):
        assert dithered(np.full((40, 40), shade)).mean() == pytest.approx(shade / 255, abs=0.03)


def test_braille_has_a_dot_where_there_is_ink() -> None:
    ink = np.zeros((4, 2), np.uint8)
    ink[0, 1] = 255
    assert braille(ink) == ["⠈"]


def test_letters_go_from_nothing_to_full_ink() -> None:
    ramp = np.tile(np.linspace(0, 255, len(RAMP)).astype(np.uint8), (2, 1))
    assert letters(ramp) == [RAMP]


def test_sizes_that_do_not_divide_are_padded_with_nothing() -> None:
    assert len(braille(np.full((5, 3), 255, np.uint8))) == 2
    assert letters(np.full((3, 1), 255, np.uint8)) == ["@", RAMP[len(RAMP) // 2 - 1]]


def test_an_unknown_drawing_is_refused() -> None:
    with pytest.raises(UsageError, match="half-blocks, braille or letters, received 'none'"):
        picture(IMAGE, "none")


def test_the_words_of_a_mistake_end_with_its_true_class_and_its_neighbours() -> None:
    lines = mistake_words(MISTAKE, "test", NAMES).plain.splitlines()
    assert lines[:3] == ["test image 7", "wrong: predicted Shirt, true label Boot", "loss 3.51"]
    assert [line.split()[0] for line in lines[4:8]] == ["Shirt", "Bag", "Coat", "Boot"]
    assert lines[7].endswith("true label")
    assert "1 Shirt (the predicted class), 1 Boot (the true class)" in lines[-1]


def test_without_unicode_no_sign_is_beyond_ascii() -> None:
    with io.StringIO() as text:
        Console(file=text, width=120).print(mistake_block(MISTAKE, "test", NAMES, "letters", IMAGE, [IMAGE, IMAGE]))
        assert text.getvalue().isascii()
        assert "most similar" in text.getvalue()
