"""`fr.train`: a model, data and a recipe, each itself or by name, the same as the command line has them."""

import re
from dataclasses import replace

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.recipes import load_recipe
from fittingroom.runs import Run, open_run
from fittingroom.training import Recipe, train_model
from fittingroom.workflows import training
from fittingroom.workflows.training import valid_for


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What `train` hands on to the trainer, which trains nothing here."""
    calls = []

    def noted(model, data, recipe, **options):
        calls.append((model, data, recipe, options["facts"]))
        return Run(tmp_path)

    monkeypatch.setattr(training, "train_model", noted)

    def ask(*words, **named):
        fr.train(*words, onnx=False, **named)
        return calls[-1]

    return ask


def test_mirroring_is_turned_off_and_told_where_it_would_change_what_an_image_is_of(toy):
    said = []
    assert valid_for(Recipe(flip="random", translate=1), replace(toy, name="mnist"), said.append).flip == "none"
    assert len(said) == 1
    assert "MNIST" in said[0]


def test_mirroring_stays_for_fashion_and_for_data_that_we_do_not_know(toy):
    recipe = Recipe(flip="random")
    assert valid_for(recipe, replace(toy, name="fashion-mnist")) == recipe
    assert valid_for(recipe, toy) == recipe


def test_python_drops_invalid_mirroring_as_the_command_line_does(asked, toy):
    assert asked("walkthrough", replace(toy, name="mnist"), settings={"flip": "random"})[2].flip == "none"


def test_a_recipes_name_trains_the_recipes_own_architecture(asked, toy):
    _, _, recipe, facts = asked("92", toy)
    assert recipe == load_recipe("92")
    assert facts["model"] == recipe.model
    assert facts["recipe"]["name"] == "92"


def test_an_architecture_and_a_recipe_go_together_by_keyword(asked, toy):
    _, _, recipe, facts = asked(model="stem-16-16-32", recipe="92", data=toy, epochs=2)
    assert recipe == load_recipe("92").replace(epochs=2)
    assert facts["model"] == "stem-16-16-32"
    assert facts["recipe"]["changes"] == {"epochs": 2}


def test_nothing_named_is_the_walk_throughs(asked, toy):
    _, _, recipe, facts = asked(data=toy)
    assert (recipe, facts["model"], facts["recipe"]["name"]) == (Recipe(), "walkthrough", None)


def test_a_name_that_is_both_is_the_architecture(asked, toy):
    facts = asked("walkthrough", toy)[3]
    assert (facts["model"], facts["recipe"]["name"]) == ("walkthrough", None)


def test_a_path_that_exists_wins_over_a_name(asked, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "92").write_text("epochs = 7\n")
    assert asked("92", toy)[2] == Recipe(epochs=7)
    assert asked(recipe="92", data=toy)[3]["recipe"]["name"] == str(tmp_path / "92")


def test_a_recipe_may_be_a_recipe_a_name_or_a_file(asked, toy, tmp_path):
    (tmp_path / "mine.toml").write_text("epochs = 7\n")
    for recipe in (Recipe(epochs=7), str(tmp_path / "mine.toml"), tmp_path / "mine.toml"):
        assert asked("walkthrough", toy, recipe=recipe)[2] == Recipe(epochs=7)


def test_data_may_be_a_name_a_folder_a_dataset_a_split_or_a_pair(asked, toy, toy_folder):
    pair = (toy.train.images, toy.train.labels)
    for data in (toy_folder, str(toy_folder), toy, toy.train, pair):
        loaded, facts = asked("walkthrough", data)[1::2]
        images = loaded.train.images if isinstance(loaded, fr.Dataset) else loaded[0]
        np.testing.assert_array_equal(images, toy.train.images)
        assert facts["model_source"]["arguments"]["classes"] == 10
        assert facts.get("data_folder") == (
            str(toy_folder.resolve()) if data in (toy_folder, str(toy_folder)) else None
        )


@pytest.mark.parametrize(
    ("words", "named", "told"),
    [
        (["walkthru"], {}, "No model 'walkthru': neither an architecture, nor FILE.py:function, nor a recipe"),
        (["walkthru"], {}, "Did you mean 'walkthrough'?"),
        (["93"], {"recipe": "92"}, "received two recipes: '93' and '92'"),
        (["walkthrough"], {"epochs": 2, "settings": {"epochs": 3}}, "Expected epochs once, received it twice"),
        (["walkthrough"], {"settings": {"epoch": 3}}, "Did you mean 'epochs'?"),
        (["walkthrough"], {"name": "../up"}, "Expected a run's name of at most 80 letters"),
        (["walkthrough"], {"name": ""}, "Expected a run's name of at most 80 letters"),
        (["walkthrough"], {"data_dir": "x"}, "Expected data_dir only with a dataset's name, received it with Dataset"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(asked, toy, words, named, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        asked(*words, toy, **named)


def test_a_run_is_named_and_its_folder_too(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = fr.train("walkthrough", toy, epochs=1, seed=3, name="my-first", onnx=False)
    assert re.fullmatch(r"\d{8}-\d{6}-my-first-s3", run.folder.name)
    assert (run.environment["name"], run.title) == ("my-first", "my-first")


@pytest.mark.parametrize(("setting", "value"), [("optimizer", "sgd"), ("learning_rate", 0.1), ("label_smoothing", 0.1)])
def test_a_recipe_that_a_compiled_model_would_not_use_is_refused(toy, tmp_path, setting, value):
    model = fr.build("walkthrough")
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(UsageError, match=rf"is compiled.*the recipe's {setting} would not be used"):
        fr.train(model, toy, settings={setting: value}, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_python_writes_the_onnx_twin_as_the_command_line_does(toy, tmp_path):
    pytest.importorskip("onnxruntime")
    assert (fr.train("walkthrough", toy, epochs=1, out=tmp_path / "a").folder / "model.onnx").is_file()
    pair = (toy.train.images, toy.train.labels)
    assert (fr.train("walkthrough", pair, epochs=1, out=tmp_path / "b").folder / "model.onnx").is_file()


def test_a_state_for_each_moment_of_a_runs_life(toy, tmp_path):
    from fittingroom.errors import Interrupted

    states = []

    def stop(progress):
        states.append(open_run(tmp_path / "r").state)
        if progress.epoch == 2:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        fr.train("walkthrough", toy, epochs=3, out=tmp_path / "r", onnx=False, on_progress=stop)
    assert set(states) == {"training"}
    run = open_run(tmp_path / "r")
    assert run.state == "stopped"
    done = fr.train("walkthrough", toy, epochs=1, out=tmp_path / "d", onnx=False)
    assert done.state == "done"
    fr.evaluate(done, toy)
    assert done.state == "evaluated"


def test_two_processes_do_not_train_one_run(toy, tmp_path):
    from fittingroom.errors import RunError

    run = fr.train("walkthrough", toy, epochs=1, out=tmp_path / "r", onnx=False)
    with run.under_training():
        assert open_run(run.folder).state == "training"
        with (
            pytest.raises(RunError, match="another process is training this run"),
            open_run(run.folder).under_training(),
        ):
            raise AssertionError
    assert run.state == "done"


def test_a_run_of_a_folder_and_a_users_file_goes_on_by_its_folder_alone(toy_folder, tmp_path):
    from fittingroom.errors import Interrupted

    (tmp_path / "mine.py").write_text(
        "import torch\n\ndef network(image_shape, classes):\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, classes))\n"
    )
    name = f"{tmp_path}/mine.py:network"

    def stop(progress):
        if progress.epoch == 2:
            raise Interrupted("enough")

    fr.train(name, toy_folder, epochs=3, out=tmp_path / "whole", onnx=False)
    with pytest.raises(Interrupted):
        fr.train(name, toy_folder, epochs=3, out=tmp_path / "r", onnx=False, on_progress=stop)
    training.resume_run(tmp_path / "r", onnx=False)
    files = [(tmp_path / run / "weights.safetensors").read_bytes() for run in ("whole", "r")]
    assert files[0] == files[1]


@pytest.mark.parametrize("kind", ["architecture", "file"])
def test_a_finished_runs_network_goes_on_from_its_weights_and_is_left_as_it_is(kind, toy, toy_folder, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n\ndef network(image_shape, classes):\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, classes))\n"
    )
    name = "walkthrough" if kind == "architecture" else f"{tmp_path}/mine.py:network"
    settings = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.0}
    run = fr.train(name, toy_folder, epochs=1, out=tmp_path / "r", validation=40, onnx=False)
    answers = run.predict(toy.test.images[:50], tempered=False)
    more = training.resume_run(run.folder, epochs=2, out=tmp_path / "more", onnx=False)
    assert len(run.history) == len(more.history) == 1
    assert more.history[0]["loss"] < 0.8 * run.history[0]["loss"]
    np.testing.assert_array_equal(open_run(tmp_path / "r").predict(toy.test.images[:50], tempered=False), answers)
    source = more.environment["model_source"]
    assert (source["kind"], source["epochs"], source["folder"]) == ("run", 1, str(run.folder.resolve()))
    recipe = Recipe(**settings).to_toml()  # a rate of 0 shows what the training began with
    (run.folder / "recipe.toml").write_text(recipe)
    same = training.resume_run(run.folder, epochs=2, out=tmp_path / "same", onnx=False)
    np.testing.assert_allclose(same.predict(toy.test.images[:50], tempered=False), answers, atol=1e-6)


def test_the_command_of_a_run_that_was_trained_on_makes_it_again(toy_folder, tmp_path):
    import shlex

    from fittingroom.cli.app import main
    from fittingroom.workflows.reproduce import reproduce

    run = fr.train("walkthrough", toy_folder, epochs=1, out=tmp_path / "r", onnx=False)
    more = training.resume_run(run.folder, epochs=3, out=tmp_path / "more", onnx=False)
    command, note = reproduce(more)
    assert "SHA-256 of its model" in note
    main([*shlex.split(command)[1:], "--out", str(tmp_path / "again"), "--no-onnx", "--quiet"])
    again = open_run(tmp_path / "again")
    assert [line["loss"] for line in again.history] == [line["loss"] for line in more.history]


def test_a_compiled_models_run_is_trained_on_from_python(toy, toy_folder, tmp_path):
    from fittingroom.errors import UsageError

    model = fr.build("walkthrough")
    model.compile("adam", "sparse_categorical_crossentropy")
    run = fr.train(model, toy_folder, epochs=1, out=tmp_path / "r", onnx=False)
    with pytest.raises(UsageError, match="need Python"):
        training.resume_run(run.folder, epochs=2)
    assert fr.train(model, toy, epochs=1, out=tmp_path / "more", onnx=False).history[0]["loss"] < run.history[0]["loss"]


def test_the_trainer_alone_writes_down_what_it_can_tell(toy, tmp_path):
    run = train_model(fr.build("walkthrough"), toy, Recipe(epochs=1), out=tmp_path / "r")
    facts = run.environment
    assert facts["model_source"] == {"kind": "python", "class": "keras.src.models.sequential.Sequential"}
    assert facts["recipe"] == {"name": None, "sha256": None, "changes": {"epochs": 1}}
