"""Views: each looks like the article, differently; their weights sum to 1."""

import numpy as np
import pytest

from fittingroom.photos.prepare import prepare_photo
from fittingroom.photos.views import VIEWS, View, averaged, views_of
from helpers.scenes import overlap, photo, shirt_mask

PREPARED = prepare_photo(photo(shirt_mask()))


def test_every_view_is_there_as_it_is_and_mirrored():
    images, weights = views_of(PREPARED)
    assert images.shape == (2 * len(VIEWS), 28, 28)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_array_equal(images[: len(VIEWS)], images[len(VIEWS) :, :, ::-1])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) > len(VIEWS)


def test_the_plain_view_is_the_prepared_picture():
    np.testing.assert_array_equal(views_of(PREPARED, (View(),))[0][0], PREPARED.image)


def test_a_view_turned_by_nothing_in_its_own_width_is_nearly_the_plain_one():
    turned = views_of(PREPARED, (View(turned=0.01),))[0][0]
    assert overlap(turned > 60, PREPARED.image > 60) > 0.9


def test_a_narrower_view_is_narrower_and_a_turned_one_leans():
    narrow = views_of(PREPARED, (View(width=0.5),))[0][0] > 60
    plain = PREPARED.image > 60
    assert narrow.any(axis=0).sum() < 0.65 * plain.any(axis=0).sum()
    turned = views_of(PREPARED, (View(turned=12.0),))[0][0] > 60
    lean = [np.flatnonzero(row).mean() for row in turned if row.any()]
    assert abs(lean[0] - lean[-1]) > 2


def test_the_swapped_view_has_light_and_dark_in_each_others_place():
    grey = np.full((240, 180, 3), 230)
    mask = shirt_mask()
    grey[mask] = 30
    grey[100:140, 70:110] = 120
    prepared = prepare_photo(grey.astype(np.uint8))
    plain, swapped = views_of(prepared, (View(), View(swapped=True)))[0][:2]
    inside = np.s_[10:14, 12:15]
    assert plain[inside].mean() < plain[4:6, 12:15].mean()
    assert swapped[inside].mean() > swapped[20:24, 12:15].mean()


def test_averaging_weighs_the_answers():
    answers = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert averaged(answers, np.array([0.75, 0.25])).tolist() == [0.75, 0.25]
