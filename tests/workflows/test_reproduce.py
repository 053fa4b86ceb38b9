"""The command that makes a run again: read from what the run has written down, and it makes the same weights."""

import json
import shlex

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.cli.train_commands import _settings
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.recipes import load_recipe, recipe_names, recipe_sha256
from fittingroom.runs import Run, open_run
from fittingroom.training import Recipe
from fittingroom.workflows.reproduce import recipe_words, reproduce
from fittingroom.workflows.training import train
from helpers.architectures import one_of_a_kind
from helpers.cases import one_in

FACTS = {
    "dataset": "fashion-mnist",
    "seed": 3,
    "held_out": None,
    "validation_images": 0,
    "fingerprint": "f",
    "model_source": {"kind": "architecture", "name": "walkthrough"},
    "compiled": None,
    "recipe": {"name": None, "sha256": None, "changes": {}},
    "callbacks": [],
    "data_folder": None,
    "data_dir": None,
}


def written(folder, recipe=None, **facts):
    folder.mkdir()
    (folder / "recipe.toml").write_text((recipe or Recipe()).to_toml())
    (folder / "environment.json").write_text(json.dumps(FACTS | facts))
    return Run(folder)


def recipe_of(words):
    """The recipe that the command line makes of some options."""
    options = list(zip(words[::2], words[1::2], strict=True))
    name = next((value for option, value in options if option == "--recipe"), None)
    base = load_recipe(name) if name else Recipe()
    return base.replace(**_settings([value for option, value in options if option == "--set"]))


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (Recipe(), None),
        (Recipe(epochs=3, optimizer="sgd", learning_rate=0.05, nesterov=True, weight_decay=0.0005), None),
        (Recipe(epochs=1, batch_size=1, averaging_every=1, learning_rate=1e-7, pairs="5,7,9"), None),
        (Recipe(trace=False, gradient_clip=1.0, device="cpu"), "walkthrough"),
        *((load_recipe(name), name) for name in recipe_names()),
        (load_recipe("92").replace(epochs=2, flip="none"), "92"),
        (load_recipe("92").replace(model=None, learning_rate="auto"), "92"),
        (load_recipe("92"), "a recipe that is gone.toml"),
    ],
)
def test_the_options_stand_for_the_very_recipe(recipe, name):
    assert recipe_of(recipe_words(recipe, name)) == recipe


def test_a_recipe_is_called_by_the_name_it_was_asked_for():
    assert recipe_words(load_recipe("92"), "92") == ["--recipe", "92"]
    assert recipe_words(Recipe(), None) == []
    assert recipe_words(load_recipe("90").replace(epochs=5), "90") == ["--recipe", "90", "--set", "epochs=5"]


