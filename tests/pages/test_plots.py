from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fittingroom.data.catalog import DATASETS
from fittingroom.errors import DataError, UsageError
from fittingroom.pages.plots import names_for, pick, plot_image, plot_value_array

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


N = 40
MANY_PREDICTIONS = np.random.default_rng(0).dirichlet(np.ones(10), N).astype(np.float32)
MANY_LABELS = (np.arange(N) % 10).astype(np.uint8)
MANY_IMAGES = np.random.default_rng(1).integers(0, 256, (N, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize("labels", [MANY_LABELS, MANY_LABELS.astype(np.int64), MANY_LABELS.tolist(), 7], ids=str)
@pytest.mark.parametrize(
    "predictions", [MANY_PREDICTIONS, MANY_PREDICTIONS[17], MANY_PREDICTIONS[17:18]], ids=["n", "one", "1xc"]
)
@pytest.mark.parametrize(
    "images",
    [
        MANY_IMAGES,
        MANY_IMAGES.reshape(N, 784),
        MANY_IMAGES[..., None],
        MANY_IMAGES[17],
        MANY_IMAGES[17].reshape(784),
        MANY_IMAGES[17:18],
        MANY_IMAGES / 255,
    ],
    ids=["n,28,28", "n,784", "n,28,28,1", "28,28", "784", "1,28,28", "scaled"],
)
def test_every_mixture_of_lists_and_single_items_picks_the_same_item(
    predictions: object, labels: object, images: np.ndarray
) -> None:
    answer, image = pick(17, predictions, labels, images)
    assert (answer.index, answer.label) == (17, 7)
    np.testing.assert_array_equal(answer.probabilities, MANY_PREDICTIONS[17])
    scale = 1 if images.dtype == np.uint8 else 255
    np.testing.assert_allclose(np.asarray(image) * scale, MANY_IMAGES[17], atol=1e-9)


def test_one_prediction_in_a_list_stands_for_itself_beside_all_labels() -> None:
    assert pick(3, MANY_PREDICTIONS[17:18], MANY_LABELS)[0].label == 3


@pytest.mark.parametrize("i", [-1, N])
def test_a_position_outside_the_lists_is_refused(i: int) -> None:
    with pytest.raises(UsageError, match=rf"Position {i} is outside the 40 items given: expected 0 to 39"):
        pick(i, MANY_PREDICTIONS, MANY_LABELS, MANY_IMAGES)


def test_a_position_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected a whole number, received 1\.5"):
        pick(1.5, MANY_PREDICTIONS, MANY_LABELS)


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"received 40 predictions, 39 labels, 40 images\. Are some from train"):
        pick(0, MANY_PREDICTIONS, MANY_LABELS[:39], MANY_IMAGES)


def test_flat_images_of_another_count_are_refused() -> None:
    with pytest.raises(DataError, match="40 labels, 39 images"):
        pick(0, MANY_PREDICTIONS, MANY_LABELS, MANY_IMAGES[:39].reshape(39, 784))


def test_flat_images_that_are_no_square_ask_for_height_and_width() -> None:
    with pytest.raises(DataError, match=r"780 pixels are no square.*Pass shape \(n, height, width\)"):
        pick(0, MANY_PREDICTIONS, MANY_LABELS, np.zeros((N, 780), np.uint8))


def test_images_that_are_not_square_are_taken_with_three_axes() -> None:
    assert np.asarray(pick(0, MANY_PREDICTIONS, MANY_LABELS, np.zeros((N, 20, 30), np.uint8))[1]).shape == (20, 30)


def test_logits_are_refused() -> None:
    with pytest.raises(DataError, match=r"received values from -3 to 8. Are these logits"):
        pick(0, [8.0, -3.0], 0)


def test_nan_is_refused() -> None:
    with pytest.raises(DataError, match="received values from nan"):
        pick(0, [float("nan"), 1.0], 0)


def test_argmaxed_predictions_are_refused() -> None:
    with pytest.raises(DataError, match="come from predict, not from its argmax"):
        pick(0, MANY_LABELS, MANY_LABELS)


def test_a_label_beyond_the_classes_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected a class in 0..1, received 2"):
        pick(0, [0.5, 0.5], 2)


def test_labels_of_two_axes_are_refused() -> None:
    with pytest.raises(DataError, match=r"labels: expected whole numbers of shape \(n,\)"):
        pick(0, MANY_PREDICTIONS, MANY_LABELS[:, None])


def test_colour_images_are_refused() -> None:
    with pytest.raises(DataError, match=r"received \(40, 28, 28, 3\)"):
        pick(0, MANY_PREDICTIONS, MANY_LABELS, np.zeros((N, 28, 28, 3)))


def test_names_are_fashions_for_ten_classes_and_numbers_for_others() -> None:
    assert names_for(10, None)[9] == "Ankle boot"
    assert names_for(3, None) == ("0", "1", "2")


def test_another_number_of_names_than_classes_is_refused() -> None:
    with pytest.raises(DataError, match="expected 3, one a column of predictions, received 2"):
        names_for(3, ["a", "b"])
