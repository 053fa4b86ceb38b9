from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from fittingroom.errors import UsageError
from fittingroom.pages.answers import (
    Answer,
    Neighbour,
    answers_at,
    choose,
    neighbours_sentence,
)

LABELS = np.array([0, 0, 1, 2, 2])
ANSWERS = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.55, 0.0, 0.45]])
NAMES = ("Coat", "Shirt", "Bag")


def test_the_highest_loss_comes_first() -> None:
    assert choose(LABELS, ANSWERS).tolist() == [3, 1, 4, 2, 0]


def test_by_confidence_only_mistakes_are_there_the_most_confident_first() -> None:
    assert choose(LABELS, ANSWERS, order="confidence").tolist() == [3, 1, 4]


def test_images_can_be_chosen_by_what_they_are_and_what_they_were_predicted_as() -> None:
    assert choose(LABELS, ANSWERS, true=2).tolist() == [3, 4]
    assert choose(LABELS, ANSWERS, true=2, predicted=0).tolist() == [4]
    assert choose(LABELS, ANSWERS, count=1).tolist() == [3]


def test_of_equal_losses_the_first_image_comes_first() -> None:
    assert choose(np.zeros(3, int), np.tile([0.5, 0.5], (3, 1))).tolist() == [0, 1, 2]


def test_what_was_said_follows_from_the_probabilities_and_stands_among_the_values() -> None:
    answer = Answer(3, 1, (0.5, 0.5, 0.0))
    assert asdict(answer) | {"loss": 0} == {
        "index": 3,
        "label": 1,
        "probabilities": (0.5, 0.5, 0.0),
        "neighbours": (),
        "predicted": 0,
        "loss": 0,
    }
    assert answer.loss == pytest.approx(np.log(2))


def test_an_unknown_order_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="Did you mean 'confidence'"):
        choose(LABELS, ANSWERS, order="confidense")


def test_answers_are_values_with_the_place_in_the_file() -> None:
    one = answers_at(np.array([3]), LABELS, ANSWERS, np.arange(5) + 1000)[0]
    assert (one.index, one.label, one.predicted, one.right) == (1003, 2, 1, False)
    assert one.confidence == pytest.approx(0.8)
    assert one.loss == pytest.approx(-np.log(0.1))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((1, 1, 1), "Labels of the 3 most similar training images: 3 Shirt (the predicted class)."),
        ((0,), "Labels of the 1 most similar training image: 1 Coat (the true class)."),
        ((2, 2), "Labels of the 2 most similar training images: 2 of other classes."),
        ((1, 0, 2), ": 1 Shirt (the predicted class), 1 Coat (the true class), 1 of other classes."),
    ],
)
def test_the_neighbours_are_told_in_a_sentence(labels: tuple[int, ...], words: str) -> None:
    near = tuple(Neighbour(k, label) for k, label in enumerate(labels))
    assert words in neighbours_sentence(Answer(0, 0, (0.1, 0.8, 0.1), near), NAMES)
