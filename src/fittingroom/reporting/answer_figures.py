"""Images with what was said of them, as one figure: the highest losses, or the first results."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from fittingroom.errors import UsageError
from fittingroom.reporting.palettes import LINE, PALETTES
from fittingroom.reporting.plots import draw_picture
from fittingroom.runs import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from fittingroom.arrays import Array, Images
    from fittingroom.reporting.answers import Answer

COLUMNS = 3
COLOURS = PALETTES["colour-blind"]


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
    columns = min(COLUMNS, len(mistakes))
    rows = -(-len(mistakes) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.5 * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    for place, (image, mistake) in enumerate(zip(images, mistakes, strict=True), start=1):
        _draw(figure.add_subplot(rows, columns, place), image, mistake, class_names)
    return figure


def _draw(axes: Axes, image: Array, mistake: Answer, class_names: Sequence[str]) -> None:
    draw_picture(axes, image)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_edgecolor(LINE)
    sign, colour = COLOURS.mark(mistake.right), COLOURS.of(mistake.right)
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
    with io.BytesIO() as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150, facecolor="white", bbox_inches="tight")
        write_atomically(path, file.getvalue())
