"""Answers as values: an image of a split, its true and its predicted class; which to look at, and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fittingroom.judging.scores import losses
from fittingroom.lookup import look_up
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    """One image of a split and a model's probabilities for it.

    Attributes:
        index: position in the split's file.
        label: the true class.
        probabilities: one a class.
        neighbours: the training images most like it, the nearest first.
        predicted: the most probable class; of equal ones the first.
        loss: nats.

    Example:
        >>> answer = Answer(7, 0, (0.25, 0.75))
        >>> answer.predicted, answer.right, answer.confidence
        (1, False, 0.75)
    """

    index: int
    label: int
    probabilities: tuple[float, ...]
    neighbours: tuple[Neighbour, ...] = ()
    predicted: int = field(init=False)
    loss: float = field(init=False)

    def __post_init__(self) -> None:
        """Fill in what follows from the rest; fields, so that a page's JSON twin has them."""
        loss = losses(np.array([self.label]), np.array([self.probabilities]))[0]
        object.__setattr__(self, "predicted", int(np.argmax(self.probabilities)))
        object.__setattr__(self, "loss", float(loss))

    @property
    def right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.predicted == self.label

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return self.probabilities[self.predicted]


@dataclass(frozen=True)
class Pictures:
    """The pixels beside a page's answers, uint8 ``(h, w)``; none where they cannot be had.

    Attributes:
        judged: by position in the file of the split that was judged.
        train: by position in the file of training images.
        batches: images as they are, and as training gives them to the network; none where it changes nothing.
        inside: what the network has learned, drawn, see `fittingroom.pages.learned.drawn_inside`; empty for nothing.
    """

    judged: Mapping[int, Array] = field(default_factory=dict)
    train: Mapping[int, Array] = field(default_factory=dict)
    batches: Sequence[Array] = ()
    inside: Mapping[str, Any] = field(default_factory=dict)

    def __or__(self, other: Pictures) -> Pictures:
        batches = self.batches or other.batches
        inside = {**self.inside, **other.inside}
        return Pictures({**self.judged, **other.judged}, {**self.train, **other.train}, batches, inside)


def by_loss(labels: Array, probabilities: Array) -> Array:
    """Return all positions, the highest loss first; of equal losses the first image."""
    return np.argsort(-losses(labels, probabilities), kind="stable")


def by_confidence(labels: Array, probabilities: Array) -> Array:
    """Return the positions of the mistakes, the most confident first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    most_confident = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return np.asarray(wrong[most_confident])


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
        order: ``"loss"``, or ``"confidence"``: mistakes only, the most confident first.
        true: only images of this class.
        predicted: only images predicted as this class.

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
    """Return the answers about some images, in the order of the positions.

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
    return tuple(
        Answer(
            index=int(indices[position]),
            label=int(labels[position]),
            probabilities=tuple(float(value) for value in probabilities[position]),
            neighbours=near[row] if near else (),
        )
        for row, position in enumerate(positions.tolist())
    )


def answer_words(answer: Answer, split: str, class_names: Sequence[str]) -> str:
    """Return what was answered about one image in words.

    Example:
        >>> answer_words(Answer(3, 0, (0.1, 0.9)), "test", ("Coat", "Shirt"))
        'Test image 3: predicted Shirt with 90 percent, true label Coat: wrong.'
    """
    return (
        f"{split.capitalize()} image {answer.index}: predicted {class_names[answer.predicted]} with "
        f"{100 * answer.confidence:.0f} percent, true label {class_names[answer.label]}: "
        f"{'right' if answer.right else 'wrong'}."
    )


def tally_sentence(answers: Sequence[Answer]) -> str:
    """Say how many of the images shown are classified correctly."""
    right = sum(each.right for each in answers)
    return f"{right} of these {counted(len(answers), 'image')} {'is' if right == 1 else 'are'} classified correctly."


def neighbours_sentence(mistake: Answer, class_names: Sequence[str]) -> str:
    """Say of which classes the nearest training images are.

    Example:
        >>> near = (Neighbour(5, 1), Neighbour(9, 1), Neighbour(2, 0))
        >>> neighbours_sentence(Answer(3, 0, (0.1, 0.9), near), ["Coat", "Shirt"])
        'Labels of the 3 most similar training images: 2 Shirt (the predicted class), 1 Coat (the true class).'
    """
    labels = [each.label for each in mistake.neighbours]
    known = {mistake.predicted: "the predicted class", mistake.label: "the true class"}
    parts = [f"{labels.count(label)} {class_names[label]} ({role})" for label, role in known.items() if label in labels]
    other = sum(label not in known for label in labels)
    parts += [f"{other} of other classes"] if other else []
    return f"Labels of the {counted(len(labels), 'most similar training image')}: {', '.join(parts)}."
