"""A space file: ranges and lists over the recipe's settings; what is none is refused before anything runs."""

import pytest

from fittingroom.errors import UsageError
from fittingroom.workflows.sweep_space import Dimension, read_space, space_toml

RATE = {"low": 0.001, "high": 0.1, "log": True}


def test_a_file_says_what_is_varied_and_what_is_another_from_the_start(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'recipe = "92"\n[settings]\nepochs = 3\n[space]\nlearning_rate = { low = 0.01, high = 0.1, log = true }\n'
        "batch_size = { low = 64, high = 256, step = 64 }\ngradient_clip = [1.0, 'none']\n"
    )
    space = read_space(path)
    assert (space.name, space.recipe, space.base().epochs) == ("mine", "92", 3)
    assert space.base().label_smoothing == space.origin().label_smoothing > 0
    assert [each.name for each in space.dimensions] == ["learning_rate", "batch_size", "gradient_clip"]
    rate, batch, clip = space.dimensions
    assert (rate.low, rate.high, rate.log, rate.is_whole) == (0.01, 0.1, True, False)
    assert batch.grid() == [64, 128, 192, 256]
    assert clip.choices == (1.0, None)


def test_a_setting_that_is_off_in_every_trial_and_a_space_that_becomes_a_file_again(tmp_path):
    values = {"recipe": "92", "settings": {"gradient_clip": "none"}, "space": {"learning_rate": RATE, "epochs": [1, 2]}}
    space = read_space(values)
    assert space.base().gradient_clip is None
    path = tmp_path / "again.toml"
    path.write_text(space_toml(values | {"settings": {"gradient_clip": None}}))
    assert read_space(path).as_dict() == space.as_dict()
    assert read_space(path).base() == space.base()


