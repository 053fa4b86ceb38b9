"""A whole preparation: from a file, an image or an array to the same picture, with its steps and warnings."""

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.errors import DataError
from helpers.scenes import overlap, photo, shirt_mask


def test_a_file_an_image_and_an_array_give_the_same_picture(tmp_path):
    pixels = photo(shirt_mask())
    Image.fromarray(pixels).save(tmp_path / "shirt.png")
    prepared = [fr.prepare_photo(one) for one in (tmp_path / "shirt.png", Image.fromarray(pixels), pixels)]
    for one in prepared:
        np.testing.assert_array_equal(one.image, prepared[0].image)
    assert overlap(prepared[0].mask, shirt_mask()) > 0.93


def test_every_step_has_a_reason_and_a_picture():
    prepared = fr.prepare_photo(photo(shirt_mask()))
    assert [step.name for step in prepared.steps] == ["photo", "found", "cut out", "polarity", "as the dataset"]
    for step in prepared.steps:
        assert step.reason.endswith(".")
        assert step.picture.dtype == np.uint8
    assert prepared.warnings == ()


def test_without_its_steps_a_photo_gives_the_same_picture_and_notes():
    pixels = photo(shirt_mask(120, 90), (30, 40, 120))
    with_them, without = fr.prepare_photo(pixels), fr.prepare_photo(pixels, with_steps=False)
    np.testing.assert_array_equal(with_them.image, without.image)
    assert (without.steps, without.warnings, without.is_found) == ((), with_them.warnings, with_them.is_found)


def test_a_light_article_on_a_dark_floor_looks_like_a_dark_one_on_a_light_floor():
    mask = shirt_mask()
    dark, light = fr.prepare_photo(photo(mask)), fr.prepare_photo(photo(mask, (215, 205, 190), (40, 50, 110)))
    assert dark.inverted
    assert not light.inverted
    assert overlap(dark.image > 100, light.image > 100) > 0.9


def test_an_article_that_reaches_the_edge_is_warned_of():
    mask = np.zeros((200, 200), bool)
    mask[:150, 50:150] = True
    assert any("touches the photo's edge" in note for note in fr.prepare_photo(photo(mask)).warnings)


@pytest.mark.parametrize("array", [np.zeros((5, 9, 9, 3), np.uint8), np.zeros((9, 9, 2), np.uint8), np.zeros((9, 9))])
def test_an_array_that_is_no_photo_is_refused(array):
    with pytest.raises(DataError, match="Expected a photo as uint8"):
        fr.prepare_photo(array)
