"""The background's colours: what the photo's edge shows is near, anything else is far."""

import numpy as np

from fittingroom.photos.finding import distance_from_background
from helpers.scenes import photo, shirt_mask


def test_floor_is_near_and_the_article_far_on_two_toned_floors_too():
    mask = shirt_mask()
    pixels = photo(mask, (30, 60, 150), (220, 210, 200))
    pixels[:, :90][~mask[:, :90]] = photo(mask, (120, 80, 40), (120, 80, 40))[:, :90][~mask[:, :90]]
    distance = distance_from_background(pixels)
    assert np.median(distance[mask]) > 4
    assert np.median(distance[~mask]) < 1.5


def test_the_same_photo_gives_the_same_distances():
    pixels = photo(shirt_mask(), noise=30)
    np.testing.assert_array_equal(distance_from_background(pixels), distance_from_background(pixels))


def test_a_photo_of_few_pixels_has_colours_too():
    assert distance_from_background(np.full((8, 8, 3), 90, np.uint8)).shape == (8, 8)
