"""Shipped weights: they say what they take, and answer as their cards say."""

import json

import pytest

import fittingroom as fr
from fittingroom.inference.model_files import WEIGHTS, shipped_names
from fittingroom.recipes import recipe_names, recipe_sha256
from helpers.cases import in_soak

NAMES = shipped_names()


def card(name):
    return json.loads((WEIGHTS / f"{name}.json").read_text("utf-8"))


def test_all_weights_together_take_at_most_18_megabytes():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) <= 18_000_000


SLOW = ("94", "95", "small")  # networks of some seconds for the first images


@pytest.mark.parametrize("name", [in_soak(name) if name.endswith(SLOW) else name for name in NAMES])
def test_shipped_weights_answer_the_first_test_images_as_their_card_says(name):
    data = fr.load("fashion-mnist")
    right = fr.predict(name, data.test.images[:1000]).argmax(axis=1) == data.test.labels[:1000]
    assert abs(int(right.sum()) - card(name)["test"]["right_of_first_1000"]) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_card_begins_with_what_the_model_takes_and_names_the_recipe_as_shipped(name):
    values = card(name)
    assert next(iter(values)) == "input"
    assert "0..255" in values["input"]
    rung = name.split("/")[1]
    assert rung in recipe_names()
    assert values["recipe_sha256"] == recipe_sha256(rung)
    assert 0.2 < values["temperature"] < 5
