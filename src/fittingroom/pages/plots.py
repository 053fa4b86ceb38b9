"""The walk-through's two plots, of whatever is passed, and the colours of everything that is drawn."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fittingroom.errors import DataError, UsageError
from fittingroom.lookup import look_up
from fittingroom.pages.answers import Answer
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from fittingroom.arrays import Array


INK: Final = "#25272c"
MUTED: Final = "#6c6a66"
LINE: Final = "#d9d6cf"
BAR: Final = "#777777"
TRAIN: Final = "#2b5f92"
HELD_OUT: Final = "#b8541c"


@dataclass(frozen=True)
class Palette:
    """How a right and a wrong answer look.

    Attributes:
        right: colour of a right answer, and of the true class's bar.
        wrong: colour of a wrong answer, and of its bar.
        bar: colour of the other bars.
        marks: signs for right and wrong beside the colour; empty strings where colour alone speaks.
    """

    right: str
    wrong: str
    bar: str = BAR
    marks: tuple[str, str] = ("", "")

    def of(self, right: bool) -> str:
        """Return the colour of an answer."""
        return self.right if right else self.wrong

    def mark(self, right: bool) -> str:
        """Return the sign of an answer."""
        return self.marks[0 if right else 1]


# "colour-blind" is Okabe and Ito's blue and vermilion, told apart under every common colour deficiency
# (https://jfly.uni-koeln.de/color/).
PALETTES: Final[dict[str, Palette]] = {
    "classic": Palette(right="green", wrong="red"),
    "classic-marked": Palette(right="green", wrong="red", marks=("✓", "✗")),
    "colour-blind": Palette(right="#0072B2", wrong="#D55E00", marks=("✓", "✗")),
}


def pick(i: object, predictions: object, labels: object, images: object = None) -> tuple[Answer, Array | None]:
    """Return item ``i`` of the lists given, and its picture; what is single already is taken as it is.

    Args:
        i: position in the lists.
        predictions: ``(n, c)``, or one ``(c,)``.
        labels: ``(n,)``, or one whole number.
        images: ``(n, h, w)``, ``(n, h * h)``, or one ``(h, w)``; a channel axis of size 1 at the end is dropped.

    Returns:
        The answer, and the picture ``(h, w)`` where images were given, else None.

    Raises:
        UsageError: ``i`` is not a position in the lists.
        DataError: lists of different lengths, a shape that cannot be read, predictions that are no probabilities.
    """
    lists = {"predictions": _predictions(predictions), "labels": _labels(labels)}
    if images is not None:
        lists["images"] = _images(images, lists["labels"])
    lengths = {name: len(array) for name, array in lists.items() if array.ndim == _LIST_AXES[name]}
    position = _position(i, lengths, all_lists=len(lengths) == len(lists))
    chosen = {name: _take(array, position, _LIST_AXES[name]) for name, array in lists.items()}
    label = int(chosen["labels"])
    _check_one(chosen["predictions"], label)
    return Answer(position, label, tuple(map(float, chosen["predictions"]))), chosen.get("images")


_LIST_AXES = {"predictions": 2, "labels": 1, "images": 3}
_SMALLEST_FLAT = 100  # a 2-D array of fewer columns is one small picture, not a list of flattened ones


def _take(array: Array, position: int, list_axes: int) -> Array:
    if array.ndim < list_axes:
        return array
    return np.asarray(array[position if len(array) > 1 else 0])


def _position(i: object, lengths: dict[str, int], all_lists: bool) -> int:
    """Return ``i`` as an index that all lists have; beside longer lists, a list of one stands for its one item."""
    try:
        position = operator.index(i)  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(f"The first argument is a position: expected a whole number, received {i!r}.") from None
    longer = {name: length for name, length in lengths.items() if length > 1}
    if len(set(longer.values())) > 1:
        listed = ", ".join(f"{length:,} {name}" for name, length in longer.items())
        raise DataError(f"Expected lists of the same length, received {listed}. Are some from train, some from test?")
    n = max(longer.values(), default=1 if all_lists else None)
    if n is not None and not 0 <= position < n:
        raise UsageError(f"Position {position} is outside the {counted(n, 'item')} given: expected 0 to {n - 1}.")
    return position


def _predictions(predictions: object) -> Array:
    array = np.asarray(predictions)
    if array.ndim not in (1, 2) or array.dtype.kind != "f" or not array.size:
        raise DataError(
            "predictions: expected probabilities of shape (n, classes) or (classes,), "
            f"received {array.dtype} {array.shape}. They come from predict, not from its argmax."
        )
    return array


def _labels(labels: object) -> Array:
    array = np.asarray(labels)
    if array.ndim > 1 or array.dtype.kind not in "iu" or not array.size:
        raise DataError(f"labels: expected whole numbers of shape (n,) or one, received {array.dtype} {array.shape}.")
    return array


def _images(images: object, labels: Array) -> Array:
    """Return images as ``(n, h, w)`` or one as ``(h, w)``."""
    array = np.asarray(images)
    if array.ndim in (3, 4) and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (1, 2, 3) or not array.size:
        raise DataError(f"images: expected shape (n, height, width) or one picture, received {array.shape}.")
    if array.ndim == 1 or (array.ndim == 2 and _is_list_of_rows(array, labels)):
        return _unflatten(array)
    return array


def _is_list_of_rows(array: Array, labels: Array) -> bool:
    """Tell ``(n, h * w)`` from one ``(h, w)``; only its shape and the labels beside it can say."""
    rows, columns = int(array.shape[0]), int(array.shape[1])
    flat_square = _side(columns) ** 2 == columns
    if rows == 1:
        return True
    if labels.ndim and rows == len(labels):
        return flat_square or rows != columns
    return flat_square and rows != columns and columns > _SMALLEST_FLAT


def _unflatten(array: Array) -> Array:
    side = _side(array.shape[-1])
    if side * side != array.shape[-1]:
        raise DataError(
            f"images: {array.shape[-1]} pixels are no square, so height and width cannot be known from "
            f"{array.shape}. Pass shape (n, height, width)."
        )
    return array.reshape(*array.shape[:-1], side, side)


def _side(pixels: int) -> int:
    return math.isqrt(int(pixels))


def _check_one(probabilities: Array, label: int) -> None:
    if not (np.isfinite(probabilities).all() and probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-3):
        raise DataError(
            f"predictions: expected probabilities in 0..1, received values from {probabilities.min():.3g} "
            f"to {probabilities.max():.3g}. Are these logits? Apply a softmax."
        )
    if not 0 <= label < len(probabilities):
        raise DataError(f"labels: expected a class in 0..{len(probabilities) - 1}, received {label}.")


def names_for(classes: int, class_names: Sequence[str] | None) -> tuple[str, ...]:
    """Return one name a class: those given, else Fashion-MNIST's where there are ten, else numbers.

    Raises:
        DataError: another number of names than classes.
    """
    if class_names is None:
        return _default_names(classes)
    if len(class_names) != classes:
        raise DataError(f"class_names: expected {classes}, one a column of predictions, received {len(class_names)}.")
    return tuple(str(name) for name in class_names)


def _default_names(classes: int) -> tuple[str, ...]:
    from fittingroom.data.catalog import DATASETS

    fashion = DATASETS["fashion-mnist"].class_names
    return fashion if classes == len(fashion) else tuple(str(number) for number in range(classes))


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
    answer, image = pick(i, predictions, labels, images)
    names, colours = names_for(len(answer.probabilities), class_names), look_up(palette, PALETTES, "palette")
    axes = _current(ax)
    draw_named_picture(axes, answer, np.asarray(image), names, colours)
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
    answer, _ = pick(i, predictions, labels)
    colours = look_up(palette, PALETTES, "palette")
    names = None if class_names is None else names_for(len(answer.probabilities), class_names)
    axes = _current(ax)
    draw_bars(axes, answer, colours, names)
    return axes


def draw_named_picture(axes: Axes, answer: Answer, image: Array, class_names: Sequence[str], colours: Palette) -> None:
    """Draw a picture ``(h, w)`` with its predicted and its true class below."""
    draw_picture(axes, image)
    _bare(axes)
    axes.set_xlabel(caption(answer, class_names, colours), color=colours.of(answer.right))


def draw_bars(axes: Axes, answer: Answer, colours: Palette, class_names: Sequence[str] | None = None) -> None:
    """Draw an answer's probabilities as bars, the names of the classes under them where they are given."""
    bars = axes.bar(range(len(answer.probabilities)), answer.probabilities, color=colours.bar)
    _bare(axes)
    axes.set_ylim(0, 1)
    for which, right in ((answer.predicted, False), (answer.label, True)):
        bars[which].set_color(colours.of(right))
    _mark_bars(axes, answer, colours)
    if class_names is not None:
        axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right", rotation_mode="anchor")


def caption(answer: Answer, names: Sequence[str], palette: Palette) -> str:
    """Return the words under a picture: ``✗ Sneaker 54% (Sandal)``; the sign only where the palette has one.

    Example:
        >>> caption(Answer(0, 0, (0.25, 0.75)), ["Cat", "Dog"], PALETTES["colour-blind"])
        '✗ Dog 75% (Cat)'
    """
    words = f"{names[answer.predicted]} {100 * answer.confidence:.0f}% ({names[answer.label]})"
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


def _mark_bars(axes: Axes, answer: Answer, colours: Palette) -> None:
    if not colours.marks[0]:
        return
    for which in {answer.predicted, answer.label}:
        right = which == answer.label
        axes.text(
            which, answer.probabilities[which], colours.mark(right), ha="center", va="bottom", color=colours.of(right)
        )
