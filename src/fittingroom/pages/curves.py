"""Curves: learning curves, the reliability curve, and accuracy where a model may decline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fittingroom.pages.html import inline_svg
from fittingroom.pages.palettes import HELD_OUT, INK, LINE, MUTED, TRAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from markupsafe import Markup

    Style: TypeAlias = tuple[str, str | tuple[float, tuple[float, ...]], str]
    from matplotlib.axes import Axes

    from fittingroom.judging import ReliabilityBin, RiskCoverage
    from fittingroom.pages.learning import Epoch


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
    figure = Figure(figsize=(4.5, 3.0), layout="constrained")
    figure.patch.set_alpha(0)
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
    axes.patch.set_alpha(0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_edgecolor(LINE)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.tick_params(colors=MUTED, labelsize=10, length=0)
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
FEW = 20  # answers: a bin with fewer says little, so it is drawn hollow and joined to no other
BEFORE, AFTER = "as it is", "tempered"


def reliability_figure(curve: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin] = ()) -> Figure:
    """Draw accuracy against confidence, bin by bin, with intervals, and how many answers each bin holds beneath.

    Args:
        curve: of the answers as they are.
        after: of the same answers, tempered; empty for none.
    """
    figure = Figure(figsize=SIZE, layout="constrained")
    figure.patch.set_alpha(0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    _points(upper, curve, BEFORE, HELD_OUT, "o", "-")
    if after:
        _points(upper, after, AFTER, TRAIN, "s", (0, (4, 2)))
        upper.legend(loc="lower right", frameon=False, fontsize=10.5, labelcolor=INK)
    upper.set(xlim=(0, 1), ylim=(0, 1.03))
    upper.set_ylabel("share right", fontsize=10.5, color=MUTED)
    lower.bar([one.low for one in curve], [one.n for one in curve], 0.9 / len(curve), align="edge", color=HELD_OUT)
    lower.set_ylabel("answers", fontsize=10.5, color=MUTED)
    lower.set_xlabel("confidence", fontsize=10.5, color=MUTED)
    most = max(one.n for one in curve)
    lower.set_yticks([0, most], ["0", f"{most:,}"])
    for axes in (upper, lower):
        _quiet(axes)
    return figure


def coverage_figure(points: Sequence[RiskCoverage]) -> Figure:
    """Draw accuracy against the share of images answered, the surest first, with its interval as a band."""
    figure = Figure(figsize=SIZE, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    shares = [point.coverage for point in points]
    lows, highs = [point.accuracy_interval[0] for point in points], [point.accuracy_interval[1] for point in points]
    axes.fill_between(shares, lows, highs, color=TRAIN, alpha=0.2)
    axes.plot(shares, [point.accuracy for point in points], color=TRAIN, marker="o", markersize=3.5, linewidth=1.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("answered, the surest first", fontsize=10.5, color=MUTED)
    axes.set_ylabel("accuracy of what is answered", fontsize=10.5, color=MUTED)
    axes.set_xlim(0, 1.02)
    _quiet(axes)
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


def _quiet(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_edgecolor(LINE)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.tick_params(colors=MUTED, labelsize=10.5, length=0)


def curves(
    history: Sequence[Epoch], accuracies: dict[str, float | None], losses: dict[str, float | None]
) -> dict[str, Markup]:
    """Return the curves of accuracy and of loss, with points for what the finished network reached.

    Args:
        history: one value an epoch.
        accuracies: of the finished network, by what to write beside the point.
        losses: likewise.
    """
    return {
        name: inline_svg(curve_figure(history, name, ends), _curve_words(history, name), name)
        for name, ends in (("accuracy", accuracies), ("loss", losses))
    }


def _curve_words(history: Sequence[Epoch], name: str) -> str:
    values = ", ".join(f"{getattr(epoch, name):.4f}" for epoch in history)
    held_out = [value for epoch in history if (value := getattr(epoch, f"val_{name}")) is not None]
    validation = f" Validation: {', '.join(f'{value:.4f}' for value in held_out)}." if held_out else ""
    return f"Training {name} by epoch: {values}.{validation}"
