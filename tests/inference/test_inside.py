"""What lies inside a network: its weights as pictures, and numbers that add up to its answers."""

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.backend import import_keras
from fittingroom.errors import ModelError
from fittingroom.inference.inside import look_inside
from fittingroom.models.front import for_use

keras = import_keras()


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("behind_front", [False, True])
def test_the_pushes_of_all_units_add_up_to_the_answer(toy, behind_front):
    network = fr.build("walkthrough", seed=3)
    network.layers[-1].bias.assign(np.arange(10.0))
    images = toy.test.images[:5]
    inside = look_inside(for_use(network, (28, 28)) if behind_front else network, images)
    assert (inside.kind, inside.weights.shape) == ("units", (128, 28, 28))
    assert inside.activations.shape == (5, 128)
    assert inside.pushes.shape == (5, 128, 10)
    scores = inside.pushes.sum(axis=1) + inside.start
    np.testing.assert_allclose(softmax(scores), fr.predict(network, images, tempered=False), atol=1e-5)
    np.testing.assert_allclose(inside.pushes.sum(axis=2), 0, atol=1e-4)


def test_a_units_picture_is_what_its_activation_is_the_sum_of(toy):
    network = fr.build("walkthrough", seed=3)
    inside = look_inside(network, toy.test.images[:4])
    sums = np.einsum("nhw,uhw->nu", toy.test.images[:4] / 255, inside.weights) + np.asarray(network.layers[0].bias)
    np.testing.assert_allclose(inside.activations, np.maximum(sums, 0), atol=1e-4)
    assert (inside.activations == 0).any()


def test_the_kernels_of_a_convolution_and_what_each_layer_makes_of_an_image(toy):
    network = fr.build("thin-conv", seed=0)
    inside = look_inside(network, toy.test.images[:2])
    assert (inside.kind, inside.weights.shape) == ("kernels", (16, 3, 3))
    np.testing.assert_array_equal(inside.weights[5], np.asarray(network.layers[1].kernel)[:, :, 0, 5])
    assert inside.activations is inside.pushes is inside.start is None
    name, kind, values = inside.layers[0]
    assert (kind, values.shape) == ("Conv2D", (2, 28, 28, 16))
    image = np.pad(toy.test.images[1] / 255, 1)
    by_hand = sum(image[9 + i, 12 + j] * inside.weights[5, i, j] for i in range(3) for j in range(3))
    assert values[1, 9, 12, 5] == pytest.approx(by_hand, abs=1e-5)
    assert inside.layers[-1][2].shape == (2, 10)
    np.testing.assert_allclose(inside.layers[-1][2], fr.predict(network, toy.test.images[:2]), atol=1e-5)
    assert name == network.layers[1].name


def test_a_network_that_scales_for_itself_is_fed_what_it_is_fed_elsewhere(toy):
    network = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    inside = look_inside(network, toy.test.images[:3])
    assert inside.kind == "units"
    assert inside.pushes is None  # these units are the classes themselves
    np.testing.assert_allclose(inside.activations, fr.predict(network, toy.test.images[:3]), atol=1e-5)


def test_units_that_other_layers_follow_have_activations_and_no_pushes(toy):
    parts = keras.layers
    network = keras.Sequential(
        [keras.Input((784,)), parts.Dense(9), parts.ReLU(), parts.Dense(8, "relu"), parts.Dense(10)]
    )
    inside = look_inside(network, toy.test.images[:3])
    assert inside.activations.shape == (3, 9)
    assert inside.pushes is None


def test_pushes_are_found_through_an_activation_and_dropout_of_their_own(toy):
    parts = keras.layers
    network = keras.Sequential(
        [keras.Input((784,)), parts.Dense(9), parts.ReLU(), parts.Dropout(0.5), parts.Dense(10), parts.Softmax()]
    )
    inside = look_inside(network, toy.test.images[:3])
    np.testing.assert_allclose(
        softmax(inside.pushes.sum(axis=1) + inside.start), fr.predict(network, toy.test.images[:3]), atol=1e-5
    )
    assert (inside.activations >= 0).all()


def test_what_cannot_be_looked_into_says_so(toy):
    import torch

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(10)

        def call(self, inputs):
            return self.dense(inputs)

    own = Own()
    own(np.zeros((1, 784), np.float32))
    own.build((None, 784))
    for network, words in (
        (torch.nn.Linear(784, 10), "Expected a Keras model to look inside, received Linear"),
        (own, "expected one input of a known shape|cannot be reached|takes inputs"),
        (keras.Sequential([keras.Input((784,)), keras.layers.ReLU()]), "no layer with weights"),
    ):
        with pytest.raises(ModelError, match=words):
            look_inside(network, toy.test.images[:1])
    with pytest.raises(ModelError, match="takes inputs of shape"):
        look_inside(fr.build("walkthrough"), np.zeros((1, 20, 20), np.uint8))


def test_a_first_layer_of_another_kind_has_no_pictures_but_its_values(toy):
    parts = keras.layers
    network = keras.Sequential([keras.Input((28, 28, 1)), parts.DepthwiseConv2D(3), parts.Flatten(), parts.Dense(10)])
    inside = look_inside(network, toy.test.images[:1])
    assert inside.kind == "other"
    assert len(inside.weights) == 0
    assert [kind for _, kind, _ in inside.layers] == ["DepthwiseConv2D", "Dense"]
