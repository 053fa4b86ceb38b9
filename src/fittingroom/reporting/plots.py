"""The walk-through's two plots: a picture with its verdict, and the bars of its probabilities.

Both draw on the current axes and make no figure of their own, so code pasted from the walk-through runs unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.lookup import look_up
from fittingroom.reporting.palettes import PALETTES, Palette
from fittingroom.reporting.picking import PickedAnswer, names_for, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from fittingroom.arrays import Array


def plot_image(
    i: object,
    predictions: object,
    labels: object,
    images: object,
    *,
    class_names: Sequence[str] | None = None,
    palette: str = "classic",
    ax: Axes | None = None,
) -> Axes:
    """Draw a picture and, underneath, what the network took it for: ``Sneaker 93% (Sneaker)``.

    The predicted name and its percentage come first, the true name follows in brackets; green where right, red where
    wrong.

    Args:
        i: which item of the lists.
        predictions: probabilities ``(n, classes)``, or one item's ``(classes,)``.
        labels: true classes ``(n,)``, or one.
        images: ``(n, h, w)`` or ``(n, h * h)``, or one ``(h, w)``; uint8 in 0..255 or floats in 0..1.
        class_names: one a class; default Fashion-MNIST's where there are ten classes, else numbers.
        palette: ``"classic"`` green and red; ``"classic-marked"`` the same with a tick or a cross;
            ``"colour-blind"`` blue and vermilion with a tick or a cross.
        ax: where to draw; default ``plt.gca()``.

    Returns:
        The axes drawn on.

    Raises:
        UsageError: no such position, no such palette.
        DataError: lists of different lengths, a shape that cannot be read, predictions that are no probabilities.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> figure = plt.figure()
        >>> axes = plot_image(0, [[0.1, 0.9]], [1], [[[0, 255], [255, 0]]], class_names=["Cat", "Dog"])
        >>> axes.get_xlabel()
        'Dog 90% (Dog)'
        >>> plt.close(figure)

    Source: the Keras walk-through "Basic classification: classify images of clothing".
    """
    answer = pick(i, predictions, labels, images)
    names = names_for(len(answer.probabilities), class_names)
    colours = look_up(palette, PALETTES, "palette")
    axes = _current(ax)
    draw_picture(axes, np.asarray(answer.image))
    _bare(axes)
    axes.set_xlabel(caption(answer, names, colours), color=colours.of(answer.right))
    return axes


def plot_value_array(
    i: object,
    predictions: object,
    labels: object,
    *,
    class_names: Sequence[str] | None = None,
    palette: str = "classic",
    ax: Axes | None = None,
) -> Axes:
    """Draw an item's probabilities as bars: grey, the predicted one red, the true one green.

    Where the network is right the two are the same bar, and it is green.

    Args:
        i: which item of the lists.
        predictions: probabilities ``(n, classes)``, or one item's ``(classes,)``.
        labels: true classes ``(n,)``, or one.
        class_names: names to write under the bars; None writes none, as the walk-through adds its own.
        palette: as in `plot_image`.
        ax: where to draw; default ``plt.gca()``.

    Returns:
        The axes drawn on.

    Raises:
        UsageError: no such position, no such palette.
        DataError: lists of different lengths, a shape that cannot be read, predictions that are no probabilities.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> figure = plt.figure()
        >>> axes = plot_value_array(0, [0.1, 0.9], 1)
        >>> [round(float(bar.get_height()), 1) for bar in axes.patches]
        [0.1, 0.9]
        >>> plt.close(figure)
    """
    answer = pick(i, predictions, labels)
    colours = look_up(palette, PALETTES, "palette")
    axes = _current(ax)
    bars = axes.bar(range(len(answer.probabilities)), answer.probabilities, color=colours.bar)
    _bare(axes)
    axes.set_ylim(0, 1)
    for which, right in ((answer.predicted, False), (answer.label, True)):
        bars[which].set_color(colours.of(right))
    _mark_bars(axes, answer, colours)
    if class_names is not None:
        names = names_for(len(answer.probabilities), class_names)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    return axes


def caption(answer: PickedAnswer, names: Sequence[str], palette: Palette) -> str:
    """Return the words under a picture: ``✗ Sneaker 54% (Sandal)``; the sign only where the palette has one.

    Example:
        >>> import numpy as np
        >>> caption(PickedAnswer(np.array([0.25, 0.75]), 0), ["Cat", "Dog"], PALETTES["colour-blind"])
        '✗ Dog 75% (Cat)'
    """
    percent = 100 * float(answer.probabilities[answer.predicted])
    words = f"{names[answer.predicted]} {percent:.0f}% ({names[answer.label]})"
    return f"{palette.mark(answer.right)} {words}".strip()


def _current(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.gca()


def draw_picture(axes: Axes, image: Array) -> AxesImage:
    """Draw one grey picture ``(h, w)``, its full scale 255 for integers and 1 for scaled floats."""
    white = 255 if image.dtype.kind in "iu" or image.max() > 1 else 1
    return axes.imshow(image, cmap="binary", interpolation="none", vmin=0, vmax=white)


def _bare(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])


def _mark_bars(axes: Axes, answer: PickedAnswer, colours: Palette) -> None:
    if not colours.marks[0]:
        return
    for which in {answer.predicted, answer.label}:
        right = which == answer.label
        height = float(answer.probabilities[which])
        axes.text(which, height, colours.mark(right), ha="center", va="bottom", color=colours.of(right))
