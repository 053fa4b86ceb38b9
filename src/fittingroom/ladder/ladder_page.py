"""The ladder's page: accuracy against seconds and against operations, and the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from fittingroom.pages.html import inline_svg, render
from fittingroom.pages.plots import INK, LINE, MUTED, TRAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.ladder.ladder_table import Row


AXES = {
    "seconds": "seconds of training",
    "parameters": "parameters of the network",
    "mflop": "million operations per image, forward",
}


def page(rows: Sequence[Row], dataset: str) -> str:
    """Return the page as HTML, for one file that needs nothing from outside.

    Args:
        rows: of the ladder.
        dataset: its name.
    """
    drawn = {cost: figure for cost in AXES if (figure := ladder_figure(rows, cost)) is not None}
    figures = [
        inline_svg(figure, f"Test accuracy of each rung against {AXES[cost]}; the table below has the numbers.", cost)
        for cost, figure in drawn.items()
    ]
    machines = sorted({row.machine for row in rows if row.machine})
    fingerprints = sorted({row.fingerprint for row in rows if row.fingerprint})
    return render(
        "ladder.html.j2",
        rows=rows,
        dataset=dataset,
        figures=figures,
        machine="; ".join(machines) or "no machine yet",
        fingerprint=", ".join(fingerprints) or "not measured yet",
    )


def ladder_figure(rows: Sequence[Row], cost: str) -> Figure | None:
    """Draw mean accuracy against a cost on a logarithmic axis, with the spread between seeds; None where none has it.

    A line joins the Pareto front: the rungs that no other one beats in both.

    Args:
        rows: of the ladder.
        cost: a key of `AXES`.
    """
    points = [
        (float(x), row.mean, row.sd or 0.0, row.rung)
        for row in rows
        if (x := getattr(row, cost)) is not None and row.mean is not None
    ]
    if not points:
        return None
    figure = Figure(figsize=(4.9, 3.1), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    xs, ys, spreads, names = zip(*points, strict=True)
    front = pareto_front(list(zip(xs, ys, strict=True)))
    axes.plot(*zip(*front, strict=True), color=LINE, linewidth=1.5, zorder=0)
    axes.errorbar(xs, ys, yerr=spreads, fmt="o", color=TRAIN, markersize=5, capsize=2)
    below: list[tuple[float, float]] = []
    for x, y, name in sorted(zip(xs, ys, names, strict=True), key=lambda point: point[1]):
        if any(_near((x, y), other) for other in below):
            corner: dict[str, Any] = {"xytext": (-6, 4), "ha": "right"}
        else:
            corner = {"xytext": (6, -10)}
            below.append((x, y))
        axes.annotate(name, (x, y), textcoords="offset points", color=INK, fontsize=8, **corner)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.2, y=0.15)
    axes.set_xlabel(AXES[cost], color=MUTED)
    axes.set_ylabel("test accuracy", color=MUTED)
    axes.tick_params(colors=MUTED, labelsize=8)
    axes.grid(color=LINE, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points ``(cost, accuracy)`` that none both as cheap and as accurate beats, the cheapest first.

    Example:
        >>> pareto_front([(3.0, 0.9), (1.0, 0.8), (2.0, 0.7), (3.0, 0.85)])
        [(1.0, 0.8), (3.0, 0.9)]
    """
    front: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or accuracy > front[-1][1]:
            front.append((cost, accuracy))
    return front


def _near(point: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two points lie so close together that their labels would meet, were both below on the right."""
    return 0.5 < other[0] / point[0] < 2 and abs(other[1] - point[1]) < 0.007
