"""Answers as values: an image, what it was taken for, how much that cost; as figures and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table
from rich.text import Text

from fittingroom.errors import UsageError
from fittingroom.files import atomic_write
from fittingroom.judging.scores import losses
from fittingroom.lookup import look_up
from fittingroom.pages.palettes import LINE, PALETTES
from fittingroom.pages.plots import draw_picture
from fittingroom.pages.terminal_picture import Drawing, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from rich.console import RenderableType

    from fittingroom.arrays import Array, Images


@dataclass(frozen=True)
class Neighbour:
    """A training image that the model holds to be like another.

    Attributes:
        index: position in the file of training images.
        label: its class.
    """

    index: int
    label: int


@dataclass(frozen=True)
class Answer:
    """One image and what was said of it; of the highest losses a few may be right.

    Attributes:
        index: position in the split's file.
        label: the true class.
        predicted: the most probable class.
        loss: nats.
        probabilities: one a class.
        neighbours: the training images most like it, the nearest first.
    """

    index: int
    label: int
    predicted: int
    loss: float
    probabilities: tuple[float, ...]
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.predicted == self.label

    @property
    def confidence(self) -> float:
        """The probability of what was said."""
        return self.probabilities[self.predicted]


def by_loss(labels: Array, probabilities: Array) -> Array:
    """Return all positions, the highest loss first; of equal losses the first image."""
    return np.argsort(-losses(labels, probabilities), kind="stable")


def by_confidence(labels: Array, probabilities: Array) -> Array:
    """Return the positions of the mistakes, the most confident first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return np.asarray(wrong[surest])


ORDERS: Final[dict[str, Callable[[Array, Array], Array]]] = {"loss": by_loss, "confidence": by_confidence}


def choose(
    labels: Array,
    probabilities: Array,
    *,
    count: int | None = None,
    order: str = "loss",
    true: int | None = None,
    predicted: int | None = None,
) -> Array:
    """Return the positions to look at, the worst first.

    Args:
        labels: ``(n,)``.
        probabilities: ``(n, c)``.
        count: how many at most; None for all.
        order: ``"loss"``, or ``"confidence"``: mistakes only, the surest first.
        true: only images of this class.
        predicted: only images taken for this class.

    Raises:
        UsageError: no such order.
    """
    positions = look_up(order, ORDERS, "order")(labels, probabilities)
    if true is not None:
        positions = positions[labels[positions] == true]
    if predicted is not None:
        positions = positions[probabilities[positions].argmax(axis=1) == predicted]
    return positions[:count]


def answers_at(
    positions: Array, labels: Array, probabilities: Array, indices: Array, near: Sequence[tuple[Neighbour, ...]] = ()
) -> tuple[Answer, ...]:
    """Return what was said of some images, as values, in the order of the positions.

    Args:
        positions: in the arrays, ``(k,)``.
        labels: true classes ``(n,)``.
        probabilities: ``(n, c)``.
        indices: positions in the split's file ``(n,)``.
        near: the training images most like each, one tuple a position; empty for none.

    Example:
        >>> answers_at(np.array([1]), np.array([0, 1]), np.eye(2), np.array([7, 9]))[0].index
        9
    """
    costs = losses(labels[positions], probabilities[positions])
    return tuple(
        Answer(
            index=int(indices[position]),
            label=int(labels[position]),
            predicted=int(probabilities[position].argmax()),
            loss=float(cost),
            probabilities=tuple(float(value) for value in probabilities[position]),
            neighbours=near[row] if near else (),
        )
        for row, (position, cost) in enumerate(zip(positions.tolist(), costs, strict=True))
    )


def neighbours_sentence(mistake: Answer, class_names: Sequence[str]) -> str:
    """Say of which classes the nearest training images are.

    Example:
        >>> near = (Neighbour(5, 1), Neighbour(9, 1), Neighbour(2, 0))
        >>> neighbours_sentence(Mistake(3, 0, 1, 2.0, (0.1, 0.9), near), ["Coat", "Shirt"])
        'Of the 3 training images most like it, 2 are Shirt, which it was taken for, and 1 is Coat, which it is.'
    """
    labels = [each.label for each in mistake.neighbours]
    known = {mistake.predicted: "which it was taken for", mistake.label: "which it is"}
    parts = [
        f"{_are(labels.count(label))} {class_names[label]}, {role}" for label, role in known.items() if label in labels
    ]
    other = sum(label not in known for label in labels)
    if other:
        parts.append(f"{_are(other)} of other classes")
    return f"Of the {len(labels)} training images most like it, {_listed(parts)}."


def _are(number: int) -> str:
    return f"{number} is" if number == 1 else f"{number} are"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


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
    draw = partial(figure.savefig, format=path.suffix[1:].lower(), dpi=150, facecolor="white", bbox_inches="tight")
    atomic_write(path, draw)


BAR = 20  # characters of a probability of 1
CHANCES = 3


def mistake_block(
    mistake: Answer,
    split: str,
    class_names: Sequence[str],
    drawing: Drawing,
    image: Array,
    near: Sequence[Array] = (),
) -> RenderableType:
    """Return one mistake for a terminal that can show pictures.

    Args:
        mistake: the image and what was said.
        split: that it is of.
        class_names: by label.
        drawing: how pictures are shown.
        image: uint8 ``(h, w)``.
        near: the training images most like it, as many as are to be shown.
    """
    table = Table.grid(padding=(0, 2))
    table.add_row(picture(image, drawing), mistake_words(mistake, split, class_names, ascii_only=drawing == "letters"))
    if near:
        pictures = Table.grid(padding=(0, 1))
        pictures.add_row(*(picture(each, drawing) for each in near))
        pictures.add_row(
            *(Text(class_names[each.label], style="dim", justify="center") for each in mistake.neighbours[: len(near)])
        )
        whole = Table.grid()
        whole.add_row(table)
        whole.add_row(Text("most like it, of what it learned from:", style="dim"))
        whole.add_row(pictures)
        return whole
    return table


def mistake_words(mistake: Answer, split: str, class_names: Sequence[str], *, ascii_only: bool = False) -> Text:
    """Return what there is to say of one image, a line each."""
    sign, style = ("right", "green") if mistake.right else ("wrong", "red")
    text = Text()
    text.append(f"{split} image {mistake.index}\n", style="bold")
    text.append(f"{sign}: ", style=style)
    text.append(f"said {class_names[mistake.predicted]}, is {class_names[mistake.label]}\n")
    text.append(f"loss {mistake.loss:.2f}\n\n", style="dim")
    ranked = sorted(range(len(class_names)), key=lambda label: -mistake.probabilities[label])
    listed = ranked[:CHANCES] + ([mistake.label] if mistake.label not in ranked[:CHANCES] else [])
    width = max(len(class_names[label]) for label in listed)
    for label in listed:
        chance = mistake.probabilities[label]
        bar = ("#" if ascii_only else "█") * round(BAR * chance)
        text.append(f"{class_names[label]:<{width}} {chance:7.2%} {bar}{'  true' if label == mistake.label else ''}\n")
    if mistake.neighbours:
        text.append(f"\n{neighbours_sentence(mistake, class_names)}")
    return text
