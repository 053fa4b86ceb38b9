"""Averaging over views: the views are the image moved and mirrored, and a model that ignores them is not changed."""

import numpy as np

from fittingroom.ladder.measure import averaged, shifted, views

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 6, 5), dtype=np.uint8)


def test_there_are_six_views_or_three_where_mirroring_is_not_valid():
    assert len(views(IMAGES, mirrored=True)) == 6
    assert len(views(IMAGES, mirrored=False)) == 3


def test_a_shift_keeps_the_size_and_fills_the_gap_with_0():
    moved = shifted(IMAGES, -1, 1)
    assert moved.shape == IMAGES.shape
    np.testing.assert_array_equal(moved[:, :-1, 1:], IMAGES[:, 1:, :-1])
    assert not moved[:, -1].any()
    assert not moved[:, :, 0].any()


def test_the_average_is_the_mean_over_the_views():
    def share_of_left_column(images):
        left = images[:, :, 0].mean(axis=1, dtype=np.float32) / 255
        return np.stack([left, 1 - left], axis=1)

    expected = np.mean([share_of_left_column(view) for view in views(IMAGES, mirrored=True)], axis=0)
    np.testing.assert_allclose(averaged(share_of_left_column, mirrored=True)(IMAGES), expected, rtol=1e-6)
