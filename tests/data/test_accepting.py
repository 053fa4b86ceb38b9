"""Whatever holds images and labels is the same two arrays to every door: a line a container."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset, WeightedRandomSampler

from fittingroom.data.accepting import accept_images, accept_pair
from fittingroom.errors import UsageError
from helpers.containers import CONTAINERS, IMAGES, LABELS, NEEDS, OTHERS, REFUSED, Items


def made(name):
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    return CONTAINERS[name]()


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_the_same_two_arrays(name):
    images, labels = accept_pair(made(name), "training", lambda line: None)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert images.dtype == np.uint8


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in CONTAINERS
        if name
        not in (
            "arrays",
            "a list of two",
            "four arrays",
            "one-hot",
            "tensors",
            "scaled tensors",
            "pandas columns",
            "a list of pairs",
            "mnist.npz",
            "train and test",
            "Hugging Face splits",
        )
    ],
)
def test_every_container_gives_its_images_alone(name):
    np.testing.assert_array_equal(accept_images(made(name), log=lambda line: None), IMAGES)


def test_what_is_made_of_two_parts_gives_its_test_part_where_that_is_meant():
    for name in ("four arrays", "mnist.npz", "train and test"):
        images, labels = accept_pair(CONTAINERS[name](), "evaluation", part="test")
        np.testing.assert_array_equal(images, OTHERS[0])
        np.testing.assert_array_equal(labels, OTHERS[1])


def test_two_images_with_two_labels_are_no_train_and_test_part():
    images, labels = accept_pair(([IMAGES[0], IMAGES[1]], [3, 4]), "training")
    assert (len(images), labels.tolist()) == (2, [3, 4])


def test_a_loader_with_a_sampler_of_its_own_is_read_as_it_draws():
    sampler = WeightedRandomSampler([0.0] * 39 + [1.0], 12)
    images, labels = accept_pair(DataLoader(Items(IMAGES, LABELS), 5, sampler=sampler), "training")
    assert (images == IMAGES[39]).all()
    assert labels.tolist() == [9] * 12


def test_reading_a_loader_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    accept_pair(CONTAINERS["a loader that shuffles"](), "training")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_transform_that_will_not_be_drawn_anew_is_told():
    whole = CONTAINERS["items with a transform"]()
    for source in (whole, Subset(whole, range(40)), DataLoader(whole, 8), DataLoader(Subset(whole, range(40)), 8)):
        lines = []
        accept_pair(source, "training", lines.append)
        assert "training: 40 items read once into memory" in lines[0]


def test_what_passes_once_is_taken_by_the_code_of_the_message():
    data = ((image, label) for image, label in zip(IMAGES, LABELS, strict=True))
    with pytest.raises(UsageError, match=r"received generator\. If it ends, pass") as caught:
        accept_pair(data, "training")
    images, labels = accept_pair(eval(str(caught.value).partition("pass ")[2].rstrip("."), {"data": data}), "training")
    assert (images == IMAGES).all()
    assert (labels == LABELS).all()


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_a_sentence(name):
    make, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        accept_pair(make(), "training")


def test_a_dataset_does_not_say_which_of_its_images_are_to_be_answered(toy):
    with pytest.raises(UsageError, match=r"Pass data\.test\.images"):
        accept_images(toy)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_images_as_narrow_as_a_colour_is_deep_are_images_where_labels_say_how_many(width):
    pixels = seeded_pixels((12, 20, width))
    images, _ = accept_pair((pixels, np.arange(12) % 3), "training")
    np.testing.assert_array_equal(images, pixels)
    np.testing.assert_array_equal(accept_images(pixels, shape=(20, width)), pixels)


def seeded_pixels(shape):
    return np.random.default_rng(0).integers(2, 256, shape, np.uint8)


def test_one_colour_picture_stays_one_where_there_is_one_label():
    grey = np.repeat(seeded_pixels((20, 20, 1)), 3, axis=2)
    images, _ = accept_pair((grey, [1]), "training")
    np.testing.assert_array_equal(images, grey[None, ..., 0])
