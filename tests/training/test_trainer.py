"""`train`: from a model and data to a run folder."""

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data import Dataset, Split, hold_out
from fittingroom.data.dataset import divided
from fittingroom.errors import DataError, FittingRoomError, RunError, UsageError
from fittingroom.runs import open_run
from fittingroom.training import Recipe, plan, train_model
from helpers.networks import dense, keras, plain_module


@pytest.fixture
def dataset(images, labels):
    def split(name, part):
        return Split(name, images[part], labels[part], np.arange(96)[part])

    parts = split("train", slice(0, 64)), split("test", slice(64, 96))
    return Dataset("tiny", *parts, ("a", "b", "c", "d"), "0123456789abcdef", "made for a test")


def test_a_run_folder_holds_recipe_history_environment_and_the_model_for_use(dataset, tmp_path):
    model = dense()
    run = train_model(model, dataset, Recipe(epochs=2, batch_size=20), seed=4, validation=16, out=tmp_path / "run")
    assert {path.name for path in run.folder.iterdir()} == {
        "environment.json",
        "history.jsonl",
        "model.keras",
        "recipe.toml",
        "resolved.json",
        "temperature.json",
    }
    assert Recipe.from_toml(run.folder / "recipe.toml") == Recipe(epochs=2, batch_size=20)
    assert run.resolved["learning_rate"] == 0.001
    assert run.resolved["seed"] == 4
    environment = open_run(run.folder).environment
    assert (environment["dataset"], environment["fingerprint"]) == ("tiny", "0123456789abcdef")
    assert (environment["train_images"], environment["validation_images"]) == (48, 16)
    assert [line["epoch"] for line in run.history] == [1, 2]
    saved = keras.saving.load_model(run.folder / "model.keras")
    assert not saved.compiled
    pixels = dataset.test.images
    ours = model((pixels.reshape(32, -1) / np.float32(255)).astype("float32")).detach().numpy()
    np.testing.assert_allclose(saved(pixels).detach().numpy(), ours, rtol=1e-5, atol=1e-6)


def test_the_trainer_never_sees_the_test_split(dataset, tmp_path, monkeypatch):
    seen = []

    def noted(labels, *rest, **named):
        seen.append(labels)
        return divided(labels, *rest, **named)

    monkeypatch.setattr(plan, "divided", noted)

    class Hidden:
        def __getattr__(self, name):
            raise AssertionError("the test split was looked at")

    object.__setattr__(dataset, "test", Hidden())
    train_model(dense(), dataset, Recipe(epochs=1), validation=8, out=tmp_path / "run")
    assert [np.array_equal(labels, dataset.train.labels) for labels in seen] == [True]


def test_validation_is_held_out_stratified_and_the_same_whatever_the_seed(dataset, tmp_path):
    whole = hold_out(dataset.train, 16, seed=0)
    rest, held = whole
    assert np.bincount(held.labels).tolist() == [4, 4, 4, 4]
    by_count, by_pair = (
        train_model(dense(), data, Recipe(epochs=1), seed=9, validation=validation, out=tmp_path / name).history
        for name, data, validation in (("count", dataset, 16), ("pair", rest, held))
    )
    assert {**by_count[0], "seconds": 0} == {**by_pair[0], "seconds": 0}


def test_a_torch_module_is_kept_as_its_weights(dataset, tmp_path):
    from safetensors.torch import load_file

    module = plain_module()
    run = train_model(module, (dataset.train.images, dataset.train.labels), Recipe(epochs=1), out=tmp_path / "run")
    saved = load_file(run.folder / "weights.safetensors")
    assert saved["0.weight"].equal(module[0].weight)


def test_a_folder_that_holds_a_run_is_refused(dataset, tmp_path):
    train_model(dense(), dataset, Recipe(epochs=1), out=tmp_path / "run")
    with pytest.raises(RunError, match="holds another run"):
        train_model(dense(), dataset, Recipe(epochs=1), out=tmp_path / "run")


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ((np.zeros((0, 12, 12), np.uint8), np.zeros(0, np.uint8)), DataError, "training: expected at least one image"),
        ((np.zeros((3, 12, 12), np.uint8), np.zeros(2, np.uint8)), DataError, "3 images and 2 labels"),
    ],
)
def test_data_that_are_not_what_they_should_be_leave_no_run_behind(data, error, words, tmp_path):
    with pytest.raises(error, match=words):
        train_model(dense(), data, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_recipe_value_leaves_no_run_behind(dataset, tmp_path):
    with pytest.raises(UsageError, match="'epochs': expected a whole number, at least 1, received 0"):
        fr.train(dense(), dataset, epochs=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("unfit", ["shape", "label", "loss"])
def test_a_training_that_no_epoch_came_of_leaves_no_run_behind(dataset, tmp_path, unfit):
    images, labels = dataset.train.images, dataset.train.labels.copy()
    labels[0] = 9 if unfit == "label" else labels[0]
    recipe = Recipe(optimizer="sgd", batch_size=8, learning_rate=1e30 if unfit == "loss" else 0.1)
    with pytest.raises(FittingRoomError):
        train_model(dense(), (images[:, 1:] if unfit == "shape" else images, labels), recipe, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Failing(keras.callbacks.Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_begin(self, logs=None):
        raise self.error


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("theirs"), KeyboardInterrupt()], ids=lambda error: type(error).__name__
)
def test_an_error_of_the_users_own_leaves_the_name_of_the_run_free(dataset, tmp_path, error):
    with pytest.raises(type(error)):
        train_model(dense(), dataset, Recipe(epochs=1), callbacks=[Failing(error)], out=tmp_path / "run")
    assert train_model(dense(), dataset, Recipe(epochs=1), out=tmp_path / "run").history


def test_a_model_trained_on_raw_pixels_is_kept_so_that_it_answers_as_it_was_trained(dataset, tmp_path):
    model = dense()
    run = train_model(model, dataset, Recipe(pixels="raw", epochs=1, learning_rate=1e-5), out=tmp_path / "run")
    pixels = dataset.test.images
    raw = model(pixels.reshape(32, -1).astype("float32")).detach().numpy()
    np.testing.assert_allclose(run.predict(pixels), raw, atol=1e-5)
