import json
import shlex

import pytest
import torch

import fittingroom as fr
from fittingroom.cli.train_commands import _recipe
from fittingroom.models import MODELS
from fittingroom.recipes import load_recipe, recipe_names
from fittingroom.runs import Run
from fittingroom.training import Recipe
from fittingroom.workflows.reproduce import recipe_words, reproduce

FACTS = {"dataset": "fashion-mnist", "seed": 3, "held_out": None, "validation_images": 0, "fingerprint": "f"}


def written(folder, recipe=None, **facts):
    folder.mkdir()
    (folder / "recipe.toml").write_text((recipe or Recipe()).to_toml())
    (folder / "environment.json").write_text(json.dumps(FACTS | facts))
    return Run(folder)


def recipe_of(words):
    """The recipe that the command line makes of some options."""
    options = list(zip(words[::2], words[1::2], strict=True))
    name = next((value for option, value in options if option == "--recipe"), None)
    return _recipe(name, [value for option, value in options if option == "--set"], None)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(epochs=3, optimizer="sgd", learning_rate=0.05, nesterov=True, weight_decay=0.0005, pairs="5,7,9"),
        Recipe(epochs=1, batch_size=1, averaging_every=1, learning_rate=1e-7),
        Recipe(trace=False, gradient_clip=1.0, device="cpu"),
        *(load_recipe(name) for name in recipe_names()),
        load_recipe("92").replace(epochs=2, flip="none"),
        load_recipe("92").replace(model=None, learning_rate="auto"),
    ],
)
def test_the_options_stand_for_the_very_recipe(recipe):
    assert recipe_of(recipe_words(recipe)) == recipe


def test_a_shipped_recipe_is_called_by_its_name():
    assert recipe_words(load_recipe("92")) == ["--recipe", "92"]
    assert recipe_words(Recipe()) == []


def test_dataset_held_out_images_and_seed_are_in_the_command(tmp_path):
    run = written(tmp_path / "r", model="walkthrough", held_out=10_000, validation_images=10_000)
    assert reproduce(run).command == (
        "fittingroom train --dataset fashion-mnist --model walkthrough --validation 10000 --seed 3"
    )


@pytest.mark.parametrize("name", MODELS)
def test_every_network_of_a_recipe_is_found_again(name, tmp_path):
    built = fr.build(name).name
    words = shlex.split(reproduce(written(tmp_path / "r", Recipe(model=name), model=built)).command)
    assert f"model={name}" in words or ["--recipe" in words, "--model" in words] == [True, False]


def test_a_network_that_was_asked_for_instead_of_the_recipes_is_named(tmp_path):
    run = written(tmp_path / "r", load_recipe("90"), model="thin-conv")
    assert "--model thin-conv --recipe 90" in reproduce(run).command


def test_a_users_own_file_is_named(tmp_path):
    run = written(tmp_path / "r", model="mine")
    (run.folder / "model_source.toml").write_text('file = "/home/me/my net.py"\nfunction = "network"\nsha256 = "0"\n')
    assert "--model '/home/me/my net.py:network'" in reproduce(run).command


@pytest.mark.parametrize(
    "facts",
    [
        {"model": "sequential_4"},
        {"model": "walkthrough", "dataset": "arrays"},
        {"model": "walkthrough", "validation_images": 50},
    ],
)
def test_what_the_command_line_has_no_name_for_is_told_from_python(tmp_path, facts):
    made = reproduce(written(tmp_path / "r", **facts))
    assert made.command == ""
    assert 'recipe=fr.Recipe.from_toml("r/recipe.toml"), seed=3' in made.note


def test_a_folder_of_data_is_named_as_one(tmp_path):
    made = reproduce(written(tmp_path / "r", model="walkthrough", dataset="bars"))
    assert "'bars' stands for the folder that holds the data, fingerprint f." in made.note


def test_asking_changes_no_random_numbers(tmp_path):
    run = written(tmp_path / "r", load_recipe("90"), model=fr.build("stem-16-16-32").name)
    before = torch.get_rng_state()
    reproduce(run)
    assert torch.equal(torch.get_rng_state(), before)
