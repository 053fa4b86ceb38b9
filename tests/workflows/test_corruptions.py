"""Corrupted images: each kind does what its name says, and a model's accuracy on them is what arithmetic says."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.workflows import corruptions
from fittingroom.workflows.corruptions import CORRUPTIONS, corrupt

NOTHING = dict.fromkeys(("noise", "blur", "shift", "rotation", "brightness", "occlusion"), 0.0) | dict.fromkeys(
    ("scale", "contrast"), 1.0
)


def generator():
    return np.random.default_rng(0)


@pytest.fixture
def pictures():
    """Smooth pictures that are not square, black at the border."""
    rows, columns = np.mgrid[0:20, 0:14]
    blobs = [np.exp(-((rows - 8 - k) ** 2 + (columns - 6) ** 2) / 12) for k in range(4)]
    images = (250 * np.stack(blobs)).astype(np.uint8)
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0
    return images


@pytest.mark.parametrize("name", NOTHING)
def test_the_amount_that_is_none_changes_nothing(name, pictures):
    np.testing.assert_array_equal(CORRUPTIONS[name].corrupt(pictures, NOTHING[name], generator()), pictures)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_strength_is_drawn_alike_each_time_and_further_from_the_picture(name, pictures):
    before = pictures.copy()
    distances = []
    for strength in range(1, 6):
        changed = corrupt(pictures, name, strength)
        np.testing.assert_array_equal(changed, corrupt(pictures, name, strength))
        assert (changed.dtype, changed.shape) == (np.uint8, pictures.shape)
        distances.append(np.abs(changed.astype(int) - pictures).mean())
    assert distances[0] > 0
    assert distances[4] > distances[0]
    np.testing.assert_array_equal(pictures, before)


def test_another_seed_draws_other_noise(pictures):
    assert (corrupt(pictures, "noise", 3) != corrupt(pictures, "noise", 3, seed=1)).any()


def test_noise_has_its_standard_deviation():
    grey = np.full((50, 40, 40), 128, np.uint8)
    changed = corruptions.noise(grey, 0.08, generator())
    assert changed.std() == pytest.approx(255 * 0.08, rel=0.02)
    assert changed.mean() == pytest.approx(128, abs=0.3)


def test_blur_is_scipys(pictures):
    filtered = pytest.importorskip("scipy.ndimage").gaussian_filter
    sigma = 0.06 * 20
    theirs = [filtered(image.astype(float), sigma, mode="nearest", truncate=3) for image in pictures]
    np.testing.assert_allclose(corruptions.blur(pictures, 0.06).astype(float), theirs, atol=1)


def test_a_quarter_of_a_turn_is_numpys():
    square = np.random.default_rng(1).integers(0, 256, (6, 15, 15), np.uint8)
    turned = corruptions.rotation(square, 90.0, generator())
    for before, after in zip(square, turned, strict=True):
        assert any(np.array_equal(np.rot90(before, k), after) for k in (1, 3))


def test_a_shift_keeps_what_stays_inside_and_moves_it_as_far_as_it_says(pictures):
    moved = corruptions.shift(pictures, 0.1, generator())
    rows, columns = np.mgrid[0:20, 0:14]

    def middles(images):
        mass = images.sum(axis=(1, 2), dtype=float)
        return np.stack([(images * where).sum(axis=(1, 2)) / mass for where in (rows, columns)], axis=1)

    np.testing.assert_allclose(np.linalg.norm(middles(moved) - middles(pictures), axis=1), 2, atol=0.1)


def test_scale_makes_the_area_smaller_by_its_square(pictures):
    mass = corruptions.scale(pictures, 0.5).sum(dtype=float) / pictures.sum(dtype=float)
    assert mass == pytest.approx(0.25, rel=0.05)


def test_what_comes_in_from_outside_is_the_borders_grey():
    light = np.full((3, 12, 12), 240, np.uint8)
    for name in ("shift", "rotation", "scale"):
        np.testing.assert_array_equal(corrupt(light, name, 5), light)


def test_contrast_and_brightness_are_sums():
    images = np.array([[[0, 100], [100, 200]]], np.uint8)
    np.testing.assert_array_equal(corruptions.contrast(images, 0.5), [[[50, 100], [100, 150]]])
    np.testing.assert_array_equal(corruptions.brightness(images, 0.4), [[[102, 202], [202, 255]]])


def test_occlusion_covers_one_whole_rectangle_in_grey():
    covered = corruptions.occlusion(np.zeros((30, 20, 10), np.uint8), 0.5, generator())
    for image in covered:
        rows, columns = np.nonzero(image)
        assert len(rows) == 10 * 5
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1, set(image[rows, columns])) == (10, 5, {128})


def test_jpeg_is_pillows(pictures):
    file = io.BytesIO()
    Image.fromarray(pictures[2]).save(file, "JPEG", quality=10)
    np.testing.assert_array_equal(corruptions.jpeg(pictures, 10.0)[2], np.asarray(Image.open(file)))


def test_the_accuracies_of_a_model_that_looks_at_brightness_alone_are_known():
    """Class 1 is what is lighter than 127 on average; images are flat, so that each answer is known."""
    keras = pytest.importorskip("keras")
    levels = np.array([10, 60, 90, 110, 140, 180], np.uint8)
    images = np.repeat(levels, 64).reshape(-1, 8, 8)
    labels = (levels > 127).astype(int)
    flat, dense = keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Rescaling(1 / 255), flat, dense])
    dense.set_weights([np.tile([[-0.5, 0.5]], (64, 1)), np.array([32, -32]) * 127.5 / 255])
    scores = fr.evaluate_corruptions(
        model, (images, labels), pixels="raw", corruptions=["brightness", "contrast", "blur"]
    )
    lighter = [levels + 255 * amount for amount in CORRUPTIONS["brightness"].amounts]
    assert scores.accuracies["brightness"] == tuple(float(((each > 127.5) == labels).mean()) for each in lighter)
    assert scores.accuracies["contrast"] == scores.accuracies["blur"] == (1.0,) * 5  # a flat image stays what it is
    assert (scores.clean, scores.n) == (1.0, 6)
    assert scores.mean == pytest.approx(np.mean([*scores.accuracies["brightness"], *[1.0] * 10]))


def test_an_unknown_corruption_is_named_with_a_close_one(pictures):
    with pytest.raises(UsageError, match="Did you mean 'rotation'"):
        corrupt(pictures, "rotatoin", 1)
    with pytest.raises(UsageError, match="strength: expected a whole number, 1 to 5, received 6"):
        corrupt(pictures, "blur", 6)
