from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fittingroom.data.catalog import DATASETS
from fittingroom.errors import UsageError
from fittingroom.pages.plots import plot_image, plot_value_array

class_names = DATASETS["fashion-mnist"].class_names
test_images = np.random.default_rng(1).integers(0, 256, (20, 28, 28), dtype=np.uint8)
test_labels = (np.arange(20) % 10).astype(np.uint8)
predictions = np.full((20, 10), 0.05, np.float32)
predictions[np.arange(20), test_labels] = 0.55
predictions[12] = np.roll(predictions[12], 1)  # image 12 is a Pullover, taken for a Dress


def test_the_walk_throughs_code_runs_as_pasted(plt) -> None:
    num_rows, num_cols = 5, 3
    plt.figure(figsize=(2 * 2 * num_cols, 2 * num_rows))
    for i in range(num_rows * num_cols):
        plt.subplot(num_rows, 2 * num_cols, 2 * i + 1)
        plot_image(i, predictions, test_labels, test_images)
        plt.subplot(num_rows, 2 * num_cols, 2 * i + 2)
        plot_value_array(i, predictions, test_labels)
        _ = plt.xticks(range(10), class_names, rotation=45)
    assert plt.get_fignums() == [1]
    assert len(plt.gcf().axes) == 30
    assert [each.get_text() for each in plt.gca().get_xticklabels()] == list(class_names)


def test_the_later_form_with_one_items_predictions_runs_too(plt) -> None:
    i = 12
    plt.subplot(1, 2, 1)
    assert plot_image(i, predictions[i], test_labels, test_images).get_xlabel() == "Dress 55% (Pullover)"
    plt.subplot(1, 2, 2)
    assert len(plot_value_array(i, predictions[i], test_labels).patches) == 10
    plot_value_array(0, predictions[:1], test_labels)


def test_it_draws_on_the_current_axes_and_makes_no_figure(plt) -> None:
    figure, (first, second) = plt.subplots(1, 2)
    plt.sca(first)
    assert plot_image(0, predictions, test_labels, test_images) is first
    plt.sca(second)
    assert plot_value_array(0, predictions, test_labels) is second
    assert plt.get_fignums() == [figure.number]


def test_given_axes_are_drawn_on_without_asking_for_current_ones(plt, monkeypatch: pytest.MonkeyPatch) -> None:
    _, axes = plt.subplots()
    monkeypatch.setattr(plt, "gca", lambda: pytest.fail("asked for the current axes"))
    assert plot_image(0, predictions, test_labels, test_images, ax=axes) is axes
    assert plot_value_array(0, predictions, test_labels, ax=axes) is axes


@pytest.mark.parametrize(
    ("i", "words", "colour"), [(3, "Dress 55% (Dress)", "green"), (12, "Dress 55% (Pullover)", "red")]
)
def test_the_words_underneath_are_green_where_right_and_red_where_wrong(plt, i: int, words: str, colour: str) -> None:
    label = plot_image(i, predictions, test_labels, test_images).xaxis.label
    assert (label.get_text(), label.get_color()) == (words, colour)


def test_bars_are_grey_the_predicted_red_the_true_green(plt) -> None:
    axes = plot_value_array(12, predictions, test_labels)
    colours = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours[3] == to_hex("red")
    assert colours[2] == to_hex("green")
    assert {colour for at, colour in enumerate(colours) if at not in (2, 3)} == {"#777777"}
    assert axes.get_ylim() == (0, 1)
    assert list(axes.get_xticks()) == []


def test_a_right_prediction_is_one_green_bar(plt) -> None:
    colours = [to_hex(bar.get_facecolor()) for bar in plot_value_array(3, predictions, test_labels).patches]
    assert colours[3] == to_hex("green")
    assert to_hex("red") not in colours


def test_class_names_can_be_written_under_the_bars(plt) -> None:
    axes = plot_value_array(3, predictions, test_labels, class_names=class_names)
    assert [each.get_text() for each in axes.get_xticklabels()] == list(class_names)


@pytest.mark.parametrize(("i", "mark", "colour"), [(3, "✓", "#0072B2"), (12, "✗", "#D55E00")])
def test_the_colour_blind_palette_adds_a_tick_or_a_cross(plt, i: int, mark: str, colour: str) -> None:
    label = plot_image(i, predictions, test_labels, test_images, palette="colour-blind").xaxis.label
    assert label.get_text().startswith(f"{mark} Dress")
    assert label.get_color() == colour


def test_the_colour_blind_bars_carry_both_signs_where_wrong(plt) -> None:
    axes = plot_value_array(12, predictions, test_labels, palette="colour-blind")
    assert {(text.get_position()[0], text.get_text()) for text in axes.texts} == {(2, "✓"), (3, "✗")}


def test_the_classic_palette_has_no_signs(plt) -> None:
    assert not plot_value_array(12, predictions, test_labels).texts


def test_an_unknown_palette_suggests_a_known_one(plt) -> None:
    with pytest.raises(UsageError, match=r"Unknown palette 'color-blind'\. Did you mean 'colour-blind'"):
        plot_image(0, predictions, test_labels, test_images, palette="color-blind")


@pytest.mark.parametrize(("scale", "white"), [(1, 255), (255, 1)])
def test_whole_numbers_and_scaled_pixels_use_their_full_scale(plt, scale: int, white: int) -> None:
    images = test_images if scale == 1 else test_images / scale
    drawn = plot_image(0, predictions, test_labels, images).images[0]
    assert (drawn.norm.vmin, drawn.norm.vmax, drawn.cmap.name) == (0, white, "binary")


def test_other_class_counts_are_named_by_number(plt) -> None:
    assert plot_image(0, [[0.2, 0.8]], [1], np.zeros((1, 3, 5))).get_xlabel() == "1 80% (1)"
