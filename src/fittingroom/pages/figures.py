"""The figures of the walk-through and of the page, each a function that returns a Matplotlib figure.

They are built without pyplot: no global state, no window, nothing to close. `fittingroom.pages.html.inline_svg` puts
one on the page; ``figure.savefig("x.png")`` keeps it as a file.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fittingroom.errors import DataError, UsageError
from fittingroom.files import atomic_write
from fittingroom.pages.plots import (
    HELD_OUT,
    INK,
    LINE,
    MUTED,
    PALETTES,
    TRAIN,
    draw_bars,
    draw_named_picture,
    draw_picture,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from matplotlib.axes import Axes

    from fittingroom.arrays import Array, Images
    from fittingroom.judging import ReliabilityBin, RiskCoverage
    from fittingroom.pages.answers import Answer
    from fittingroom.pages.learning import Epoch
    from fittingroom.training.before_training import RateCurve

    Style: TypeAlias = tuple[str, str | tuple[float, tuple[float, ...]], str]


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
        axes.text(count + max(counts) / 60, row, f"{count:,}", va="center", fontsize=8, color=INK)
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
        mistakes: the answers about them.
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
    axes.set_xlabel(
        f"true label {class_names[mistake.label]}\nloss {mistake.loss:.2f}, image {mistake.index}", fontsize=8.5
    )


def check_figure_path(path: Path) -> None:
    """Raise where a file's ending is none of a figure.

    Raises:
        UsageError: says which are.
    """
    if path.suffix[1:].lower() not in ("png", "svg", "pdf"):
        raise UsageError(f"{path}: expected a file that ends in .png, .svg or .pdf.")


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure as a file, on white, whole or not at all.

    Raises:
        UsageError: a kind of file that cannot be written.
        OSError: the folder cannot be written.
    """
    check_figure_path(path)
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
    _quiet(axes, ("bottom",), rules="x")
    return figure


def curve_figure(history: Sequence[Epoch], quantity: str, ends: Mapping[str, float | None] | None = None) -> Figure:
    """Draw one quantity by epoch: training, and validation where there was one.

    Args:
        history: one entry an epoch.
        quantity: ``"accuracy"`` or ``"loss"``.
        ends: values of the finished network, by what they were measured on: ``{"test images": 0.87}``.
    """
    lines = {"training, running": [_value(epoch, quantity) for epoch in history]}
    validation = [_value(epoch, f"val_{quantity}") for epoch in history]
    if any(value is not None for value in validation):
        lines["validation"] = validation
    points = {name: value for name, value in (ends or {}).items() if value is not None}
    return _draw(lines, points, [epoch.epoch for epoch in history])


def comparison_figure(curves: Mapping[str, Sequence[float]], ends: Mapping[str, float] | None = None) -> Figure:
    """Draw the training accuracy by epoch of several datasets, and points for their test accuracy.

    Args:
        curves: accuracy by epoch, by the name of the dataset.
        ends: test accuracy, by the words to put beside it, in the order of ``curves``.
    """
    longest = max(len(values) for values in curves.values())
    return _draw(dict(curves), dict(ends or {}), list(range(1, longest + 1)))


