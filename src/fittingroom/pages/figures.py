"""The figures of the walk-through and of the page, each a function that returns a Matplotlib figure.

They are built without pyplot: no global state, no window, nothing to close. `fittingroom.pages.html.inline_svg` puts
one on the page; ``figure.savefig("x.png")`` keeps it as a file.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.figure import Figure

from fittingroom.errors import DataError, UsageError
from fittingroom.files import atomic_write
from fittingroom.pages.palettes import HELD_OUT, INK, LINE, MUTED, PALETTES, TRAIN
from fittingroom.pages.plots import draw_bars, draw_named_picture, draw_picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from fittingroom.arrays import Array, Images
    from fittingroom.pages.answers import Answer


def image_figure(image: Array) -> Figure:
    """Draw one picture ``(h, w)`` with its pixel grid numbered and a colour bar from 0 to 255."""
    figure = _figure(4.4, 3.6)
    axes = figure.add_subplot()
    drawn = draw_picture(axes, image)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.94, pad=0.03)
    bar.set_ticks([*range(0, 250, 50), 255] if drawn.norm.vmax == 255 else [0, 0.25, 0.5, 0.75, 1])
    for each in (axes, bar.ax):
        each.tick_params(colors=MUTED, labelsize=8, length=2, color=LINE)
    for spine in (*axes.spines.values(), bar.outline):
        spine.set_edgecolor(LINE)
    return figure


def grid_figure(images: Images, labels: Sequence[int], class_names: Sequence[str], columns: int = 6) -> Figure:
    """Draw pictures ``(n, h, w)`` in rows of ``columns``, each with its class underneath."""
    rows = -(-len(images) // columns)
    figure = _figure(1.05 * columns, 1.25 * rows)
    for position, (image, label) in enumerate(zip(images, labels, strict=True)):
        axes = figure.add_subplot(rows, columns, position + 1)
        draw_picture(axes, image)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel(class_names[int(label)], fontsize=8, color=INK)
        axes.spines[:].set_edgecolor(LINE)
    return figure


def counts_figure(counts: Sequence[int], class_names: Sequence[str]) -> Figure:
    """Draw how many images each class has, as bars from the first class at the top."""
    figure = _figure(4.4, 0.8 + 0.28 * len(counts))
    axes = figure.add_subplot()
    axes.barh(range(len(counts)), counts, color=TRAIN, height=0.66)
    for row, count in enumerate(counts):
        axes.text(count, row, f" {count:,}", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(counts)), class_names)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_xlim(0, 1.12 * max([*counts, 1]))
    _quiet(axes, ("left",))
    return figure


def answer_figure(answer: Answer, image: Array, class_names: Sequence[str], palette: str = "classic") -> Figure:
    """Draw one picture beside its bars, the class names under them: the walk-through's images 15 and 1000."""
    figure, colours = _figure(4.5, 2.6, layout=None), PALETTES[palette]
    left, right = _inches(figure, 0.05, 0.85, 1.7), _inches(figure, 1.95, 0.85, 2.5, 1.6)
    draw_named_picture(left, answer, image, class_names, colours)
    draw_bars(right, answer, colours, class_names)
    _trim(left, right)
    return figure


def pair_figure(answer: Answer, image: Array, class_names: Sequence[str], palette: str = "classic") -> Figure:
    """Draw one picture beside its bars, small: a cell of the grid of pairs."""
    figure, colours = _figure(2.9, 1.75, layout=None), PALETTES[palette]
    left, right = _inches(figure, 0.02, 0.32, 1.35), _inches(figure, 1.5, 0.32, 1.38, 1.25)
    draw_named_picture(left, answer, image, class_names, colours)
    draw_bars(right, answer, colours)
    _trim(left, right, fontsize=8.5)
    return figure


ANSWER_COLUMNS = 3
ANSWER_COLOURS = PALETTES["colour-blind"]


