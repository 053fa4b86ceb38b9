"""Training by names: the recipe is made valid for the dataset."""

from dataclasses import replace

from fittingroom.training import Recipe
from fittingroom.workflows.training import valid_for


def test_mirroring_is_turned_off_and_told_where_it_would_change_what_an_image_is_of(toy):
    said = []
    assert valid_for(Recipe(flip="random", translate=1), replace(toy, name="mnist"), said.append).flip == "none"
    assert len(said) == 1
    assert "MNIST" in said[0]


def test_mirroring_stays_for_fashion_and_for_data_that_we_do_not_know(toy):
    recipe = Recipe(flip="random")
    assert valid_for(recipe, replace(toy, name="fashion-mnist")) == recipe
    assert valid_for(recipe, toy) == recipe