def test_a_recipe_file_that_has_changed_since_makes_no_other_run(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("epochs = 2\n")
    before = load_recipe(file)
    file.write_text("epochs = 9\nbatch_size = 7\n")
    assert recipe_of(recipe_words(before, str(file))) == before
    file.write_text("epochs = what")
    assert recipe_of(recipe_words(before, str(file))) == before


def weights_of(folder):
    return [np.asarray(weight) for weight in open_run(folder).model().get_weights()]


@pytest.fixture(scope="module")
def few_folder(toy, tmp_path_factory):
    """As many images as make three steps."""
    folder = tmp_path_factory.mktemp("data") / "few"
    folder.mkdir()
    arrays = (toy.train.images[:60], toy.train.labels[:60], toy.test.images[:20], toy.test.labels[:20])
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        write_idx(folder / name, array)
    return folder


@pytest.mark.parametrize("name", one_in(3, one_of_a_kind()))
def test_the_printed_command_makes_the_same_weights(name, few_folder, tmp_path, monkeypatch):
    first = train(name, few_folder, epochs=1, batch_size=25, seed=2, out=tmp_path / "first", onnx=False)
    command, note = reproduce(open_run(first.folder))
    words = shlex.split(command)
    assert words[:4] == ["fittingroom", "train", "--model", name]
    assert "equal to the bit" in note
    monkeypatch.chdir(tmp_path)  # the command does not depend on where it is given
    assert main([*words[1:], "--out", str(tmp_path / "second"), "--no-onnx", "--quiet"]) == 0
    for ours, again in zip(weights_of(first.folder), weights_of(tmp_path / "second"), strict=True):
        np.testing.assert_array_equal(ours, again)


SOURCE = """
import keras

def network(image_shape, classes):
    parts = [keras.Input(image_shape), keras.layers.Flatten(), keras.layers.Dense(classes)]
    return keras.Sequential(parts, name="mine")
"""


def test_recipe_settings_held_out_images_and_a_users_file_come_back_too(toy_folder, tmp_path):
    (tmp_path / "my net.py").write_text(SOURCE)
    (tmp_path / "mine.toml").write_text('optimizer = "sgd"\nepochs = 2\nflip = "random"\n')
    words = ["--model", f"{tmp_path}/my net.py:network", "--recipe", str(tmp_path / "mine.toml"), "--set", "lr=0.1"]
    more = ["--dataset", str(toy_folder), "--validation", "60", "--seed", "5", "--no-onnx", "--quiet"]
    assert main(["train", *words, *more, "--name", "first", "--out", str(tmp_path / "first")]) == 0
    command, note = reproduce(open_run(tmp_path / "first"))
    assert "my net.py must be as it was, SHA-256" in note
    assert main([*shlex.split(command)[1:], "--out", str(tmp_path / "second"), "--no-onnx", "--quiet"]) == 0
    first, second = open_run(tmp_path / "first"), open_run(tmp_path / "second")
    for ours, again in zip(weights_of(first.folder), weights_of(second.folder), strict=True):
        np.testing.assert_array_equal(ours, again)
    assert [line["val_loss"] for line in first.history] == [line["val_loss"] for line in second.history]


def test_what_a_run_is_made_of_is_written_down_from_its_beginning(toy_folder, tmp_path):
    seen = []

    def on_progress(progress):
        seen.append(open_run(tmp_path / "r").environment)

    train("thin-conv", toy_folder, recipe="92", epochs=1, seed=4, name="try-1", out=tmp_path / "r", onnx=False,
          on_progress=on_progress)  # fmt: skip
    facts = seen[0]
    assert facts["model"] == "thin-conv"
    arguments = {"image_shape": [28, 28], "classes": 10, "seed": 4}
    assert facts["model_source"] == {"kind": "architecture", "name": "thin-conv", "arguments": arguments}
    assert facts["recipe"] == {"name": "92", "sha256": recipe_sha256("92"), "changes": {"epochs": 1}}
    assert (facts["data_folder"], facts["data_dir"]) == (str(toy_folder.resolve()), None)
    assert (facts["name"], facts["command"], facts["compiled"]) == ("try-1", "Python call", None)
    assert facts == open_run(tmp_path / "r").environment


def test_the_words_of_the_command_line_are_kept(toy_folder, tmp_path):
    words = ["train", "--dataset", str(toy_folder), "--epochs", "1", "--out", str(tmp_path / "r"), "--no-onnx", "-q"]
    assert main(words) == 0
    assert open_run(tmp_path / "r").environment["command"] == ["fittingroom", *words]


def test_a_compiled_models_own_optimiser_loss_and_metrics_are_kept_as_what_was_used(toy, tmp_path):
    import keras

    model = fr.build("walkthrough")
    optimizer = keras.optimizers.SGD(learning_rate=0.5, momentum=0.25)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = train(model, toy, epochs=1, out=tmp_path / "r", onnx=False)
    compiled = run.environment["compiled"]
    assert compiled["optimizer"]["class_name"] == "SGD"
    assert compiled["optimizer"]["config"]["momentum"] == 0.25
    assert (compiled["loss"], compiled["metrics"]) == ("sparse_categorical_crossentropy", ["accuracy"])
    assert run.resolved["optimizer"] == "SGD, the model's own"
    assert run.resolved["learning_rate"] == 0.5
    assert run.resolved["momentum"] is None
    assert run.environment["model_source"]["kind"] == "python"
    assert reproduce(run)[0] == ""


@pytest.mark.parametrize(
    "facts",
    [
        {"model_source": {"kind": "python", "class": "keras.src.models.sequential.Sequential"}},
        {"dataset": "arrays"},
        {"dataset": "bars"},
        {"validation_images": 50},
        {"compiled": {"optimizer": "adam"}},
        {"callbacks": ["EarlyStopping"]},
    ],
)
def test_what_the_command_line_has_no_name_for_is_told_from_python(tmp_path, facts):
    command, note = reproduce(written(tmp_path / "r", **facts))
    assert command == ""
    assert 'recipe="r/recipe.toml", seed=3' in note


def test_of_an_older_run_nothing_is_guessed(tmp_path):
    run = written(tmp_path / "r", model="walkthrough")
    facts = {key: value for key, value in run.environment.items() if key != "model_source"}
    (run.folder / "environment.json").write_text(json.dumps(facts))
    command, note = reproduce(run)
    assert command == ""
    assert "made before runs wrote down what they are made of" in note
    assert "r/recipe.toml" in note


def test_a_folder_of_files_of_a_known_dataset_is_named(tmp_path):
    command, _ = reproduce(written(tmp_path / "r", data_dir="/my files"))
    assert command == "fittingroom train --model walkthrough --dataset fashion-mnist --data-dir '/my files' --seed 3"


def test_dataset_held_out_images_and_seed_are_in_the_command(tmp_path):
    run = written(tmp_path / "r", held_out=10_000, validation_images=10_000)
    assert reproduce(run)[0] == (
        "fittingroom train --model walkthrough --dataset fashion-mnist --validation 10000 --seed 3"
    )
