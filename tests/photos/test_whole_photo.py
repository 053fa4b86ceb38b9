"""The network for photos: what it is given of odd pictures, what it says of real ones, and in which words."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.errors import DataError, ModelError
from fittingroom.inference.model_files import PHOTO_MODEL
from fittingroom.inference.predictor import open_predictor
from fittingroom.photos.whole_photo import DARK_GROUND, LIGHT_GROUND, SIZE, whole_photo

pytest.importorskip("onnxruntime", reason="no ONNX Runtime: install the photos extra")
PHOTOS = Path(__file__).parent.parent.parent / "docs" / "photos"
IS = {"shirt": "Shirt", "t-shirt": "T-shirt/top", "trousers": "Trouser", "sandals": "Sandal", "coat": "Coat"}


def picture(name):
    return Image.open(PHOTOS / f"{name}.jpg").convert("RGB")


def answer(photo):
    (told,) = fr.predict_photos(photo)
    assert hasattr(told, "label"), told
    assert sum(told.probabilities.values()) == pytest.approx(1, abs=1e-5)
    return told


@pytest.mark.parametrize("name", IS)
def test_the_docs_photos_get_their_names(name):
    told = answer(PHOTOS / f"{name}.jpg")
    assert told.label == IS[name]
    assert not told.none_of_these
    assert told.prepared is None


def test_a_hat_is_none_of_the_classes():
    told = answer(PHOTOS / "hat.jpg")
    assert told.none_of_these
    assert told.words == f"none of these ({told.label}?)"


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_a_photo_in_any_mode_gets_the_answer_of_its_colours(tmp_path, mode):
    grey = mode in ("L", "LA", "I;16")
    source = picture("trousers").convert("L") if grey else picture("trousers")
    odd = Image.fromarray(np.asarray(source).astype(np.uint16) * 257) if mode == "I;16" else source.convert(mode)
    odd.save(tmp_path / "odd.tif")
    told, plain = answer(tmp_path / "odd.tif"), answer(source.convert("RGB"))
    assert told.label == plain.label == "Trouser"
    assert told.confidence == pytest.approx(plain.confidence, abs=0.1 if mode in ("P", "CMYK") else 1e-3)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_orientation_tag_is_followed(tmp_path, orientation):
    turned = {1: 0, 3: 180, 6: 90, 8: 270}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture("trousers").rotate(turned, expand=True).save(tmp_path / "a.png", exif=exif)
    assert answer(tmp_path / "a.png").confidence == pytest.approx(answer(picture("trousers")).confidence, abs=1e-6)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_photo_that_lies_on_its_side_or_head_is_not_called_wrong_in_silence(turn):
    told = answer(picture("trousers").rotate(turn, expand=True))
    assert told.label == "Trouser" or told.words != told.label or told.warnings


def test_a_panorama_is_answered_and_said_to_be_a_strip():
    wide = Image.new("RGB", (2000, 400), (180, 170, 160))
    wide.paste(picture("shirt").resize((300, 400)), (900, 0))
    assert answer(wide).warnings[0].startswith("it is 5.0 times as long as it is wide")
    assert answer(picture("shirt")).warnings == ()


def test_a_screenshot_is_answered():
    screen = Image.new("RGB", (1080, 2340), "white")
    screen.paste(picture("coat").resize((1080, 1440)), (0, 300))
    assert answer(screen).label == "Coat"


def test_a_cut_out_lies_on_a_plain_ground_that_it_stands_out_from():
    solid = np.zeros((90, 60), bool)
    solid[20:70, 15:45] = True
    for shade, ground in ((30, LIGHT_GROUND), (240, DARK_GROUND)):
        pixels = np.dstack([np.full((90, 60, 3), shade, np.uint8), np.uint8(solid) * 255])
        pixels[~solid, :3] = (255, 0, 255)  # what lies behind is not to be seen
        seen = whole_photo(pixels)
        assert seen.shape == (*SIZE, 3)
        assert (seen[0, 0] == ground).all()
        assert (seen[112, 84] == shade).all()


def test_a_transparent_cut_out_of_a_photo_is_answered():
    cut = picture("coat").convert("RGBA")
    alpha = np.zeros(cut.size[::-1], np.uint8)
    alpha[12:-12, 20:-20] = 255
    cut.putalpha(Image.fromarray(alpha))
    assert answer(cut).label == "Coat"


@pytest.mark.parametrize("shape", [(8, 8), (8, 90), (28, 28), (2000, 3000)])
def test_whatever_the_size_it_is_stretched_to_the_networks(shape):
    assert whole_photo(np.full((*shape, 3), 120, np.uint8)).shape == (*SIZE, 3)


@pytest.mark.parametrize("value", [0, 127, 255])
def test_one_colour_is_none_of_the_classes(value):
    assert answer(Image.new("RGB", (300, 400), (value,) * 3)).none_of_these


def side_by_side(one, other, below):
    """Two photos as one."""
    both = Image.new("RGB", (300, 800) if below else (600, 400))
    both.paste(picture(one).resize((300, 400)), (0, 0))
    both.paste(picture(other).resize((300, 400)), (0, 400) if below else (300, 0))
    return both


def test_that_several_articles_may_be_in_it_is_said_of_most_such_photos_and_of_none_with_one():
    kinds = (("shirt", "t-shirt", "coat"), ("trousers",), ("sandals",))
    pairs = [(one, other) for some in kinds for one in some for rest in kinds if rest != some for other in rest]
    told = [answer(side_by_side(*pair, below)).warnings for pair in pairs for below in (True, False)]
    said = [any("several articles may be in it" in note for note in notes) for notes in told]
    assert sum(said) > len(said) / 2
    assert not any(answer(picture(name)).warnings for name in IS)


def test_what_is_no_photo_is_one_sentence(tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    (told,) = fr.predict_photos(tmp_path / "a.jpg")
    assert "expected a picture" in told.error
    with pytest.raises(DataError, match="Expected a photo as uint8"):
        whole_photo(np.zeros((90, 60, 3)))


def test_halves_are_not_asked_about_of_a_network_that_cuts_nothing_out():
    with pytest.raises(fr.errors.UsageError, match="--model fashion-mnist/photo-28"):
        fr.predict_photos(PHOTOS / "shirt.jpg", halves=True)


def test_the_network_for_photos_answers_many_as_it_answers_one():
    predictor = open_predictor("fashion-mnist/photo")
    photos = np.stack([whole_photo(PHOTOS / f"{name}.jpg") for name in (*IS, *IS)])
    probabilities, scores = predictor.ask(photos)
    for place in (0, 9):
        one, score = predictor.ask(photos[place : place + 1])
        np.testing.assert_allclose(one[0], probabilities[place], atol=1e-5)
        np.testing.assert_allclose(score[0], scores[place], atol=1e-5)
    none, no_scores = predictor.ask(photos[:0])
    assert (none.shape, no_scores.shape) == ((0, 10), (0,))


@pytest.mark.parametrize("kind", ["array", "list", "split"])
def test_28x28_data_given_to_the_network_for_photos_is_one_sentence_that_names_photo_28(toy, kind):
    images = toy.test.images[:3]
    given = {"array": images, "list": list(images), "split": toy.test}[kind]
    with pytest.raises(ModelError, match=r"28x28 pictures ask fashion-mnist/photo-28\.$"):
        fr.predict(PHOTO_MODEL, given)


def test_of_no_photos_there_are_no_probabilities():
    assert fr.predict(PHOTO_MODEL, []).shape == (0, 10)
