from __future__ import annotations

import numpy as np
import pytest

from fittingroom.errors import DataError, UsageError
from fittingroom.pages import figures
from fittingroom.pages.answers import answers_at
from fittingroom.pages.figures import comparison_figure, curve_figure, spread
from helpers.report_samples import history_of

NAMES = [f"class {number}" for number in range(10)]
IMAGES = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
LABELS = np.arange(30) % 10
PREDICTIONS = np.random.default_rng(1).dirichlet(np.ones(10), 30)
ANSWERS = answers_at(np.arange(30), LABELS, PREDICTIONS, np.arange(30))


def words(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_colour_bar_runs_from_0_to_255() -> None:
    bar = figures.image_figure(IMAGES[0]).axes[1]
    assert (bar.get_ylim(), bar.get_yticks()[[0, -1]].tolist()) == ((0, 255), [0, 255])


def test_the_grid_names_every_picture() -> None:
    figure = figures.grid_figure(IMAGES, LABELS.tolist(), NAMES)
    assert [axes.get_xlabel() for axes in figure.axes] == [NAMES[label] for label in LABELS]


def test_counts_are_written_beside_their_bars() -> None:
    figure = figures.counts_figure([6000, 12], ["Bag", "Coat"])
    assert [word.strip() for word in words(figure)] == ["6,000", "12"]


def test_an_empty_dataset_has_bars_of_no_length() -> None:
    assert [bar.get_width() for bar in figures.counts_figure([0, 0], ["a", "b"]).axes[0].patches] == [0, 0]


def test_an_answer_has_the_class_names_on_its_axis() -> None:
    figure = figures.answer_figure(ANSWERS[15], IMAGES[15], NAMES)
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == NAMES


def test_the_confusion_matrix_shows_each_count_once() -> None:
    figure = figures.confusion_figure([[1700, 0], [3, 97]], ["Bag", "Coat"])
    assert words(figure) == ["1,700", "·", "3", "97"]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("predicted", "true")


def test_a_confusion_matrix_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"Expected a matrix of 3 by 3, received \(2, 2\)"):
        figures.confusion_figure([[1, 0], [0, 1]], ["a", "b", "c"])


def test_intervals_span_low_to_high() -> None:
    figure = figures.interval_figure([("ours", 0.87, (0.86, 0.88))], [("reference", 0.8683)])
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0.86, 0.88]
    assert words(figure) == ["reference"]


def test_curves_without_validation_have_one_line() -> None:
    figure = curve_figure(history_of(), "accuracy", {"test, finished": 0.87, "missing": None})
    assert words(figure) == ["0.8831  training, running", "0.8700  test, finished"]


def test_curves_with_validation_have_two_lines() -> None:
    assert words(curve_figure(history_of(validated=True), "loss"))[1] == "0.6100  validation"


def test_a_single_epoch_can_be_drawn() -> None:
    assert curve_figure(history_of((0.5,)), "accuracy").axes[0].get_xticks().tolist() == [1]


def test_two_datasets_are_drawn_with_their_test_scores() -> None:
    figure = comparison_figure({"A": [0.7, 0.8], "B": [0.9, 0.95, 0.97]}, {"A, test": 0.79, "B, test": 0.96})
    assert words(figure) == ["0.8000  A", "0.9700  B", "0.7900  A, test", "0.9600  B, test"]
    assert figure.axes[0].lines[1].get_xdata().tolist() == [1, 2, 3]


def test_labels_are_moved_apart_in_their_order() -> None:
    moved = spread([0.3, 0.31, 0.305, 0.9], 0.1)
    assert np.argsort(moved).tolist() == [0, 2, 1, 3]
    assert np.diff(sorted(moved)).min() >= 0.0999


def test_no_figure_is_known_to_pyplot(plt) -> None:
    figures.image_figure(IMAGES[0])
    figures.pair_figure(ANSWERS[0], IMAGES[0], NAMES)
    assert plt.get_fignums() == []


FEW = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]])


def test_the_figure_shows_the_predicted_and_the_true_class_of_each_image() -> None:
    shown = answers_at(np.array([3, 0]), np.array([0, 0, 1, 2]), FEW, np.arange(5))
    figure = figures.mistakes_figure(np.zeros((2, 28, 28), np.uint8), shown, ("Coat", "Shirt", "Bag"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["✗ Shirt 80%", "✓ Coat 90%"]
    assert figure.axes[0].get_xlabel() == "true label Bag\nloss 2.30, image 3"


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(UsageError, match="at least one image to draw, received none"):
        figures.mistakes_figure(np.zeros((0, 28, 28), np.uint8), (), NAMES)


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_a_figure_is_saved_as_its_ending_says(tmp_path, name: str, begins: bytes) -> None:
    figure = figures.mistakes_figure(np.zeros((1, 28, 28), np.uint8), ANSWERS[:1], NAMES)
    figures.save_figure(figure, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)
    with pytest.raises(UsageError, match=r"ends in \.png, \.svg or \.pdf"):
        figures.save_figure(figure, tmp_path / "a.gif")
