"""What can be seen before a training is what the training gets, and leaves everything as it was."""

import numpy as np
import pytest
import torch
from torch import nn

from fittingroom.errors import TrainingError, UsageError
from fittingroom.training.before_training import augmented_batches, find_rate
from fittingroom.training.plan import TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers.networks import convolutional, dense, keras, plain_module

AUGMENTED = {"flip": "random", "translate": 2, "cutout": 4}


class Noting(nn.Module):
    """Keeps what it is given in training."""

    def __init__(self):
        super().__init__()
        self.inner, self.given = nn.Sequential(nn.Flatten(), nn.Linear(144, 4)), []

    def forward(self, x):
        if self.training:
            self.given.append(x.detach().clone())
        return self.inner(x)


@pytest.mark.parametrize("settings", [{}, AUGMENTED, {"mixup": 0.4}, {"pixels": "raw", "flip": "alternating"}])
def test_the_preview_is_the_first_batch_that_training_gives_the_network_to_the_bit(settings, images, labels):
    plan = TrainingPlan(images, labels, Recipe(epochs=1, batch_size=16, trace=False, **settings), seed=5)
    shown = augmented_batches(plan, epochs=2, most=6)
    module = Noting()
    fit(module, plan)
    scale = 1.0 if settings.get("pixels") == "raw" else 1 / 255
    np.testing.assert_array_equal(shown[1], module.given[0].reshape(-1, 12, 12)[:6].numpy() / scale)
    assert [each.shape for each in shown] == [(6, 12, 12)] * 3
    assert shown[0].dtype == np.uint8
    assert (np.abs(shown[1] - shown[0]).max() < 1e-3) == (not settings or settings.get("flip") == "alternating")


def moved(flip, images, labels):
    recipe = Recipe(epochs=1, batch_size=16, flip=flip)
    return [
        np.abs(each - shown[0]).max() > 1
        for shown in [augmented_batches(TrainingPlan(images, labels, recipe))]
        for each in shown
    ]


def test_images_are_mirrored_in_every_other_epoch_where_flips_alternate(images, labels):
    slanted = images + np.arange(12, dtype=np.uint8) * 4
    assert moved("alternating", slanted, labels) == [False, False, True, False, True]
    assert moved("none", slanted, labels) == [False] * 5


@pytest.mark.parametrize("make", [dense, convolutional, plain_module])
def test_a_rate_is_suggested_that_trains_and_the_model_is_left_as_it_was(make, images, labels):
    images, labels = np.tile(images, (4, 1, 1)), np.tile(labels, 4)
    plan = TrainingPlan(images, labels, Recipe(epochs=6, batch_size=32, optimizer="adam"))
    model = make()
    state = torch.get_rng_state()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    curve = find_rate(model, plan)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert curve.rates == sorted(curve.rates)
    assert min(curve.smoothed) < 0.7 * curve.smoothed[0]
    assert 1e-4 < curve.suggestion < 1
    done = fit(
        model,
        TrainingPlan(images, labels, Recipe(epochs=6, batch_size=32, optimizer="adam", learning_rate=curve.suggestion)),
    )
    assert done.history[-1]["accuracy"] > 0.9


def test_a_compiled_models_own_optimizer_is_tried_and_its_rate_comes_back(images, labels):
    images, labels = np.tile(images, (4, 1, 1)), np.tile(labels, 4)
    model = dense()
    model.compile(keras.optimizers.Adam(0.123), "sparse_categorical_crossentropy")
    curve = find_rate(model, TrainingPlan(images, labels, Recipe(batch_size=32)))
    assert float(model.optimizer.learning_rate) == pytest.approx(0.123)
    assert int(model.optimizer.iterations) == 0
    assert min(curve.smoothed) < 0.7 * curve.smoothed[0]


def test_a_compiled_models_schedule_is_refused_in_a_sentence(images, labels):
    model = dense()
    model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100)), "sparse_categorical_crossentropy"
    )
    with pytest.raises(UsageError, match="compiled with a learning-rate schedule"):
        find_rate(model, TrainingPlan(images, labels, Recipe()))


def test_where_nothing_can_be_learned_that_is_said(images, labels):
    model = dense()
    flat = np.zeros_like(images)
    with pytest.raises(TrainingError, match="does not fall at any learning rate"):
        find_rate(model, TrainingPlan(flat, labels, Recipe(batch_size=96, optimizer="sgd", momentum=0.0)))
