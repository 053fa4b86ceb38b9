"""Finding the article: its outline on plain and patterned floors, and what happens where there is none."""

import numpy as np
import pytest

from fittingroom.photos.finding import NothingFoundError, distance_from_background, find_item, tidied
from helpers.scenes import overlap, photo, shirt_mask


@pytest.mark.parametrize(
    ("article", "background"),
    [
        ((30, 30, 35), (220, 215, 210)),
        ((235, 232, 228), (120, 20, 40)),
        ((200, 60, 60), (90, 120, 90)),
    ],
)
def test_the_outline_is_found_whatever_is_lighter(article, background):
    mask = shirt_mask()
    found = find_item(photo(mask, article, background))
    assert found.is_found
    assert overlap(found.mask, mask) > 0.93


def test_a_striped_floor_is_no_article():
    mask = shirt_mask()
    stripes = np.where((np.arange(180) // 12 % 2)[None, :, None], (200, 170, 130), (150, 110, 70))
    pixels = np.where(mask[..., None], (30, 60, 140), stripes) + np.random.default_rng(0).normal(0, 8, (240, 180, 3))
    assert overlap(find_item(np.clip(pixels, 0, 255).astype(np.uint8)).mask, mask) > 0.9


def test_the_same_photo_gives_the_same_outline():
    pixels = photo(shirt_mask(), noise=25)
    assert np.array_equal(find_item(pixels).mask, find_item(pixels).mask)


def test_both_shoes_of_a_pair_are_kept_and_a_button_on_the_floor_is_not():
    pair = np.zeros((200, 200), bool)
    pair[40:160, 40:80] = pair[45:165, 120:160] = True
    with_button = pair.copy()
    with_button[180:186, 20:26] = True
    assert overlap(find_item(photo(with_button)).mask, pair) > 0.93


def test_a_transparent_picture_brings_its_own_outline():
    mask = shirt_mask()
    found = find_item(photo(mask, (90, 90, 90), (90, 90, 90)), np.where(mask, 255, 0).astype(np.uint8))
    assert np.array_equal(found.mask, mask)
    assert "transparent around" in found.reason


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_shows_nothing(value):
    with pytest.raises(NothingFoundError, match="the picture is of one colour"):
        find_item(np.full((60, 60, 3), value, np.uint8))


def test_noise_is_told_apart_from_an_article_or_taken_whole():
    found = find_item(np.random.default_rng(0).integers(0, 255, (120, 120, 3), np.uint8))
    assert found.mask.any()


def test_tidying_keeps_a_hole_that_is_a_bags_handle():
    bag = np.zeros((100, 100), bool)
    bag[20:80, 20:80] = True
    bag[25:45, 30:70] = False
    bag[60, 60] = False
    tidy = tidied(bag)
    assert not tidy[35, 50]
    assert tidy[60, 60]


def test_tidying_nothing_is_nothing():
    assert not tidied(np.zeros((20, 20), bool)).any()


def test_a_piece_of_floor_in_another_tone_is_taken_off_again():
    mask = shirt_mask()
    pixels = photo(mask, (30, 30, 40), (225, 220, 210))
    tile = np.zeros_like(mask)
    tile[5:48, 20:110] = True
    pixels[tile] = photo(mask, (196, 178, 150), (196, 178, 150))[tile]
    pixels[:, :9] = photo(mask, (196, 178, 150), (196, 178, 150))[:, :9]
    assert overlap(find_item(pixels).mask, mask) > 0.9


def test_the_distance_from_the_background_is_the_same_where_it_is_asked_for_alone():
    pixels, where = photo(shirt_mask(60, 45), (30, 40, 120)), shirt_mask(60, 45)
    whole, part = distance_from_background(pixels), distance_from_background(pixels, where)
    np.testing.assert_array_equal(part[where], whole[where])
    assert np.isinf(part[~where]).all()
