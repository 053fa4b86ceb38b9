"""Prediction through the traced forward pass, against the model called layer by layer."""

import numpy as np
import pytest
import torch

from fittingroom.errors import ModelError
from fittingroom.inference import forward as infer_module
from fittingroom.inference.forward import go_on, make_infer
from fittingroom.inference.keras_engine import predictor
from fittingroom.models.functional_model import as_functional
from helpers.networks import convolutional, dense, keras, layers, plain_module

IMAGES = np.random.default_rng(0).integers(0, 256, (96, 12, 12), dtype=np.uint8)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(infer_module, "BATCH", 40)  # 96 images: two whole batches and a smaller one


def eager(model):
    inputs = torch.from_numpy(IMAGES.astype("float32") / 255).view(96, *as_functional(model, (12, 12)).input_shape)
    model.eval()
    with torch.no_grad():
        return model(inputs)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("make", [dense, lambda: dense(None), convolutional, plain_module])
def test_large_batches_give_what_the_model_gives(make):
    model = make()
    outputs = eager(model)
    chances = outputs if make in (dense, convolutional) else torch.softmax(outputs, 1)
    found = predictor(model)(IMAGES)
    np.testing.assert_allclose(found, chances.numpy(), rtol=1e-4, atol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.usefixtures("small_batches")
def test_several_batches_are_traced_once_a_size_and_one_batch_is_not_worth_it(monkeypatch):
    traced = []
    graph = infer_module._graph
    monkeypatch.setattr(
        infer_module, "_graph", lambda functional, inputs: traced.append(len(inputs)) or graph(functional, inputs)
    )
    predict = predictor(convolutional())
    predict(IMAGES[:40])
    assert traced == []
    predict(IMAGES)
    predict(IMAGES)
    assert traced == [40, 16]


def test_a_frozen_model_and_one_with_a_step_of_its_own_predict():
    class OwnStep(keras.Model):
        def train_step(self, data):
            raise NotImplementedError

    inputs = keras.Input((144,))
    own = OwnStep(inputs, layers.Dense(4, "softmax")(inputs))
    frozen = dense()
    frozen.trainable = False
    for model in (own, frozen):
        assert predictor(model)(IMAGES).sum(1) == pytest.approx(np.ones(96), abs=1e-5)


@pytest.mark.parametrize("was_training", [True, False])
def test_a_torch_module_stays_in_the_mode_it_was_in(was_training):
    module = torch.nn.Sequential(plain_module(), torch.nn.Dropout(0.5)).train(was_training)
    predict = predictor(module)
    assert np.array_equal(predict(IMAGES), predict(IMAGES))  # dropout is at rest
    assert module.training is was_training


def test_what_is_no_model_is_refused():
    with pytest.raises(ModelError, match=r"Expected a Keras model or a torch.nn.Module, received dict"):
        predictor({})(IMAGES)


def test_no_images_give_no_rows():
    assert predictor(dense())(IMAGES[:0]).shape == (0, 4)


def test_weights_that_change_later_are_used():
    model = dense()
    infer = make_infer(as_functional(model, (12, 12)), scale=1 / 255, trace=True)
    pixels = torch.from_numpy(IMAGES)
    before, _ = infer(pixels, go_on)
    model.set_weights([weight * 2 for weight in model.get_weights()])
    after, _ = infer(pixels, go_on)
    assert not torch.allclose(before, after)


@pytest.mark.usefixtures("small_batches")
def test_a_model_that_cannot_be_traced_predicts_all_the_same():
    class ByValue(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = dense()

        def call(self, inputs):
            flat = keras.ops.reshape(inputs, (-1, 144))
            return self.inner(flat) if float(keras.ops.mean(flat)) > 0 else flat[:, :4]

    infer = make_infer(as_functional(ByValue(), (12, 12)), scale=1 / 255, trace=True)
    assert infer(torch.from_numpy(IMAGES), go_on)[0].shape == (96, 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.usefixtures("small_batches")
def test_a_cuda_device_predicts_what_the_processor_predicts():
    module = plain_module()
    on_processor = predictor(module)(IMAGES)
    np.testing.assert_allclose(predictor(module.to("cuda"))(IMAGES), on_processor, rtol=1e-3, atol=1e-5)
