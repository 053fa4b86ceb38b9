"""Mistakes as values: what an image is, what it was taken for, how much that cost, and what it is like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fittingroom.judging.scores import losses
from fittingroom.lookup import look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fittingroom.arrays import Array


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
