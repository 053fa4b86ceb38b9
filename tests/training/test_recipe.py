"""The recipe: one table, checked, the same from everywhere."""

import dataclasses
import tomllib

import pytest

from fittingroom.errors import UsageError
from fittingroom.training.recipe import Recipe, expectation, parse_setting, resolved


def test_the_defaults_are_the_walk_throughs():
    recipe = Recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer) == (5, 128, "rmsprop")
    assert resolved(recipe).learning_rate == 0.001
    assert (recipe.flip, recipe.translate, recipe.mixup, recipe.averaging) == ("none", 0, 0.0, "none")


@pytest.mark.parametrize("entry", dataclasses.fields(Recipe), ids=lambda entry: entry.name)
def test_every_setting_has_help_and_says_what_it_expects(entry):
    assert entry.metadata["help"].endswith(".")
    assert expectation(entry)


def test_an_unknown_key_is_an_error_with_a_suggestion():
    with pytest.raises(UsageError, match=r"Unknown recipe setting 'epocs'\. Did you mean 'epochs'\?"):
        Recipe().replace(epocs=3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "'epochs': expected a whole number, at least 1, received 0"),
        ({"epochs": 2.5}, "'epochs': expected a whole number, at least 1, received 2.5"),
        ({"epochs": True}, "expected a whole number"),
        ({"optimizer": "sdg"}, "expected one of rmsprop, adam, adamw, sgd, muon, received 'sdg'"),
        ({"label_smoothing": 1.5}, "expected a number, 0 to 1, received 1.5"),
        ({"learning_rate": float("nan")}, "'learning_rate': expected a number"),
        ({"learning_rate": float("inf")}, "'learning_rate': expected a number"),
        ({"nesterov": 1}, "expected true or false, received 1"),
        ({"gradient_clip": "much"}, "expected a number, at least 0, or none for off"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_that_says_what_does(changes, words):
    with pytest.raises(UsageError, match=words):
        Recipe().replace(**changes)


def test_replace_leaves_the_recipe_as_it_was():
    recipe = Recipe()
    assert recipe.replace(epochs=9).epochs == 9
    assert recipe.epochs == 5


def test_toml_round_trips(tmp_path):
    recipe = Recipe(optimizer="sgd", learning_rate=0.05, flip="alternating", trace=False, device="cpu")
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml())
    assert Recipe.from_toml(path) == recipe
    values = tomllib.loads(path.read_text())
    assert values["weight_decay"] == "auto"
    assert "gradient_clip" not in values


AUTOMATIC = ("learning_rate", "momentum", "weight_decay", "averaging_decay", "averaging_every", "device")


@pytest.mark.parametrize("name", AUTOMATIC)
def test_a_default_that_depends_on_something_else_is_the_word_auto_everywhere(name, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(f'{name} = "auto"\n')
    assert getattr(Recipe(), name) == "auto"
    assert parse_setting(f"{name}=auto") == (name, "auto")
    assert Recipe.from_toml(path) == Recipe()
    assert name == "device" or getattr(resolved(Recipe()), name) != "auto"


@pytest.mark.parametrize("name", AUTOMATIC)
@pytest.mark.parametrize("word", ["off", "none"])
def test_off_and_none_are_refused_with_a_sentence_where_auto_is_meant(name, word):
    with pytest.raises(UsageError, match=rf"Recipe setting '{name}': expected .*auto.*, received '{word}'\."):
        parse_setting(f"{name}={word}")
    with pytest.raises(UsageError, match=rf"Recipe setting '{name}': expected .*auto.*, received None\."):
        Recipe().replace(**{name: None})


@pytest.mark.parametrize("name", ["gradient_clip", "model"])
def test_what_can_be_off_is_turned_off_by_the_word_none_alone(name):
    assert parse_setting(f"{name}=none") == (name, None)


def test_off_is_no_number():
    with pytest.raises(UsageError, match="'gradient_clip': expected a number, at least 0, or none for off, received"):
        parse_setting("gradient_clip=off")


def test_what_older_runs_kept_as_none_is_the_default():
    assert Recipe.from_dict({"learning_rate": None, "device": None, "model": None, "epochs": 3}) == Recipe(epochs=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [("epochs = ", "expected TOML"), ("epoch = 3", "Did you mean 'epochs'?"), ("epochs = 'x'", "expected a")],
)
def test_a_wrong_toml_file_is_named(tmp_path, text, words):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        Recipe.from_toml(path)


def test_a_missing_toml_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none.toml: expected a file, found no such file"):
        Recipe.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr=0.05", ("learning_rate", 0.05)),
        ("epochs=3", ("epochs", 3)),
        ("gradient_clip=none", ("gradient_clip", None)),
        ("nesterov=true", ("nesterov", True)),
        ("flip = random", ("flip", "random")),
        ("translate=2", ("translate", 2)),
    ],
)
def test_a_setting_of_the_command_line_is_read_in_its_type(text, expected):
    assert parse_setting(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [("epochs", "Expected name=value"), ("epochs=many", "received 'many'"), ("flop=random", "Did you mean 'flip'?")],
)
def test_a_setting_that_cannot_be_read_is_an_error(text, words):
    with pytest.raises(UsageError, match=words):
        parse_setting(text)
