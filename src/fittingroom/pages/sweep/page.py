"""The page of a sweep: what each setting is worth, all trials, accuracy against cost, and the best judged again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import NullFormatter

from fittingroom.pages.figures import _figure, _quiet
from fittingroom.pages.html import inline_svg, render
from fittingroom.pages.plots import HELD_OUT, INK, LINE, MUTED, TRAIN
from fittingroom.pages.sweep import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fittingroom.pages.sweep.values import SweepReport
    from fittingroom.workflows.sweep_space import Dimension

BEST_SHARE = 4  # the best quarter of the trials is drawn in colour
MOST_LINES = 300  # of trials in one drawing
LABEL = 12  # letters of a word beside an axis


def sweep_page(report: SweepReport, dimensions: Sequence[Dimension]) -> str:
    """Return the page of a sweep.

    Args:
        report: every number on it.
        dimensions: what was varied, for the axes.

    Returns:
        HTML, for one file; it opens from ``file://`` and asks the network for nothing.
    """
    done = [row for row in report.trials if row["outcome"] == "done"]
    return render(
        "sweep.html.j2",
        report=report,
        tell=values,
        parallel=_parallel(done, dimensions),
        cost=_cost(report, done),
        span=values.standing_span(report),
        names=[each.name for each in dimensions],
    )


def _parallel(done: Sequence[Mapping[str, Any]], dimensions: Sequence[Dimension]) -> Markup:
    told = (
        f"One line for each of {len(done)} trials, over the axes {', '.join(each.name for each in dimensions)} and "
        "accuracy. The same numbers are in the table of trials below."
    )
    return inline_svg(parallel_figure(done, dimensions), told, "parallel")


def _cost(report: SweepReport, done: Sequence[Mapping[str, Any]]) -> Markup:
    by_name = {row["trial"]: row for row in done}
    front = [f"{by_name[name]['val_accuracy']:.4f} in {by_name[name]['seconds']:.1f} s" for name in report.front]
    return inline_svg(cost_figure(done, report.front), f"Nothing is better for less: {', '.join(front)}.", "cost")


def parallel_figure(done: Sequence[Mapping[str, Any]], dimensions: Sequence[Dimension]) -> Figure:
    """Draw each trial as a line over upright axes, one a setting and the last the accuracy; the best quarter in colour.

    Args:
        done: rows of trials that were trained to their end, one at least.
        dimensions: what was varied.
    """
    figure = _figure(max(4.6, 1.1 * (len(dimensions) + 1)), 3.3)
    axes = figure.add_subplot()
    accuracies = [row["val_accuracy"] for row in done]
    low, high = min(accuracies), max(accuracies)
    ranked = sorted(done, key=lambda row: row["val_accuracy"])[-MOST_LINES:]
    best = max(1, len(ranked) // BEST_SHARE)
    for place, row in enumerate(ranked):
        heights = [height_of(each, row["settings"].get(each.name)) for each in dimensions]
        heights.append(0.5 if high == low else (row["val_accuracy"] - low) / (high - low))
        is_best = place >= len(ranked) - best
        colour, width = (HELD_OUT, 1.6) if is_best else (MUTED, 0.7)
        axes.plot(range(len(heights)), heights, color=colour, linewidth=width, alpha=0.85 if is_best else 0.35)
    ends = [ends_of(each) for each in dimensions] + [(f"{low:.4f}", f"{high:.4f}")]
    for place, (bottom, top) in enumerate(ends):
        axes.axvline(place, color=LINE, linewidth=1)
        for words, height, side in ((bottom, -0.04, "top"), (top, 1.04, "bottom")):
            axes.text(place, height, words, ha="center", va=side, fontsize=9, color=INK)
    names = [each.name.replace("_", "\n") for each in dimensions] + ["accuracy"]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks([])
    axes.set_ylim(-0.14, 1.14)
    axes.set_xlim(-0.35, len(names) - 0.65)
    _quiet(axes, (), size=10.0)
    return figure


def height_of(dimension: Dimension, value: Any) -> float:
    """Return where a value stands on its axis, 0 at the bottom and 1 at the top.

    Example:
        >>> from fittingroom.workflows.sweep_space import Dimension
        >>> height_of(Dimension("learning_rate", 0.01, 1.0, log=True), 0.1)
        0.5
    """
    if dimension.choices:
        return dimension.choices.index(value) / (len(dimension.choices) - 1)
    assert dimension.low is not None
    assert dimension.high is not None
    low, high, at = dimension.low, dimension.high, value
    if dimension.log:
        low, high, at = math.log10(low), math.log10(high), math.log10(value)
    return float(min(1.0, max(0.0, round((at - low) / (high - low), 6))))


def ends_of(dimension: Dimension) -> tuple[str, str]:
    """Return the words at the bottom and the top of a setting's axis."""
    first, last = (
        (dimension.choices[0], dimension.choices[-1]) if dimension.choices else (dimension.low, dimension.high)
    )
    low, high = values.value_words(first), values.value_words(last)
    return low[:LABEL], high[:LABEL]


def cost_figure(done: Sequence[Mapping[str, Any]], front: Sequence[str]) -> Figure:
    """Draw each trial's accuracy against the seconds of its training, and the line of those that none beats in both.

    Args:
        done: rows of trials that were trained to their end, one at least.
        front: the names of those on the line, from the cheapest.
    """
    figure = _figure(4.6, 3.1)
    axes = figure.add_subplot()
    by_name = {row["trial"]: row for row in done}
    others = [row for row in done if row["trial"] not in front]
    axes.plot(
        [row["seconds"] for row in others],
        [row["val_accuracy"] for row in others],
        "o",
        color=MUTED,
        markersize=4,
        alpha=0.6,
    )
    on_it = [by_name[name] for name in front]
    axes.step(
        [row["seconds"] for row in on_it],
        [row["val_accuracy"] for row in on_it],
        where="post",
        color=TRAIN,
        linewidth=1.6,
        marker="o",
        markersize=6,
    )
    axes.set_xlabel("seconds of training", fontsize=10, color=MUTED)
    axes.set_ylabel("validation accuracy", fontsize=10, color=MUTED)
    _quiet(axes, ("bottom",), size=10.0, rules="y")
    _by_factors(axes, [row["seconds"] for row in done])
    return figure


def _by_factors(axes: Axes, seconds: Sequence[float]) -> None:
    """Scale the axis of seconds by factors where they lie far apart."""
    if min(seconds) > 0 and max(seconds) > 10 * min(seconds):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
