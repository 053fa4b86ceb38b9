"""Mistakes in a terminal: each picture beside its words, and the training images most like it beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from fittingroom.reporting.answers import Answer, neighbours_sentence
from fittingroom.reporting.terminal_picture import Drawing, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from fittingroom.arrays import Array

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
        mistake: the image and what was said.
        split: that it is of.
        class_names: by label.
        drawing: how pictures are shown.
        image: uint8 ``(h, w)``.
        near: the training images most like it, as many as are to be shown.
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
        whole.add_row(Text("most like it, of what it learned from:", style="dim"))
        whole.add_row(pictures)
        return whole
    return table


def mistake_words(mistake: Answer, split: str, class_names: Sequence[str], *, ascii_only: bool = False) -> Text:
    """Return what there is to say of one image, a line each."""
    sign, style = ("right", "green") if mistake.right else ("wrong", "red")
    text = Text()
    text.append(f"{split} image {mistake.index}\n", style="bold")
    text.append(f"{sign}: ", style=style)
    text.append(f"said {class_names[mistake.predicted]}, is {class_names[mistake.label]}\n")
    text.append(f"loss {mistake.loss:.2f}\n\n", style="dim")
    ranked = sorted(range(len(class_names)), key=lambda label: -mistake.probabilities[label])
    listed = ranked[:CHANCES] + ([mistake.label] if mistake.label not in ranked[:CHANCES] else [])
    width = max(len(class_names[label]) for label in listed)
    for label in listed:
        chance = mistake.probabilities[label]
        bar = ("#" if ascii_only else "█") * round(BAR * chance)
        text.append(f"{class_names[label]:<{width}} {chance:7.2%} {bar}{'  true' if label == mistake.label else ''}\n")
    if mistake.neighbours:
        text.append(f"\n{neighbours_sentence(mistake, class_names)}")
    return text
