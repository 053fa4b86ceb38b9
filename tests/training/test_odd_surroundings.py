"""Trainings in odd surroundings work, or end in one sentence before their first step."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import fittingroom as fr
from fittingroom.errors import ModelError
from fittingroom.inference import forward
from fittingroom.inference.keras_engine import predictor
from fittingroom.training.plan import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers.framework_loops import compare_keras
from helpers.networks import convolutional, dense, keras, layers, plain_module
from helpers.odd_models import Net


def plan(images, labels, **settings):
    return TrainingPlan(images, labels, Recipe(**{"epochs": 2, "batch_size": 16, **settings}))


def test_training_inside_inference_mode_trains(images, labels):
    inside, outside = plain_module(), plain_module()
    with torch.inference_mode():
        fit(inside, plan(images, labels))
    fit(outside, plan(images, labels))
    assert all(torch.equal(a, b) for a, b in zip(inside.parameters(), outside.parameters(), strict=True))


def test_a_last_batch_of_one_image_is_refused_before_the_first_step_where_batch_norm_cannot_take_it(images, labels):
    module = nn.Sequential(nn.Flatten(), nn.Linear(144, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))
    before = [tensor.clone() for tensor in module.state_dict().values()]
    with pytest.raises(ModelError, match=r"the last batch of an epoch would hold one.*more than 1 value per channel"):
        fit(module, plan(images[:65], labels[:65]))
    assert all(torch.equal(a, b) for a, b in zip(module.state_dict().values(), before, strict=True))
    fit(convolutional(), plan(images[:65], labels[:65]))  # Keras's takes one


def test_a_module_that_fails_in_training_alone_is_one_sentence(images, labels):
    class Failing(Net):
        def forward(self, x):
            assert not self.training, "no training here"
            return super().forward(x)

    with pytest.raises(
        ModelError, match=r"fails in training on a batch of 16 images: AssertionError: no training here"
    ):
        fit(Failing(), plan(images, labels))


def test_an_assertion_in_a_module_is_repeated_where_no_shape_fits():
    class Asserting(nn.Module):
        def forward(self, x):
            assert x.shape[-1] == 7, "expected seven columns"

    with pytest.raises(ModelError, match="It says: AssertionError: expected seven columns"):
        predictor(Asserting())(np.zeros((2, 12, 12), np.uint8))


def test_a_generator_that_nothing_can_put_back_is_refused(images, labels):
    module = Net()
    module.values = (value for value in range(10**6))
    with pytest.raises(ModelError, match=r"keeps a generator, Net.values"):
        fit(module, plan(images, labels))


@pytest.mark.parametrize("was", [True, False])
def test_a_torch_module_is_left_in_its_own_modes(was, images, labels):
    module = plain_module().train(was)
    module[1].eval()
    fit(module, plan(images, labels))
    assert (module.training, module[1].training) == (was, False)


def test_a_reason_has_no_colours(images, labels):
    class Colourful(layers.Layer):
        def call(self, x, training=False):
            if training and type(x).__name__ != "Tensor":
                raise ValueError("never")
            return x if float(keras.ops.mean(x)) > -1 else -x

    said = []
    model = keras.Sequential([keras.Input((144,)), Colourful(), layers.Dense(4)])
    fit(model, plan(images, labels), Hooks(log=said.append))
    assert len(said) == 1
    assert "\x1b" not in said[0]


def test_a_model_in_float16_that_nobody_scales_the_loss_for_is_refused(images, labels):
    model = keras.Sequential([keras.Input((144,)), layers.Dense(4, dtype="mixed_float16")])
    with pytest.raises(ModelError, match="computes in float16"):
        fit(model, plan(images, labels))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_compiled_model_in_half_precision_ends_with_the_weights_of_fit(policy, images, labels):
    def make():
        keras.config.set_dtype_policy(policy)
        try:
            keras.utils.set_random_seed(0)
            hidden, head = layers.Dense(16, "relu"), layers.Dense(4, "softmax", dtype="float32")
            model = keras.Sequential([keras.Input((144,)), hidden, head])
            model.compile("sgd", "sparse_categorical_crossentropy")  # Keras puts a LossScaleOptimizer around it
        finally:
            keras.config.set_dtype_policy("float32")
        return model

    found = compare_keras(make, images, labels)
    assert re.search("scales the loss|half precision", found.said[0])
    assert found.weights < 1e-6
    assert found.losses < 1e-5
    assert found.answers < 0.01


def test_a_compute_loss_that_a_recipe_would_not_ask_is_refused(images, labels):
    class Own(keras.Sequential):
        def compute_loss(self, *arguments, **options):
            return super().compute_loss(*arguments, **options)

    with pytest.raises(ModelError, match="has its own compute_loss"):
        fit(Own([keras.Input((144,)), layers.Dense(4)]), plan(images, labels))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.recurrent, self.head = kind(12, 8, batch_first=True), nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_modules_in_float32_predict_as_they_do_by_themselves(kind, images, monkeypatch):
    monkeypatch.setattr(forward, "BATCH", 40)
    module = Recurrent(kind)
    with torch.no_grad():
        right = module(torch.from_numpy(images.astype("float32") / 255)).softmax(1)
    for _ in range(2):
        np.testing.assert_allclose(predictor(module)(images), right.numpy(), rtol=1e-4, atol=1e-6)


def test_a_trace_that_answers_otherwise_is_not_used(images, monkeypatch):
    monkeypatch.setattr(forward, "BATCH", 40)
    module = plain_module()
    right = predictor(module)(images)
    monkeypatch.setattr(forward, "_graph", lambda *_: lambda *tensors: [torch.zeros(len(tensors[-1]), 4)])
    np.testing.assert_allclose(predictor(module)(images), right, rtol=1e-4, atol=1e-6)


def binary(labels):
    return (labels >= 2).astype("uint8")


ONE_OUTPUT = {
    "a sigmoid": (lambda: layers.Dense(1, "sigmoid"), "binary_crossentropy"),
    "a logit": (lambda: layers.Dense(1), keras.losses.BinaryCrossentropy(from_logits=True)),
}


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_one_output_is_two_columns_and_its_accuracy_counts(name, images, labels):
    make, loss = ONE_OUTPUT[name]
    model = keras.Sequential([keras.Input((144,)), layers.Dense(16, "relu"), make()])
    model.compile(keras.optimizers.Adam(0.01), loss)
    done = fit(model, TrainingPlan(images, binary(labels), Recipe(epochs=8), validation=(images, binary(labels))))
    chances = predictor(model)(images)
    assert chances.shape == (96, 2)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-6)
    found = float((chances.argmax(1) == binary(labels)).mean())
    assert found > 0.9
    assert done.history[-1]["val_accuracy"] == pytest.approx(found)


@pytest.mark.parametrize("name", [*ONE_OUTPUT, "a torch module"])
def test_one_output_is_kept_judged_and_stopped_early_as_two_classes(name, images, labels, tmp_path):
    labels = binary(labels)
    if name in ONE_OUTPUT:
        make, loss = ONE_OUTPUT[name]
        model = keras.Sequential([keras.Input((144,)), layers.Dense(16, "relu"), make()])
        model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
        stop = keras.callbacks.EarlyStopping("accuracy", patience=4)  # it stops at once where accuracy stays at 0.5
        settings = {}
    else:
        model = nn.Sequential(nn.Flatten(), nn.Linear(144, 16), nn.ReLU(), nn.Linear(16, 1))
        stop, settings = (), {"optimizer": "adam", "learning_rate": 0.01}
    run = fr.train(
        model, (images, labels), epochs=12, batch_size=16, callbacks=stop, settings=settings, out=tmp_path / "r"
    )
    assert run.history[-1]["accuracy"] > 0.9
    verdict = fr.evaluate(run, (images, labels))
    assert verdict.accuracy == pytest.approx(run.history[-1]["accuracy"], abs=0.05)
    answers = run.predict(images)
    assert answers.shape == (96, 2)
    np.testing.assert_allclose(fr.predict(model, images), answers, atol=1e-6)
    np.testing.assert_allclose(fr.predict(tmp_path / "r" / "model.onnx", images), answers, atol=1e-5)
    if name in ONE_OUTPUT:
        np.testing.assert_allclose(fr.predict(tmp_path / "r" / "model.keras", images), answers, atol=1e-6)


def test_a_torch_module_with_one_output_learns(images, labels):
    module = nn.Sequential(nn.Flatten(), nn.Linear(144, 16), nn.ReLU(), nn.Linear(16, 1))
    done = fit(module, plan(images, binary(labels), epochs=12, optimizer="adam", learning_rate=0.01))
    assert done.history[-1]["accuracy"] > 0.9
    chances = predictor(module)(images)
    assert float((chances.argmax(1) == binary(labels)).mean()) > 0.9


def test_one_sigmoid_a_class_is_normalised_and_gets_no_softmax(images):
    model = dense("sigmoid")
    outputs = model(torch.from_numpy(images.reshape(96, -1).astype("float32") / 255)).detach()
    right = outputs / outputs.sum(1, keepdim=True)
    np.testing.assert_allclose(predictor(model)(images), right.numpy(), rtol=1e-4, atol=1e-6)


def test_a_softmax_in_bfloat16_gets_no_second_one(images):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((144,), dtype="float32"), layers.Dense(4, "softmax", dtype="mixed_bfloat16")])
    outputs = model(torch.from_numpy(images.reshape(96, -1).astype("float32") / 255)).detach().float()
    np.testing.assert_allclose(predictor(model)(images), outputs.numpy(), atol=0.02)


@pytest.mark.soak
def test_training_works_where_every_warning_is_an_error(tmp_path):
    script = (
        "import numpy as np, fittingroom as fr\n"
        "from fittingroom.models import build\n"
        "images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)\n"
        "labels = (np.arange(64) % 10).astype('uint8')\n"
        "model = build('walkthrough')\n"
        "model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "fr.train(model, (images, labels), epochs=1, validation=20, out='run')\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            script,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
