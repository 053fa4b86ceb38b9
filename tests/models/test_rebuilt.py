"""A run whose model is not made of Keras's layers: asked while it lives, and from its folder with its source."""

import shutil

import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.errors import ModelError
from fittingroom.runs import open_run
from helpers.networks import keras, plain_module

SOURCE = """
import keras, torch

def module(image_shape, classes):
    parts = torch.nn
    return parts.Sequential(
        parts.Conv2d(1, 3, 3), parts.BatchNorm2d(3), parts.ReLU(), parts.Flatten(), parts.Linear(3 * 26 * 26, classes)
    )

class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2

def own_layer(image_shape, classes):
    parts = [keras.Input((*image_shape, 1)), keras.layers.Flatten(), Doubled(), keras.layers.Dense(classes)]
    return keras.Sequential(parts)
"""


@pytest.fixture
def trained(tmp_path, toy_folder):
    file = tmp_path / "mine.py"
    file.write_text(SOURCE)

    def train(function):
        recipe = fr.Recipe(epochs=1, pixels="raw" if function == "module" else "unit")
        return fr.train(f"{file}:{function}", toy_folder, recipe=recipe, onnx=False, out=tmp_path / function)

    return train


@pytest.mark.parametrize("function", ["module", "own_layer"])
def test_a_run_of_a_users_own_model_answers_the_same_alive_and_from_its_folder(trained, toy, function):
    run = trained(function)
    alive = fr.predict(run, toy.test.images)
    opened = open_run(run.folder)
    assert opened.live is None
    np.testing.assert_allclose(opened.predict(toy.test.images), alive, rtol=1e-5, atol=1e-6)
    model = opened.model()  # takes what it was trained on
    assert all(torch.equal(own, right) for own, right in zip(model.parameters(), run.model().parameters(), strict=True))
    verdict = fr.evaluate(str(run.folder), toy)
    assert verdict.accuracy == pytest.approx(float((alive.argmax(1) == toy.test.labels).mean()))
    assert verdict.accuracy > 0.5


def test_a_torch_module_passed_from_python_predicts_and_is_evaluated_at_once(toy, tmp_path):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    run = fr.train(module, toy, epochs=1, out=tmp_path / "r")
    np.testing.assert_array_equal(fr.predict(module, toy.test.images), fr.predict(run, toy.test.images))
    assert fr.evaluate(run, toy).n == 200
    (run.folder / "model.onnx").unlink(missing_ok=True)  # which answers for it where it is there
    with pytest.raises(ModelError, match=r"not the Python that makes it. Ask the model itself: fr.predict\(model"):
        open_run(run.folder).predict(toy.test.images)


def test_a_source_that_moved_with_the_run_is_found_and_one_that_changed_is_told(trained, toy, tmp_path):
    run = trained("own_layer")
    file = tmp_path / "mine.py"
    opened, before = open_run(run.folder), run.predict(toy.test.images[:5])
    shutil.move(file, run.folder / "mine.py")
    np.testing.assert_allclose(opened.predict(toy.test.images[:5]), before, atol=1e-6)
    (run.folder / "mine.py").write_text(SOURCE + "\n# changed\n")
    with pytest.raises(ModelError, match="has changed since"):
        opened.predict(toy.test.images[:5])
    (run.folder / "mine.py").unlink()
    with pytest.raises(ModelError, match=r"is made by .*mine.py, which is not there"):
        opened.predict(toy.test.images[:5])


def test_weights_of_another_model_are_told(trained, toy):
    run = trained("own_layer")
    file = run.folder / "weights.safetensors"
    from safetensors.torch import save_file

    save_file({"0:kernel": torch.zeros(3)}, file)
    with pytest.raises(ModelError, match="the weights are of another model than"):
        open_run(run.folder).predict(toy.test.images[:5])


def test_what_wants_ordinary_layers_says_who_can_ask_instead(trained):
    run = trained("own_layer")
    with pytest.raises(ModelError, match=r"its owner's own Python makes.*Ask it by fittingroom evaluate"):
        fr.load_model(run.folder)


def test_a_run_without_any_model_says_so(tmp_path, toy):
    fr.train(plain_linear(), toy, epochs=1, out=tmp_path / "r", onnx=False)
    (tmp_path / "r" / "model.keras").unlink()
    with pytest.raises(ModelError, match="Has its training ended"):
        open_run(tmp_path / "r").predict(toy.test.images)


def plain_linear():
    return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, "softmax")])


def test_plain_modules_of_the_tests_are_asked_without_a_run(toy):
    images = toy.test.images[:7, :12, :12]
    assert fr.predict(plain_module(), images).shape == (7, 4)
