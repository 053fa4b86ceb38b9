from __future__ import annotations

import numpy as np
import pytest

from fittingroom.errors import DataError, UsageError
from fittingroom.pages.plots import names_for, pick

N = 40
PREDICTIONS = np.random.default_rng(0).dirichlet(np.ones(10), N).astype(np.float32)
LABELS = (np.arange(N) % 10).astype(np.uint8)
IMAGES = np.random.default_rng(1).integers(0, 256, (N, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(np.int64), LABELS.tolist(), 7], ids=str)
@pytest.mark.parametrize("predictions", [PREDICTIONS, PREDICTIONS[17], PREDICTIONS[17:18]], ids=["n", "one", "1xc"])
@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        IMAGES.reshape(N, 784),
        IMAGES[..., None],
        IMAGES[17],
        IMAGES[17].reshape(784),
        IMAGES[17:18],
        IMAGES / 255,
    ],
    ids=["n,28,28", "n,784", "n,28,28,1", "28,28", "784", "1,28,28", "scaled"],
)
def test_every_mixture_of_lists_and_single_items_picks_the_same_item(
    predictions: object, labels: object, images: np.ndarray
) -> None:
    answer = pick(17, predictions, labels, images)
    assert answer.label == 7
    np.testing.assert_array_equal(answer.probabilities, PREDICTIONS[17])
    scale = 1 if images.dtype == np.uint8 else 255
    np.testing.assert_allclose(np.asarray(answer.image) * scale, IMAGES[17], atol=1e-9)


def test_one_prediction_in_a_list_stands_for_itself_beside_all_labels() -> None:
    assert pick(3, PREDICTIONS[17:18], LABELS).label == 3


@pytest.mark.parametrize("i", [-1, N])
def test_a_position_outside_the_lists_is_refused(i: int) -> None:
    with pytest.raises(UsageError, match=rf"Position {i} is outside the 40 items given: expected 0 to 39"):
        pick(i, PREDICTIONS, LABELS, IMAGES)


def test_a_position_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected a whole number, received 1\.5"):
        pick(1.5, PREDICTIONS, LABELS)


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"received 40 predictions, 39 labels, 40 images\. Are some from train"):
        pick(0, PREDICTIONS, LABELS[:39], IMAGES)


def test_flat_images_of_another_count_are_refused() -> None:
    with pytest.raises(DataError, match="40 labels, 39 images"):
        pick(0, PREDICTIONS, LABELS, IMAGES[:39].reshape(39, 784))


def test_flat_images_that_are_no_square_ask_for_height_and_width() -> None:
    with pytest.raises(DataError, match=r"780 pixels are no square.*Pass shape \(n, height, width\)"):
        pick(0, PREDICTIONS, LABELS, np.zeros((N, 780), np.uint8))


def test_images_that_are_not_square_are_taken_with_three_axes() -> None:
    assert np.asarray(pick(0, PREDICTIONS, LABELS, np.zeros((N, 20, 30), np.uint8)).image).shape == (20, 30)


def test_logits_are_refused() -> None:
    with pytest.raises(DataError, match=r"received values from -3 to 8. Are these logits"):
        pick(0, [8.0, -3.0], 0)


def test_nan_is_refused() -> None:
    with pytest.raises(DataError, match="received values from nan"):
        pick(0, [float("nan"), 1.0], 0)


def test_argmaxed_predictions_are_refused() -> None:
    with pytest.raises(DataError, match="come from predict, not from its argmax"):
        pick(0, LABELS, LABELS)


def test_a_label_beyond_the_classes_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected a class in 0..1, received 2"):
        pick(0, [0.5, 0.5], 2)


def test_labels_of_two_axes_are_refused() -> None:
    with pytest.raises(DataError, match=r"labels: expected whole numbers of shape \(n,\)"):
        pick(0, PREDICTIONS, LABELS[:, None])


def test_colour_images_are_refused() -> None:
    with pytest.raises(DataError, match=r"received \(40, 28, 28, 3\)"):
        pick(0, PREDICTIONS, LABELS, np.zeros((N, 28, 28, 3)))


def test_names_are_fashions_for_ten_classes_and_numbers_for_others() -> None:
    assert names_for(10, None)[9] == "Ankle boot"
    assert names_for(3, None) == ("0", "1", "2")


def test_another_number_of_names_than_classes_is_refused() -> None:
    with pytest.raises(DataError, match="expected 3, one a column of predictions, received 2"):
        names_for(3, ["a", "b"])
