"""How sure a model is, drawn: the reliability curve, and accuracy where it may decline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fittingroom.reporting.palettes import HELD_OUT, INK, LINE, MUTED, TRAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fittingroom.judging import ReliabilityBin, RiskCoverage

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
