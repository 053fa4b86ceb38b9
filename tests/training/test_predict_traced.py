"""Prediction through the traced forward pass, against the model called layer by layer."""

import numpy as np
import pytest
import torch
from networks import convolutional, dense, keras, plain_module

from fittingroom.training import predict as predict_module
from fittingroom.training.adapt import adapt
from fittingroom.training.predict import make_infer, predict


@pytest.mark.parametrize("make", [dense, lambda: dense(None), convolutional, plain_module])
def test_large_batches_give_what_the_model_gives(make, images, monkeypatch):
    monkeypatch.setattr(predict_module, "BATCH", 40)  # 96 images: two whole batches and a smaller one
    model = make()
    found = predict(model, images)
    shape = adapt(model, (12, 12)).input_shape
    inputs = torch.from_numpy(images.astype("float32") / 255).view(96, *shape)
    model.eval()
    with torch.no_grad():
        outputs = model(inputs)
    chances = outputs if make in (dense, convolutional) else torch.softmax(outputs, 1)
    np.testing.assert_allclose(found, chances.numpy(), rtol=1e-4, atol=1e-6)
    assert found.dtype == np.float32


def test_no_images_give_no_rows(images):
    assert predict(dense(), images[:0]).shape == (0, 4)


def test_weights_that_change_later_are_used(images):
    model = dense()
    infer = make_infer(adapt(model, (12, 12)), pixels="unit", trace=True)
    pixels = torch.from_numpy(images)
    before, _ = infer(pixels)
    model.set_weights([weight * 2 for weight in model.get_weights()])
    after, _ = infer(pixels)
    assert not torch.allclose(before, after)


def test_a_model_that_cannot_be_traced_predicts_all_the_same(images):
    class ByValue(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = dense()

        def call(self, inputs):
            flat = keras.ops.reshape(inputs, (-1, 144))
            return self.inner(flat) if float(keras.ops.mean(flat)) > 0 else flat[:, :4]

    infer = make_infer(adapt(ByValue(), (12, 12)), pixels="unit", trace=True)
    assert infer(torch.from_numpy(images))[0].shape == (96, 4)
