"""Pictures that are grey in fact are data, to the byte, whatever the file's kind: a line a kind."""

import numpy as np
import pytest
from PIL import Image

from fittingroom.errors import DataError
from fittingroom.pictures import have_light_background, is_grey_of_size, read_pictures

GREY = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
ALPHA = np.full_like(GREY, 255)
HALF = np.where(GREY > 127, 255, 0).astype(np.uint8)


def with_palette(pixels):
    picture = Image.fromarray(pixels).convert("P")
    picture.putpalette([value for value in range(256) for _ in range(3)])
    return picture


DATA = {  # a file's name, its picture, its pixels
    "grey.png": (Image.fromarray(GREY), GREY),
    "grey.bmp": (Image.fromarray(GREY), GREY),
    "grey.pgm": (Image.fromarray(GREY), GREY),
    "grey.tiff": (Image.fromarray(GREY), GREY),
    "colour.png": (Image.fromarray(np.stack([GREY] * 3, -1)), GREY),
    "colour.webp": (Image.fromarray(np.stack([GREY] * 3, -1)), GREY),
    "solid.png": (Image.fromarray(np.stack([GREY] * 3 + [ALPHA], -1)), GREY),
    "grey-solid.png": (Image.fromarray(np.stack([GREY, ALPHA], -1)), GREY),
    "palette.png": (with_palette(GREY), GREY),
    "palette.gif": (with_palette(GREY), GREY),
    "grey.gif": (Image.fromarray(GREY), GREY),
    "deep.png": (Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
    "deep-small.png": (Image.fromarray(GREY.astype(np.uint16)), GREY),
    "deep.tiff": (Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
    "bilevel.png": (Image.fromarray(HALF).convert("1"), HALF),
}
PHOTOS = {
    "red.png": Image.new("RGB", (28, 28), "red"),
    "nearly.png": Image.fromarray(np.stack([GREY, GREY, GREY ^ 1], -1)),
    "see-through.png": Image.fromarray(np.stack([GREY] * 3 + [GREY], -1)),
    "grey-see-through.png": Image.fromarray(np.stack([GREY, GREY], -1)),
    "palette.png": Image.new("RGB", (28, 28), "red").quantize(4),
    "large.png": Image.new("L", (29, 28)),
}


@pytest.mark.parametrize("name", DATA)
def test_a_picture_that_is_grey_in_fact_is_data_to_the_byte(tmp_path, name):
    picture, pixels = DATA[name]
    picture.save(tmp_path / name, **({"lossless": True, "exact": True} if name.endswith("webp") else {}))
    assert is_grey_of_size(tmp_path / name, (28, 28))
    np.testing.assert_array_equal(read_pictures(tmp_path / name), pixels[None])


@pytest.mark.parametrize("name", PHOTOS)
def test_colour_transparency_and_other_sizes_are_no_data(tmp_path, name):
    PHOTOS[name].save(tmp_path / name)
    assert not is_grey_of_size(tmp_path / name, (28, 28))
    if name != "large.png":
        with pytest.raises(DataError, match="expected a grey picture, received colour, transparency"):
            read_pictures(tmp_path / name)


def test_an_animation_is_no_data(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.gif", save_all=True, append_images=[Image.fromarray(255 - GREY)])
    assert not is_grey_of_size(tmp_path / "a.gif", (28, 28))


def test_no_background_of_the_datasets_is_light_and_all_are_once_inverted(toy):
    images = toy.test.images  # bars in noise, dark at the border as Fashion-MNIST and MNIST are
    assert not have_light_background(images).any()
    assert have_light_background(255 - images).all()
