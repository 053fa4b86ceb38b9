"""The shipped recipes: every one can be read, names an architecture, and is found by its name."""

import pytest

from fittingroom.errors import UsageError
from fittingroom.models import MODELS
from fittingroom.recipes import find_recipe, load_recipe, recipe_names, recipe_sha256
from fittingroom.training.recipe import Recipe


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_names_an_architecture_and_reads_back_as_written(name, tmp_path):
    recipe = load_recipe(name)
    assert recipe.model in MODELS
    written = tmp_path / "again.toml"
    written.write_text(recipe.to_toml())
    assert Recipe.from_toml(written) == recipe


def test_an_unknown_recipe_is_an_error_that_suggests_a_close_name():
    with pytest.raises(UsageError, match=r"No recipe 'walktrough'.*walkthrough"):
        find_recipe("walktrough")


def test_a_file_that_exists_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walkthrough").write_text("epochs = 2\n")
    assert load_recipe("walkthrough").epochs == 2


def test_the_hash_changes_with_any_byte_of_the_file(tmp_path):
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text("epochs = 2\n")
    second.write_text("epochs = 3\n")
    assert recipe_sha256(first) != recipe_sha256(second)
    assert len(recipe_sha256(first)) == 64