def test_a_recipe_beside_the_space_is_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.toml").write_text("epochs = 7\n")
    (tmp_path / "there" / "space.toml").write_text(
        'recipe = "mine.toml"\n[space]\nmomentum = [0.5, 0.9]\n[settings]\noptimizer = "sgd"\n'
    )
    monkeypatch.chdir(tmp_path)
    assert read_space("there/space.toml").base().epochs == 7


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "expected something to vary, found nothing under"),
        ({"space": {}}, "expected something to vary, found nothing under"),
        ({"settings": {"epochs": 3}}, "expected something to vary"),
        ({"spice": {"epochs": [1, 2]}}, "unknown key 'spice'. Did you mean 'space'?"),
        ({"learning_rate": RATE}, r"unknown key 'learning_rate'. What is varied stands under \[space\]"),
        ({"space": {"lerning_rate": RATE}}, "Unknown recipe setting 'lerning_rate'. Did you mean 'learning_rate'?"),
        ({"settings": {"epoch": 3}, "space": {"learning_rate": RATE}}, "Unknown recipe setting 'epoch'. Did you mean"),
        ({"recipe": "29", "space": {"learning_rate": RATE}}, "29"),
        ({"space": {"learning_rate": {"low": 0.1, "high": 10**400}}}, "expected a number"),
        ({"recipe": 92, "space": {"learning_rate": RATE}}, "recipe: expected a recipe's name"),
        ({"space": [1]}, r"\[space\]: expected a table of settings"),
        ({"space": {"epochs": 5}}, r"\[space\] epochs: expected a list of values, or low and high, received 5"),
        ({"space": {"epochs": []}}, "expected two or more values to choose from"),
        ({"space": {"epochs": [5]}}, "there is nothing to vary"),
        ({"space": {"epochs": [5, 5]}}, "expected each value once, received 5 twice"),
        ({"space": {"epochs": [5, 0]}}, "Recipe setting 'epochs': expected a whole number, at least 1, received 0"),
        ({"space": {"optimizer": ["sgd", "adan"]}}, "Recipe setting 'optimizer': expected one of"),
        ({"space": {"optimizer": {"low": 1, "high": 2}}}, r"\[space\] optimizer: expected a list of values"),
        ({"space": {"nesterov": {"low": 0, "high": 1}}}, r"\[space\] nesterov: expected a list of values"),
        ({"space": {"learning_rate": {"low": 0.1}}}, "expected low and high, found no high"),
        ({"space": {"learning_rate": {"low": 0.1, "hi": 1}}}, "unknown key 'hi'. Did you mean 'high'?"),
        ({"space": {"learning_rate": {"low": 0.1, "high": 0.1}}}, "expected low below high, received 0.1 and 0.1"),
        ({"space": {"learning_rate": {"low": 0.2, "high": 0.1}}}, "expected low below high"),
        ({"space": {"learning_rate": {"low": "auto", "high": 0.1}}}, "expected numbers for low and high"),
        ({"space": {"learning_rate": {"low": -1, "high": 0.1}}}, "at least 0, or auto, received -1"),
        ({"space": {"learning_rate": {"low": 0.1, "high": float("inf")}}}, "received inf"),
        ({"space": {"learning_rate": {"low": float("nan"), "high": 1}}}, "received nan"),
        ({"space": {"label_smoothing": {"low": 0, "high": 1.5}}}, "0 to 1, received 1.5"),
        ({"space": {"batch_size": {"low": 16.0, "high": 64}}}, "expected a whole number, at least 1, received 16.0"),
        ({"space": {"batch_size": {"low": 16, "high": 64, "step": 0.5}}}, "step: expected a whole number above 0"),
        ({"space": {"batch_size": {"low": 16, "high": 64, "step": 0}}}, "step: expected a whole number above 0"),
        ({"space": {"batch_size": {"low": 16, "high": 64, "step": 10}}}, "a whole number of steps"),
        ({"space": {"learning_rate": {"low": 0.0, "high": 1, "log": True}}}, "log = true needs a low above 0"),
        ({"space": {"learning_rate": {**RATE, "step": 0.001}}}, "log = true needs a low above 0, and no step"),
        ({"space": {"learning_rate": {**RATE, "log": "yes"}}}, "log: expected true or false"),
        ({"space": {"device": ["cpu", "cuda"]}}, "device cannot be varied"),
        ({"settings": {"momentum": 0.9}, "space": {"momentum": [0.1, 0.2]}}, "momentum stands under"),
        ({"space": {"momentum": [0.1, 0.2]}}, "momentum is used only where optimizer is sgd and muon, and every trial"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_sentence(values, told):
    with pytest.raises(UsageError, match=told) as caught:
        read_space(values)
    assert "\n" not in str(caught.value)


def test_a_setting_that_some_trials_use_may_be_varied():
    space = read_space({"space": {"momentum": [0.1, 0.2], "optimizer": ["adam", "sgd"]}})
    assert len(space.combinations()) == 4


def test_files_that_are_none_are_refused_with_their_names(tmp_path):
    with pytest.raises(UsageError, match=r"space.toml: expected a file, found no such file"):
        read_space(tmp_path / "space.toml")
    (tmp_path / "space.toml").write_text("[space\n")
    with pytest.raises(UsageError, match=r"space.toml: expected TOML"):
        read_space(tmp_path / "space.toml")


def test_a_grid_has_every_combination_and_an_endless_one_is_refused():
    space = read_space({"space": {"label_smoothing": {"low": 0.0, "high": 0.3, "step": 0.1}, "epochs": [1, 2]}})
    values = [tuple(each.values()) for each in space.combinations()]
    assert values == [(rate, epochs) for rate in (0.0, 0.1, 0.2, 0.3) for epochs in (1, 2)]
    with pytest.raises(UsageError, match="expected a step or a list of values for a grid"):
        read_space({"space": {"learning_rate": RATE}}).combinations()
    many = {"space": {"translate": {"low": 0, "high": 99}, "cutout": {"low": 0, "high": 99}}}
    with pytest.raises(UsageError, match="Expected a grid of at most 1,000 combinations, received 10,000"):
        read_space({**many}).combinations()
    with pytest.raises(UsageError, match="expected at most 1,000 values"):
        Dimension("learning_rate", 0.0, 1.0, 1e-6).grid()
