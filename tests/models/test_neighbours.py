"""Nearest training images, against brute force."""

import numpy as np
import pytest

from fittingroom.models.feature_extractor import nearest, neighbours


def brute_force(features, own, count):
    distances = [(float(((row.astype(np.float64) - own) ** 2).sum()), place) for place, row in enumerate(features)]
    return [place for _, place in sorted(distances)[:count]]


@pytest.mark.parametrize("n", [1, 7, 4096, 5000])
def test_the_nearest_are_those_that_brute_force_finds(n):
    features = np.random.default_rng(n).normal(size=(n, 6)).astype(np.float32)
    own = np.random.default_rng(1).normal(size=6).astype(np.float32)
    assert nearest(features, own, 5).tolist() == brute_force(features, own, 5)


def test_of_rows_at_the_same_distance_the_first_comes_first():
    features = np.array([[1.0], [2.0], [2.0], [2.0], [0.0]])
    assert nearest(features, np.array([2.0]), 2).tolist() == [1, 2]


def test_an_image_is_not_its_own_neighbour():
    features = np.array([[0.0], [1.0], [5.0]])
    assert neighbours(features, 0, until=3, count=2) == [1, 2]


def test_only_images_before_the_edge_are_neighbours():
    features = np.array([[0.0], [1.0], [5.0], [5.1]])
    assert neighbours(features, 3, until=2, count=3) == [1, 0]


def test_none_asked_for_are_none():
    assert nearest(np.zeros((3, 2)), np.zeros(2), 0).tolist() == []
