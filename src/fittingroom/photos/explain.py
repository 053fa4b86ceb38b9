"""One picture of how a photo was read: its steps to 28x28 and the whole of it, and what a network says of each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.arrays import Array
from fittingroom.photos.opening import need_opencv
from fittingroom.photos.prepare import PreparedPhoto, Step
from fittingroom.photos.views import mosaic, views_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image


THUMBNAIL = 84  # longest edge of a photo on the sheet, in pixels; three times the image's 28
GAP, NAME = 8, 22  # around pictures; height of a class's name


def thumbnail(pixels: Array, side: int) -> Array:
    """Return a picture made so small that its longest edge has a length.

    Args:
        pixels: uint8 ``(h, w, 3)``.
        side: in pixels.
    """
    cv2 = need_opencv()
    scale = side / max(pixels.shape[:2])
    size = tuple(max(1, round(edge * scale)) for edge in pixels.shape[1::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def contact_sheet(rows: Sequence[tuple[str, Sequence[tuple[Array, Array]]]]) -> Image.Image:
    """Draw classes below each other, and in each its photos beside what became of them.

    Args:
        rows: a class's name, and pairs of a thumbnail ``(h, w, 3)`` and an image ``(28, 28)``, both uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    pair, row = 2 * THUMBNAIL + 2 * GAP, THUMBNAIL + NAME + GAP
    columns = max(len(pairs) for _, pairs in rows)
    sheet = Image.new("RGB", (columns * pair + GAP, len(rows) * row + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for line, (name, pairs) in enumerate(rows):
        top = line * row + GAP
        pen.text((GAP, top), name, fill="#1c1c1c", font=font)
        for column, (before, after) in enumerate(pairs):
            left = column * pair + GAP
            space = THUMBNAIL - before.shape[1], THUMBNAIL - before.shape[0]
            sheet.paste(Image.fromarray(before), (left + space[0], top + NAME + space[1] // 2))
            large = Image.fromarray(after).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.NEAREST)
            sheet.paste(large, (left + THUMBNAIL + 2, top + NAME))
    return sheet


INK, MUTED, LINE, BAR, BEST, NONE = "#1c1c1c", "#6b6b6b", "#d9d9d9", "#9aa7b1", "#20639b", "#b8541c"
PANEL_INCHES, HEIGHT_INCHES, TITLE_INCHES, REASON_INCHES = 2.1, 2.5, 0.75, 1.0
VIEWS_WORDS = "Mirrored, turned, narrower, wider, with more or less contrast, swapped{}: the answers are averaged."
WRAP = 32  # characters of a reason in a line


Told: TypeAlias = tuple[str, Mapping[str, float], tuple[float, float] | None]
"""What a network says: its name, probabilities by class name, and how surely it is none of them with the threshold."""
WHOLE_WORDS = "The network for photos takes all of it, in colour, stretched to one size."


def explain_figure(photo: PreparedPhoto, whole: Array, title: str, of_steps: Told, of_whole: Told) -> Figure:
    """Draw the steps of a photo and what a 28x28 network made of them, and beside that what the one for photos says.

    Args:
        photo: prepared.
        whole: uint8 ``(h, w, 3)``, as the network for photos takes it.
        title: of the figure: the answer.
        of_steps: what the 28x28 network says.
        of_whole: what the network for photos says.
    """
    from matplotlib.figure import Figure

    seen, _ = views_of(photo)
    words = VIEWS_WORDS.format(", each half" if photo.halves else "")
    steps = (*photo.steps, Step("several views", words, mosaic(seen)))
    lefts = [*np.arange(len(steps), dtype=float), len(steps) + 0.45, len(steps) + 1.55, len(steps) + 3.0]
    width = PANEL_INCHES * (lefts[-1] + 1.05)
    height = HEIGHT_INCHES + TITLE_INCHES + REASON_INCHES
    figure = Figure(figsize=(width, height), facecolor="white")
    place = (0.12 / width, 1 - 0.36 / height)
    figure.text(*place, _drawable(title), fontsize=13, color=INK, weight="bold", va="center", parse_math=False)
    notes = "   ".join(f"Note: {note}." for note in photo.warnings)
    figure.text(0.12 / width, 1 - 0.62 / height, notes, fontsize=8, color=NONE, va="center")
    bottom, tall = REASON_INCHES / height, (HEIGHT_INCHES - 0.25) / height

    def place_at(index: int, share: float) -> Axes:
        left = (lefts[index] * PANEL_INCHES + 0.12) / width
        return figure.add_axes((left, bottom, (PANEL_INCHES * share - 0.18) / width, tall))

    last = len(steps)
    for index, step in enumerate(steps):
        _draw_step(place_at(index, 1.0), f"{index + 1}  {step.name}", step)
    _draw_bars(place_at(last, 0.75), of_steps)
    _draw_step(place_at(last + 1, 1.0), "the whole photo", Step("whole", WHOLE_WORDS, whole))
    _draw_bars(place_at(last + 2, 0.75), of_whole)
    return figure


def _drawable(text: str) -> str:
    """Return a text, such as a file's name, with what has no shape written as an escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _draw_step(axes: Axes, title: str, step: Step) -> None:
    grey = step.picture.ndim == 2
    axes.imshow(step.picture, cmap="gray" if grey else None, vmin=0, vmax=255, interpolation="nearest")
    axes.set_anchor("N")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_edgecolor(LINE)
    axes.set_title(title, fontsize=9, color=INK, loc="left")
    words = "\n".join(textwrap.wrap(step.reason, WRAP))
    place = axes.figure.transFigure.inverted().transform(axes.transAxes.transform((0, 0)))
    axes.figure.text(place[0], axes.get_position(original=True).y0 - 0.02, words, fontsize=7, color=MUTED, va="top")


def _draw_bars(axes: Axes, told: Told) -> None:
    title, probabilities, none_of_these = told
    names: Sequence[str] = list(probabilities)
    values = list(probabilities.values())
    is_none = none_of_these is not None and none_of_these[0] > none_of_these[1]
    best = None if is_none else max(range(len(values)), key=values.__getitem__)
    axes.barh(
        range(len(values)), values, height=0.66, color=[BEST if row == best else BAR for row in range(len(values))]
    )
    for row, value in enumerate(values):
        axes.text(value, row, f" {value:.0%}", va="center", fontsize=7, color=INK if row == best else MUTED)
    axes.set_yticks(range(len(names)), names, fontsize=8, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_edgecolor(LINE)
    axes.set_title(f"{title} says", fontsize=9, color=INK, loc="left")
    if none_of_these is not None:
        score, threshold = none_of_these
        word = "above" if score > threshold else "below"
        place = axes.get_position(original=True)
        words = f"none of these: {score:.2f},\n{word} the threshold of {threshold:.2f}"
        axes.figure.text(
            place.x0, place.y0 - 0.02, words, fontsize=7, color=NONE if score > threshold else MUTED, va="top"
        )
