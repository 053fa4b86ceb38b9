"""What can be drawn before a training: its first batch as the network gets it, and the loss at growing rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.arrays import Array
    from fittingroom.training.before_training import RateCurve


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
        name = f"epoch {number}" if number else "as they are"
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    return figure


def rate_figure(curve: RateCurve) -> Figure:
    """Draw the loss at growing learning rates, each batch's and smoothed, with the suggested rate marked."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve.rates, curve.losses, color="0.75", linewidth=0.8, label="each batch")
    axes.plot(curve.rates, curve.smoothed, color="#1f5fa8", linewidth=2, label="running mean")
    top = max(curve.smoothed[: len(curve.smoothed) // 2])
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss", ylim=(0, 1.6 * top))
    axes.axvline(curve.suggestion, color="#b3261e", linewidth=1.2, linestyle="--")
    axes.annotate(
        f"suggested: {curve.suggestion:g}",
        (curve.suggestion, 1.6 * top),
        xytext=(6, -6),
        textcoords="offset points",
        va="top",
        color="#b3261e",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    return figure
