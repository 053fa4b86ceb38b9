"""Odd pictures: each kind is told by its own picture, and an ordinary one by none."""

from __future__ import annotations

import numpy as np

from fittingroom.audit.odd_ones import nearest_rows, neighbour_distances, odd_ones


def test_each_kind_is_told_and_an_ordinary_picture_is_not():
    generator = np.random.default_rng(0)
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 3:25, 8:20] = generator.integers(100, 255, (40, 22, 12), np.uint8)
    images[0] = 0
    images[1] = 77
    images[2] = 0
    images[2, 5, 5] = 255
    images[3] = 255 - images[3]
    images[4] = 0
    images[4, 3:25, 2:10] = images[4, 3:25, 18:26] = 200
    images[5, 10:12] = 0  # an empty row is a stripe, and no second article
    features = generator.normal(size=(40, 4))
    features[6] += 100
    found = {one.position: one.kind for one in odd_ones(images, neighbour_distances(features))}
    assert found == {0: "blank", 1: "constant", 2: "nearly empty", 3: "inverted", 4: "several articles", 6: "far"}


def test_where_most_pictures_are_dark_on_light_that_is_nothing_odd():
    images = np.full((20, 12, 12), 255, np.uint8)
    images[:, 3:9, 3:9] = 10
    assert {one.kind for one in odd_ones(images, np.zeros(20))} <= {"far"}


def test_no_images_give_nothing():
    assert odd_ones(np.zeros((0, 8, 8), np.uint8), np.zeros(0)) == []


def test_nearest_rows_are_those_of_a_full_sort():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    distances, positions = nearest_rows(rows, 5)
    full = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(full, np.inf)
    np.testing.assert_array_equal(positions, np.argsort(full, axis=1)[:, :5])
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :5], rtol=1e-4)