def runs_figure(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Draw one quantity by epoch of several runs, each with its own dashes and marker.

    Args:
        curves: a value an epoch, by the name of the run; six at most.
    """
    longest = max(len(values) for values in curves.values())
    return _draw(dict(curves), {}, list(range(1, longest + 1)), RUN_STYLES)


_STYLES: Sequence[Style] = ((TRAIN, "-", "o"), (HELD_OUT, (0, (4, 2)), "s"))
MARKERS = 12  # on a line, about: more would hide its dashes
RUN_STYLES: Sequence[Style] = (
    *_STYLES,
    (INK, (0, (1, 1.5)), "^"),
    (MUTED, (0, (6, 2, 1, 2)), "D"),
    (TRAIN, (0, (1, 1.5)), "v"),
    (HELD_OUT, "-", "x"),
)
_END_MARKERS = ("D", "*")


def _value(epoch: Epoch, name: str) -> float | None:
    value: float | None = getattr(epoch, name)
    return value


def _draw(
    lines: Mapping[str, Sequence[float | None]],
    points: Mapping[str, float],
    epochs: Sequence[int],
    styles: Sequence[Style] = _STYLES,
) -> Figure:
    figure = _figure(4.5, 3.0)
    axes = figure.add_subplot()
    labels: list[tuple[float, float, str, str]] = []
    for (colour, dashes, marker), (name, values) in zip(styles, lines.items(), strict=False):
        known = [(epoch, value) for epoch, value in zip(epochs, values, strict=False) if value is not None]
        axes.plot(
            *zip(*known, strict=True),
            color=colour,
            linestyle=dashes,
            marker=marker,
            markevery=max(1, len(known) // MARKERS),
            markersize=4,
            linewidth=1.8,
        )
        labels.append((*known[-1], name, colour))
    for (colour, _, _), marker, (name, value) in zip(_STYLES, _END_MARKERS, points.items(), strict=False):
        axes.plot([epochs[-1]], [value], marker, color=colour, markersize=6 if marker == "D" else 10, clip_on=False)
        labels.append((epochs[-1], value, name, colour))
    _frame(axes, epochs)
    _write_labels(axes, labels)
    return figure


def _frame(axes: Axes, epochs: Sequence[int]) -> None:
    _quiet(axes, ("bottom",), size=10.0, rules="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("epoch", fontsize=10, color=MUTED)
    axes.margins(y=0.1)
    if len(epochs) == 1:
        axes.set_xticks(epochs)


def _write_labels(axes: Axes, labels: Sequence[tuple[float, float, str, str]]) -> None:
    """Write each line's last value and name at the right, joined to where the line ends: ``(x, y, name, colour)``."""
    low, high = axes.get_ylim()
    gap = (high - low) * 0.085
    heights = spread([y for _, y, _, _ in labels], gap)
    for height, (x, y, name, colour) in zip(heights, labels, strict=True):
        axes.annotate(
            f"{y:.4f}  {name}",
            (x, y),
            (1.05, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=10.5,
            color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 4},
        )


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Return the values moved apart, in their order, until neighbours are at least ``gap`` apart.

    Example:
        >>> spread([1.0, 1.0, 5.0], 2.0)
        [0.0, 2.0, 5.0]
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    heights = [values[index] for index in order]
    for _ in range(50):
        for below in range(len(heights) - 1):
            missing = gap - (heights[below + 1] - heights[below])
            if missing > 1e-9 * max(1.0, abs(gap)):
                heights[below] -= missing / 2
                heights[below + 1] += missing / 2
    moved = dict(zip(order, heights, strict=True))
    return [moved[index] for index in range(len(values))]


SIZE = (4.1, 3.9)
FEW = 20  # predictions: a bin with fewer tells little, so it is drawn hollow and joined to no other
BEFORE, AFTER = "as trained", "after temperature"


def reliability_figure(curve: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin] = ()) -> Figure:
    """Draw accuracy against confidence, bin by bin, with intervals, and how many answers each bin holds beneath.

    Args:
        curve: of the answers as they are.
        after: of the same answers after a temperature; empty for none.
    """
    figure = _figure(*SIZE)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    _points(upper, curve, BEFORE, HELD_OUT, "o", "-")
    if after:
        _points(upper, after, AFTER, TRAIN, "s", (0, (4, 2)))
        upper.legend(loc="lower right", frameon=False, fontsize=10.5, labelcolor=INK)
    upper.set(xlim=(0, 1), ylim=(0, 1.03))
    upper.set_ylabel("accuracy", fontsize=10.5, color=MUTED)
    lower.bar([one.low for one in curve], [one.n for one in curve], 0.9 / len(curve), align="edge", color=HELD_OUT)
    lower.set_ylabel("predictions", fontsize=10.5, color=MUTED)
    lower.set_xlabel("confidence", fontsize=10.5, color=MUTED)
    most = max(one.n for one in curve)
    lower.set_yticks([0, most], ["0", f"{most:,}"])
    for axes in (upper, lower):
        _quiet(axes, ("bottom",), size=10.5, rules="y")
    return figure


