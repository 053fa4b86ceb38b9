from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.data.dataset import Dataset, Split, hold_out
from fittingroom.errors import DataError, UsageError


def make_split(labels, name="train"):
    labels = np.asarray(labels, dtype=np.uint8)
    images = np.arange(len(labels) * 6).reshape(len(labels), 2, 3).astype(np.uint8)
    return Split(name, images, labels, np.arange(100, 100 + len(labels)))


SPLITS = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(make_split)


@given(split=SPLITS, data=st.data())
def test_held_out_and_rest_are_the_whole_each_in_the_original_order(split, data):
    count = data.draw(st.integers(1, len(split) - 1))
    rest, validation = hold_out(split, count)
    assert len(validation) == count
    assert sorted([*rest.indices, *validation.indices]) == split.indices.tolist()
    for part in (rest, validation):
        assert (np.diff(part.indices) > 0).all()
        np.testing.assert_array_equal(part.images, split.images[part.indices - 100])
        np.testing.assert_array_equal(part.labels, split.labels[part.indices - 100])


@given(split=SPLITS, data=st.data())
def test_every_class_is_held_out_in_proportion(split, data):
    count = data.draw(st.integers(1, len(split) - 1))
    _, validation = hold_out(split, count)
    exact = np.bincount(split.labels, minlength=5) * count / len(split)
    assert (np.abs(np.bincount(validation.labels, minlength=5) - exact) < 1).all()


def test_the_parts_are_named_train_and_validation():
    rest, validation = hold_out(make_split([0, 0, 1, 1]), 2)
    assert (rest.name, validation.name) == ("train", "validation")


def test_the_same_seed_draws_the_same_images_and_another_seed_others():
    split = make_split(np.arange(200) % 10)
    first, again, other = (hold_out(split, 50, seed=seed)[1].indices.tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_draw_of_seed_0_never_changes():
    _, validation = hold_out(make_split(np.arange(40) % 4), 8)
    assert validation.indices.tolist() == [109, 116, 118, 119, 122, 123, 124, 137]


@pytest.mark.parametrize("count", [-1, 0, 4, 5])
def test_a_count_that_leaves_a_part_empty_is_refused(count):
    with pytest.raises(UsageError, match=f"Expected to hold out 1 to 3 of 4 images, received {count}"):
        hold_out(make_split([0, 0, 1, 1]), count)


def test_holding_out_changes_nothing_in_the_original():
    split = make_split([0, 0, 1, 1])
    rest, _ = hold_out(split, 2)
    rest.images[:] = 0
    assert split.images.any()


def test_a_split_of_different_counts_is_refused():
    split = make_split([0, 1, 2])
    object.__setattr__(split, "labels", split.labels[:2])  # past the shape checks that only the tests have
    with pytest.raises(DataError, match=r"train: .* received 3 images and 2 labels"):
        split.__post_init__()


def test_a_dataset_knows_its_classes_and_its_image_shape():
    split = make_split([0, 1])
    data = Dataset("d", split, split, ("hat", "sock"), "0" * 16, "a test")
    assert data.classes == 2
    assert data.image_shape == (2, 3)


def test_a_split_prints_in_one_line():
    assert repr(make_split([0, 1])) == "Split('train', images (2, 2, 3))"
