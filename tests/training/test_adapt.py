"""Any Keras model or torch module as pure functions."""

import pytest
import torch

from fittingroom.errors import ModelError
from fittingroom.models.functional_model import probe
from fittingroom.training.step import adapt
from helpers.networks import convolutional, dense, keras, layers, plain_module


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten, self.out = layers.Flatten(), layers.Dense(4)

    def call(self, inputs):
        return self.out(self.flatten(inputs))


def torch_softmax():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 4), torch.nn.Softmax(1))


def of_100():
    return keras.Sequential([keras.Input((100,)), layers.Dense(4)])


@pytest.mark.parametrize(
    ("make", "shape", "probabilities"),
    [
        (dense, (144,), True),
        (lambda: dense(None), (144,), False),
        (convolutional, (12, 12, 1), True),
        (plain_module, (1, 12, 12), False),
        (Subclassed, (12, 12), False),
        (lambda: keras.Sequential([layers.Dense(4)]), (144,), False),
        (lambda: keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(4)]), (12, 12, 1), False),
        (lambda: torch.nn.Linear(144, 4), (144,), False),
        (
            lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 4), torch.nn.Softmax(1)),
            (1, 12, 12),
            True,
        ),
    ],
)
def test_the_input_shape_and_the_kind_of_output_are_found(make, shape, probabilities):
    functional = adapt(make(), (12, 12))
    assert functional.input_shape == shape
    assert probe(functional) == (4, probabilities)


def test_a_forward_pass_is_pure():
    for make in (convolutional, plain_module):
        functional = adapt(make(), (12, 12))
        before = [buffer.clone() for buffer in functional.buffers]
        output = functional.forward(
            functional.parameters, functional.buffers, torch.rand(8, *functional.input_shape), True
        )
        assert all(torch.equal(a, b) for a, b in zip(functional.buffers, before, strict=True))
        assert any(not torch.equal(a, b) for a, b in zip(output.buffers, before, strict=True))


def test_frozen_layers_are_not_trained():
    model = dense()
    model.layers[0].trainable = False
    assert len(adapt(model, (12, 12)).parameters) == 2
    module = plain_module()
    module[0].requires_grad_(False)
    assert len(adapt(module, (12, 12)).parameters) == 4


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: keras.Sequential([keras.Input((100,)), layers.Dense(4)]),
            r"takes inputs of shape \(100,\), the images are",
        ),
        (lambda: torch.nn.Linear(100, 4), r"takes neither \(1, 12, 12\) nor \(12, 12\) nor \(144,\)"),
        (lambda: layers.Dense(4), "received the layer"),
        (lambda: "walkthrough", "Expected a Keras model or a torch.nn.Module, received str"),
        (lambda: torch.nn.Flatten(), "has nothing to train"),
        (lambda: keras.Sequential([keras.Input((144,)), layers.Rescaling(1 / 255), layers.Dense(4)]), "pixels = 'raw'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(make, words):
    with pytest.raises(ModelError, match=words):
        adapt(make(), (12, 12))


def test_outputs_that_are_no_row_of_numbers_an_image_are_refused():
    model = keras.Sequential([keras.Input((12, 12)), layers.Dense(4)])
    with pytest.raises(ModelError, match=r"expected outputs of shape \(n, classes\), received \(8, 12, 4\)"):
        probe(adapt(model, (12, 12)))