def coverage_figure(points: Sequence[RiskCoverage]) -> Figure:
    """Draw accuracy against the share of images answered, the most confident first, with its interval as a band."""
    figure = _figure(*SIZE)
    axes = figure.add_subplot()
    shares = [point.coverage for point in points]
    lows, highs = [point.accuracy_interval[0] for point in points], [point.accuracy_interval[1] for point in points]
    axes.fill_between(shares, lows, highs, color=TRAIN, alpha=0.2)
    axes.plot(shares, [point.accuracy for point in points], color=TRAIN, marker="o", markersize=3.5, linewidth=1.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("coverage: share of images answered", fontsize=10.5, color=MUTED)
    axes.set_ylabel("accuracy of those answered", fontsize=10.5, color=MUTED)
    axes.set_xlim(0, 1.02)
    _quiet(axes, ("bottom",), size=10.5, rules="y")
    return figure


def _points(
    axes: Axes,
    curve: Sequence[ReliabilityBin],
    name: str,
    colour: str,
    marker: str,
    line: str | tuple[int, tuple[int, int]],
) -> None:
    known = [
        (one.confidence, one.accuracy, one.accuracy_interval, one.n >= FEW)
        for one in curve
        if one.confidence is not None and one.accuracy is not None and one.accuracy_interval is not None
    ]
    for x, y, interval, many in known:
        axes.plot([x, x], list(interval), color=colour, linewidth=1, alpha=0.6 if many else 0.25)
        if not many:
            axes.plot([x], [y], color=colour, marker=marker, markersize=4, markerfacecolor="none", alpha=0.5)
    xs, ys = [x for x, _, _, many in known if many], [y for _, y, _, many in known if many]
    axes.plot(xs, ys, color=colour, marker=marker, markersize=4, linewidth=1.6, linestyle=line, label=name)


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


def _quiet(axes: Axes, spines: tuple[str, ...], *, size: float = 8.5, rules: Literal["x", "y"] | None = None) -> None:
    """Leave only the named spines, thin, ticks of that size in points without strokes, and rules across an axis."""
    axes.patch.set_alpha(0)
    for name, spine in axes.spines.items():
        spine.set_visible(name in spines)
        spine.set_edgecolor(LINE)
    axes.tick_params(colors=MUTED, labelsize=size, length=0)
    if rules:
        axes.grid(axis=rules, color=LINE, linewidth=0.6)


def preview_figure(rows: Sequence[Array]) -> Figure:
    """Draw images as they are, and below them as the network gets them in each epoch.

    Args:
        rows: see `fittingroom.preview`.
    """
    count = len(rows[0])
    figure = Figure(figsize=(0.9 * count + 1.3, 0.95 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), count, squeeze=False)
    for number, (line, images) in enumerate(zip(axes, rows, strict=True)):
        for place, image in zip(line, images, strict=True):
            place.imshow(image, cmap="binary", interpolation="none", vmin=0, vmax=255)
            place.set(xticks=[], yticks=[])
            place.spines[:].set_color(LINE)
        name = f"epoch {number}" if number else "as they are"
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8, color=INK)
    return figure


def rate_figure(curve: RateCurve) -> Figure:
    """Draw the loss at growing learning rates, each batch's and smoothed, with the suggested rate marked."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve.rates, curve.losses, color=LINE, linewidth=0.8, label="each batch")
    axes.plot(curve.rates, curve.smoothed, color=TRAIN, linewidth=2, label="running mean")
    top = max(curve.smoothed[: len(curve.smoothed) // 2])
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss", ylim=(0, 1.6 * top))
    axes.axvline(curve.suggestion, color=HELD_OUT, linewidth=1.2, linestyle="--")
    axes.annotate(
        f"suggested: {curve.suggestion:g}",
        (curve.suggestion, 1.6 * top),
        xytext=(6, -6),
        textcoords="offset points",
        va="top",
        color=HELD_OUT,
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    return figure
