"""What a model sees: checked against its own layers."""

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import ModelError
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.models.front import for_use


@pytest.mark.parametrize("saved", [False, True])
def test_features_are_the_inputs_of_the_last_layer(toy, saved):
    core = fr.build("walkthrough", image_shape=(28, 28), classes=10, seed=0)
    model = for_use(core, (28, 28)) if saved else core
    images = toy.test.images[:30]
    features = in_batches(feature_extractor(model, (28, 28)), images)
    first, last = core.layers[-2:]
    weights, bias = (np.array(value) for value in first.get_weights())
    hidden = np.maximum(images.reshape(30, -1) / np.float32(255) @ weights + bias, 0)
    assert np.allclose(features, hidden, atol=2e-3)
    assert features.shape == (30, last.input.shape[-1])


def test_images_of_another_size_are_refused():
    model = fr.build("walkthrough", image_shape=(28, 28), classes=10, seed=0)
    with pytest.raises(ModelError, match="takes inputs of shape"):
        feature_extractor(model, (14, 14))