def mistakes_figure(images: Images | Sequence[Array], mistakes: Sequence[Answer], class_names: Sequence[str]) -> Figure:
    """Draw images in rows of three, the highest loss as the caller orders them.

    Args:
        images: ``(k, h, w)``.
        mistakes: what was said of each.
        class_names: by label.

    Raises:
        UsageError: there is nothing to draw.
    """
    if not mistakes:
        raise UsageError("Expected at least one image to draw, received none.")
    columns = min(ANSWER_COLUMNS, len(mistakes))
    rows = -(-len(mistakes) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.5 * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    for place, (image, mistake) in enumerate(zip(images, mistakes, strict=True), start=1):
        _draw_answer(figure.add_subplot(rows, columns, place), image, mistake, class_names)
    return figure


def _draw_answer(axes: Axes, image: Array, mistake: Answer, class_names: Sequence[str]) -> None:
    draw_picture(axes, image)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_edgecolor(LINE)
    sign, colour = ANSWER_COLOURS.mark(mistake.right), ANSWER_COLOURS.of(mistake.right)
    axes.set_title(
        f"{sign} {class_names[mistake.predicted]} {mistake.confidence:.0%}", fontsize=10, color=colour, loc="left"
    )
    axes.set_xlabel(f"is {class_names[mistake.label]}\nloss {mistake.loss:.2f}, number {mistake.index}", fontsize=8.5)


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure as a file, on white, whole or not at all.

    Raises:
        UsageError: a kind of file that cannot be written.
        OSError: the folder cannot be written.
    """
    kinds = ("png", "svg", "pdf")
    if path.suffix[1:].lower() not in kinds:
        raise UsageError(f"{path}: expected a file that ends in .png, .svg or .pdf.")
    draw = partial(figure.savefig, format=path.suffix[1:].lower(), dpi=150, facecolor="white", bbox_inches="tight")
    atomic_write(path, draw)


def confusion_figure(confusion: object, class_names: Sequence[str]) -> Figure:
    """Draw the confusion matrix: a row a true class, a column a predicted one, counts in the cells.

    Args:
        confusion: counts by ``(true, predicted)``.
        class_names: one a class.

    Raises:
        DataError: the matrix is not square, or has another number of rows than there are names.
    """
    counts = np.asarray(confusion)
    if counts.shape != (len(class_names), len(class_names)):
        raise DataError(f"Expected a matrix of {len(class_names)} by {len(class_names)}, received {counts.shape}.")
    figure = _figure(1.5 + 0.42 * len(counts), 1.3 + 0.42 * len(counts))
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else INK
        axes.text(column, row, f"{count:,}" if count else "·", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(counts)), class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(counts)), class_names)
    axes.set_xlabel("predicted", fontsize=9, color=MUTED)
    axes.set_ylabel("true", fontsize=9, color=MUTED)
    _quiet(axes, ())
    return figure


def interval_figure(
    scores: Sequence[tuple[str, float, tuple[float, float]]], marks: Sequence[tuple[str, float]] = ()
) -> Figure:
    """Draw scores on one line each, with their intervals, and reference values as upright lines.

    Args:
        scores: ``(name, value, (low, high))``, fractions.
        marks: ``(name, value)`` of what they are held against.
    """
    figure = _figure(4.6, 0.75 + 0.36 * len(scores) + 0.2 * len(marks))
    axes = figure.add_subplot()
    for row, (_, value, (low, high)) in enumerate(scores):
        axes.plot([low, high], [row, row], color=HELD_OUT, linewidth=7, alpha=0.28, solid_capstyle="butt")
        axes.plot([value], [row], "o", color=HELD_OUT, markersize=6)
    for name, value in marks:
        axes.axvline(value, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        axes.annotate(name, (value, -0.62), (4, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(scores)), [name for name, _, _ in scores])
    axes.set_ylim(len(scores) - 0.4, -0.9 if marks else -0.6)
    axes.margins(x=0.12)
    _quiet(axes, ("bottom",))
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    return figure


def _trim(picture: Axes, bars: Axes, fontsize: float = 9.5) -> None:
    picture.xaxis.label.set(fontsize=fontsize, x=0, horizontalalignment="left")
    picture.spines[:].set_edgecolor(LINE)
    bars.tick_params(colors=MUTED, labelsize=8, length=0)
    bars.spines[["top", "left", "right"]].set_visible(False)
    bars.spines["bottom"].set_edgecolor(LINE)


def _figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty figure of that many inches, see-through, so that it stands on any page."""
    figure = Figure(figsize=(width, height), layout=layout)
    figure.patch.set_alpha(0)
    return figure


def _inches(figure: Figure, left: float, bottom: float, width: float, height: float | None = None) -> Axes:
    """Return axes at a fixed place, so that a grid of figures stands in line whatever their captions say."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, (height or width) / up))


def _quiet(axes: Axes, spines: tuple[str, ...]) -> None:
    """Leave only the named spines, thin, and ticks without strokes."""
    axes.patch.set_alpha(0)
    for name, spine in axes.spines.items():
        spine.set_visible(name in spines)
        spine.set_edgecolor(LINE)
    axes.tick_params(colors=MUTED, labelsize=8.5, length=0)
