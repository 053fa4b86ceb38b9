"""Two of a kind are told from one article; each half is looked at on its own, and only where it was asked for."""

import numpy as np
import pytest

from fittingroom.photos.pairs import APART, TOUCHING, WHOLE, halves_of, tilt_of
from fittingroom.photos.prepare import prepare_photo, with_halves
from fittingroom.photos.views import HALVES_WEIGHT, VIEWS, views_of
from helpers.scenes import photo, shirt_mask

ROWS, COLUMNS = np.mgrid[0:240, 0:300]


def sole(row, column, angle=0.0, length=80, width=26):
    """An ellipse as long as a shoe, upright and then turned clockwise."""
    turn = np.deg2rad(angle)
    along = (ROWS - row) * np.cos(turn) - (COLUMNS - column) * np.sin(turn)
    across = (ROWS - row) * np.sin(turn) + (COLUMNS - column) * np.cos(turn)
    return (along / length) ** 2 + (across / width) ** 2 < 1


def trousers(crotch):
    """Two legs from row 20 to 220, joined from the waist down to a row."""
    legs = (abs(COLUMNS - 120) < 25) | (abs(COLUMNS - 180) < 25)
    return (ROWS > 20) & (ROWS < 220) & (legs | ((crotch > ROWS) & (abs(COLUMNS - 150) < 30)))


@pytest.mark.parametrize("angle", [0, 30, 75])
def test_two_that_lie_apart_are_halves(angle):
    mask = sole(120, 100, angle, 60, 20) | sole(120, 200, angle, 60, 20)
    halves, reason = halves_of(mask)
    assert reason == APART
    np.testing.assert_array_equal(halves[0] ^ halves[1], mask)
    assert abs(int(halves[0].sum()) - int(halves[1].sum())) < 10


@pytest.mark.parametrize("shift", [0, 20])
def test_two_that_touch_midway_are_cut_where_they_touch(shift):
    mask = sole(120, 125) | sole(120 + shift, 175)
    halves, reason = halves_of(mask)
    assert reason == TOUCHING
    assert (halves[0] ^ halves[1] == mask).all()
    first, second = (int(half.sum()) for half in halves)
    assert 0.8 < first / second < 1.25


@pytest.mark.parametrize(
    "mask",
    [
        shirt_mask(),
        trousers(80),
        trousers(140),
        sole(120, 150),
        sole(120, 150) | sole(120, 230, 0, 30, 15),
        np.ones((30, 30), bool),
        np.eye(8, dtype=bool) & (np.arange(8) == 3),
        np.broadcast_to(np.arange(10)[:, None] == 3, (10, 448)),
    ],
    ids=[
        "shirt",
        "trousers",
        "short legs",
        "one shoe",
        "a shoe and a smaller thing",
        "everything",
        "one pixel",
        "a thread",
    ],
)
def test_one_article_has_no_halves(mask):
    halves, reason = halves_of(mask)
    assert (halves, reason) == ((), WHOLE)


@pytest.mark.parametrize("angle", [-60, 0, 20, 85])
def test_turning_by_its_tilt_lays_a_shape_along_its_length(angle):
    tilt = tilt_of(sole(120, 150, angle))
    assert (tilt - angle) % 180 == pytest.approx(90, abs=1)
    assert abs(tilt) <= 90


def test_two_pixels_apart_lie_somehow():
    mask = np.zeros((8, 8), bool)
    mask[2, 2] = mask[6, 6] = True
    assert [abs(tilt_of(half)) <= 90 for half in halves_of(mask)[0]] == [True, True]


PAIR = prepare_photo(photo(sole(120, 100, 20, 60, 20) | sole(120, 200, 20, 60, 20)))


def test_halves_are_looked_at_only_where_they_were_asked_for():
    alone, weights = views_of(PAIR)
    assert (PAIR.halves, len(alone)) == ((), 2 * len(VIEWS))
    together, their_weights = views_of(with_halves(PAIR))
    np.testing.assert_array_equal(together[: len(alone)], alone)
    np.testing.assert_allclose(their_weights[: len(alone)], weights * (1 - HALVES_WEIGHT))
    assert len(together) == len(alone) + 2 * 2 * 4
    assert their_weights.sum() == pytest.approx(1)
    assert their_weights[len(alone) :].sum() == pytest.approx(0.25)  # a quarter, as docs/photos.md says


def test_a_half_is_seen_as_it_lies_and_along_its_length():
    as_it_is, lying = views_of(with_halves(PAIR))[0][2 * len(VIEWS) :][:2] > 60
    assert as_it_is.any(axis=1).sum() == lying.any(axis=0).sum() == 28
    assert lying.any(axis=1).sum() < 0.45 * 28


def test_the_steps_say_whether_there_are_halves_and_why():
    found, one = with_halves(PAIR), with_halves(prepare_photo(photo(shirt_mask())))
    assert [step.name for step in found.steps][2:5] == ["cut out", "halves", "polarity"]
    assert (found.steps[3].reason, one.steps[3].reason) == (APART, WHOLE)
    assert one.halves == ()
    np.testing.assert_array_equal(views_of(one)[0], views_of(prepare_photo(photo(shirt_mask())))[0])
