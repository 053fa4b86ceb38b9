"""The dataset's look: what every prepared picture has in common with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fittingroom.photos.prepare import crop_box, dataset_look, decide_polarity, grey_of


def box(height, width, top, left, rows, columns):
    mask = np.zeros((height, width), bool)
    mask[top : top + rows, left : left + columns] = True
    return mask


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.integers(1, 120), st.booleans(), st.integers(0, 5))
def test_the_longest_edge_spans_the_picture_and_the_rest_is_black(rows, columns, inverted, seed):
    mask = box(130, 130, 4, 6, rows, columns)
    grey = np.random.default_rng(seed).random((130, 130), np.float32)
    image = dataset_look(grey, mask, inverted=inverted)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    lit = image > 0
    assert max(lit.any(axis=0).sum(), lit.any(axis=1).sum()) == 28


def test_dark_becomes_bright_where_inverted():
    mask = box(60, 60, 5, 5, 50, 50)
    grey = np.full((60, 60), 0.2, np.float32)
    grey[5:30] = 0.8
    upper, lower = (dataset_look(grey, mask, inverted=True)[rows].mean() for rows in (slice(0, 12), slice(16, 28)))
    assert lower > upper
    upper, lower = (dataset_look(grey, mask, inverted=False)[rows].mean() for rows in (slice(0, 12), slice(16, 28)))
    assert upper > lower


def test_what_surrounds_the_article_is_black_even_inside_its_box():
    mask = box(60, 60, 5, 5, 50, 50)
    mask[5:30, 5:30] = False
    assert not dataset_look(np.ones((60, 60), np.float32), mask, inverted=False)[2:11, 2:11].any()


@pytest.mark.parametrize(("article", "around", "inverted"), [(0.1, 0.9, True), (0.9, 0.1, False), (0.6, 0.7, True)])
def test_the_article_is_to_be_brighter_than_its_surroundings(article, around, inverted):
    mask = box(40, 40, 10, 10, 20, 20)
    found, reason = decide_polarity(np.where(mask, article, around), mask)
    assert found == inverted
    assert f"{article:.2f}" in reason
    assert f"{around:.2f}" in reason


def test_an_article_without_surroundings_is_taken_as_on_white():
    assert decide_polarity(np.full((9, 9), 0.5), np.ones((9, 9), bool))[0]


def test_the_crop_box_is_tight():
    mask = box(50, 50, 7, 9, 20, 11)
    assert mask[crop_box(mask)].all()
    assert mask[crop_box(mask)].shape == (20, 11)


def test_green_is_brighter_than_blue():
    grey = grey_of(np.array([[[0, 255, 0], [0, 0, 255]]], np.uint8))
    assert grey[0, 0] > 3 * grey[0, 1]
