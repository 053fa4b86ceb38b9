"""What a page shows of a network's inside: the numbers are the network's, and each picture stands at its place."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.inference.inside import look_inside
from fittingroom.pages.answers import answers_at
from fittingroom.pages.learned import (
    drawn_inside,
    learned_facts,
    map_uri,
    overlay,
    places,
    sheet_size,
    smoothed,
    unit_sentence,
    weight_sheet,
)

NAMES = tuple(f"bar {label}" for label in range(10))


def pixels(uri):
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGBA" if "A" in picture.getbands() else "L")).astype(int)


@pytest.fixture(scope="module")
def seen(toy):
    network = fr.build("walkthrough", seed=0)
    images = toy.test.images[:3]
    probabilities = fr.predict(network, images)
    answers = answers_at(np.arange(3), toy.test.labels[:3], probabilities, np.arange(3))
    inside = look_inside(network, images)
    return inside, learned_facts(inside, answers, 101_770), images, probabilities


def test_the_facts_add_up_to_the_answers_and_are_plain_json(seen):
    _, facts, _, probabilities = seen
    assert json.loads(json.dumps(facts)) == facts
    for told, row in zip(facts["images"], probabilities, strict=True):
        scores = np.exp(np.array(told["scores"]))
        np.testing.assert_allclose(scores / scores.sum(), row, atol=2e-3)
        assert told["predicted"] == row.argmax()
        assert told["times"] == pytest.approx(np.sort(row)[-1] / np.sort(row)[-2], rel=1e-3)
        assert told["silent"] == sum(value <= 0 for value in told["activations"])
        pushed = [abs(unit[told["predicted"]]) for unit in told["pushes"]]
        assert abs(told["units"][0]["push"]) == pytest.approx(max(pushed), abs=2e-3)


def test_a_sheet_has_every_weight_at_its_place_and_grey_for_zero(seen):
    inside, *_ = seen
    uri, size, most = weight_sheet(inside.weights)
    sheet = pixels(uri)
    assert sheet.shape == size == sheet_size(128, (28, 28))
    row, column = places(128, (28, 28))[37]
    shown = (sheet[row : row + 28, column : column + 28] - 127.5) / 127.5 * most
    assert np.corrcoef(shown.ravel(), smoothed(inside.weights)[37].ravel())[0, 1] > 0.9
    assert len(uri) < 30_000


def test_kernels_are_drawn_to_the_weight(seen):
    kernels = np.array([[[-1.0, 0], [0.5, 1]]] * 3)
    uri, size, most = weight_sheet(kernels, scale=4, below=0)
    sheet = pixels(uri)
    assert most == 1.0
    assert sheet.shape == size
    assert sheet[0, 0] == 0
    assert sheet[4, 4] == 255
    assert abs(sheet[0, 4] - 127) <= 1


def test_an_overlay_has_a_bar_as_long_as_the_activation_and_covers_the_silent():
    drawn = pixels(overlay([4.0, 2.0, 0.0], [[1, -1], [0, 0], [0, 0]], (28, 28)))
    dark = (drawn[:, :, :3].sum(axis=2) < 150) & (drawn[:, :, 3] == 255)
    columns = [column for _, column in places(3, (28, 28))]
    assert [int(dark[29, column : column + 28].sum()) for column in columns] == [28, 14, 0]
    assert drawn[10, columns[0] + 5, 3] == 0
    assert drawn[10, columns[2] + 5, 3] == 200
    orange, violet = drawn[34, columns[0], :3], drawn[34, columns[0] + 27, :3]
    assert orange[0] > orange[2] < 30
    assert violet[2] > violet[1]


def test_the_sentence_says_what_the_numbers_do(seen):
    _, facts, *_ = seen
    told = facts["images"][0]
    sentence = unit_sentence(facts, told, NAMES)
    assert f"{told['silent']} units are silent and {128 - told['silent']} speak" in sentence
    assert f"give {NAMES[told['predicted']]} a score of {told['scores'][told['predicted']]:.2f}" in sentence


def test_layers_are_drawn_for_the_first_image_and_nothing_for_a_network_without_pictures(toy):
    network = fr.build("thin-conv", seed=0)
    images = toy.test.images[:1]
    inside = look_inside(network, images)
    answers = answers_at(np.arange(1), toy.test.labels[:1], fr.predict(network, images), np.arange(1))
    facts = learned_facts(inside, answers, 5)
    drawn = drawn_inside(inside, facts, images, NAMES, layer_by_layer=True)
    assert (facts["kind"], facts["count"], facts["images"]) == ("kernels", 16, [])
    assert [each["shape"] for each in facts["layers"]][:2] == [[28, 28, 16], [14, 14, 16]]
    names = [each["name"] for each in facts["layers"]]
    assert len(drawn["layers"]) == 20 < len(names)
    assert [layer["name"] for layer in drawn["layers"]] == sorted(
        (layer["name"] for layer in drawn["layers"]), key=names.index
    )
    assert (drawn["layers"][0]["name"], drawn["layers"][-1]["name"]) == (names[0], names[-1])
    first = pixels(drawn["layers"][0]["uri"])[:28, :28]
    values = inside.layers[0][2][0]
    assert first.shape == (28, 28)
    dark, light = (
        np.unravel_index(values[:, :, 0].argmax(), (28, 28)),
        np.unravel_index(values[:, :, 0].argmin(), (28, 28)),
    )
    assert first[dark] < first[light]


def test_a_map_over_a_picture_is_orange_where_it_speaks_for_and_violet_against():
    image = np.zeros((28, 28), np.uint8)
    image[10:20, 10:20] = 255
    values = np.zeros((28, 28))
    values[3, 4], values[15, 16] = 2.0, -1.0
    uri = map_uri(image, values)
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        drawn = np.asarray(picture.convert("RGB")).astype(int)
    assert drawn[3, 4, 0] > drawn[3, 4, 2] + 80
    assert drawn[15, 16, 2] > drawn[15, 16, 1] + 20
    assert (drawn[0, 0] > 245).all()
    assert np.ptp(drawn[12, 12]) < 12
    assert (drawn[12, 12] < 150).all()
    assert len(uri) < 1500
