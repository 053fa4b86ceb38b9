from __future__ import annotations

import numpy as np
import pytest

from fittingroom.data import Split
from fittingroom.errors import UsageError
from fittingroom.pages.interpretation import Interpretation

NAMES = ("Coat", "Shirt", "Bag")
LABELS = np.array([0, 0, 1, 2, 2], np.uint8)
ANSWERS = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.55, 0.0, 0.45]])


def pictures(n: int, shade: int) -> np.ndarray:
    return np.full((n, 28, 28), shade, np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None]


def opened(name: str = "test") -> Interpretation:
    """Five images judged, six learned from, whose nearest are those that follow one another."""
    split = Split(name, pictures(5, 100), LABELS, np.arange(5) + 40)
    train = Split("train", pictures(6, 0), np.array([0, 1, 1, 2, 0, 1], np.uint8), np.arange(6) + 40)
    return Interpretation(split, ANSWERS, NAMES, train, lambda images, count: [list(range(count))] * len(images))


def test_top_losses_are_the_losses_and_where_they_are() -> None:
    costs, positions = opened().top_losses(3)
    assert positions.tolist() == [3, 1, 4]
    assert costs == pytest.approx(-np.log([0.1, 0.2, 0.45]))
    assert len(opened().top_losses()[1]) == 5


def test_most_confused_are_pairs_with_counts_of_at_least_what_is_asked() -> None:
    assert opened().most_confused() == [("Coat", "Shirt", 1), ("Bag", "Coat", 1), ("Bag", "Shirt", 1)]
    assert opened().most_confused(min_val=2) == []


def test_the_confusion_matrix_counts_true_by_predicted() -> None:
    assert opened().confusion_matrix().tolist() == [[1, 1, 0], [0, 1, 0], [1, 1, 0]]


def test_mistakes_can_be_asked_for_by_class_whatever_its_case() -> None:
    assert [each.index for each in opened().mistakes(true="bag")] == [43, 44]
    assert [each.index for each in opened().mistakes(true="Bag", predicted="coat")] == [44]
    with pytest.raises(UsageError, match="Did you mean 'Shirt'"):
        opened().mistakes(true="Shirtt")


def test_neighbours_are_training_images_by_their_place_in_the_file() -> None:
    mistake = opened().mistakes(1, neighbours=2)[0]
    assert [(each.index, each.label) for each in mistake.neighbours] == [(40, 0), (41, 1)]


def test_a_training_image_is_not_its_own_neighbour() -> None:
    near = opened("train").neighbours(np.array([1]), 3)[0]
    assert [each.index for each in near] == [40, 42, 43]


def test_images_are_found_by_their_place_in_the_file() -> None:
    assert opened().image(42)[0, 0] == 102
    assert opened().training_image(42)[0, 0] == 2


def test_the_plots_show_what_they_are_named_for() -> None:
    seen = opened()
    assert [axes.get_title(loc="left") for axes in seen.plot_top_losses(2).axes] == ["✗ Shirt 80%", "✗ Shirt 70%"]
    assert seen.plot_confusion_matrix().axes[0].texts[0].get_text() == "1"
    assert [axes.get_xlabel() for axes in seen.show_batch(2).axes] == ["Coat", "Shirt"]
    assert [axes.get_title(loc="left")[0] for axes in seen.show_results(3).axes] == ["✓", "✗", "✓"]


def test_it_says_what_it_holds() -> None:
    assert repr(opened("validation")) == "Interpretation(validation, n = 5)"
