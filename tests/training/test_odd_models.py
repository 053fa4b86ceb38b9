"""Models off the beaten track train as the framework's own loop trains them, or are refused."""

import copy
import re

import numpy as np
import odd_models
import pytest
import torch
from odd_models import BATCH, EPOCHS, RATE, SEED, TORCH, plain_loop, seed_everything

from fittingroom.inference.keras_engine import predictor
from fittingroom.models.functional_model import as_functional
from fittingroom.training.fit import Hooks, TrainingPlan, fit
from fittingroom.training.recipe import Recipe

RECIPE = Recipe(epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", momentum=0.0, learning_rate=RATE)


def made(make, dtype=torch.float64):
    seed_everything()
    module = make()
    odd_models.reset()
    return module.to(dtype)


def close(ours, theirs, bound):
    gap = float((ours.detach().double() - theirs.detach().double()).norm())
    return gap <= bound * max(1.0, float(theirs.detach().double().norm()))


def tensors_of(module):
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", TORCH)
def test_a_torch_module_trains_as_in_a_plain_loop(name, images, labels):
    make, reason = TORCH[name]
    images, labels = images[:70], labels[:70]  # three batches of 20 and one of 10
    ours, theirs = made(make), made(make)
    shape = as_functional(made(make), (12, 12)).input_shape
    losses = plain_loop(theirs, images, labels, shape, torch.float64)
    seed_everything()
    said = []
    done = fit(ours, TrainingPlan(images, labels, RECIPE, SEED), Hooks(log=said.append))
    assert [line["loss"] for line in done.history] == pytest.approx(losses, rel=1e-9)
    expected = tensors_of(theirs)
    for key, value in tensors_of(ours).items():
        assert close(value, expected[key], 1e-9), key
    if reason is None:
        assert said == []
    elif reason:
        assert len(said) == 1
        assert re.search(reason, said[0])
    assert_same_answers(ours, theirs, images, shape)


def assert_same_answers(ours, theirs, images, shape):
    seed_everything()
    with torch.no_grad():
        inputs = torch.from_numpy(images).double().mul_(1 / 255).view(-1, *shape)
        right = torch.softmax(copy_of(theirs).eval()(inputs), 1)
    seed_everything()
    np.testing.assert_allclose(predictor(ours)(images), right.numpy(), rtol=1e-5, atol=1e-6)


def copy_of(module):
    try:
        return copy.deepcopy(module)
    except (RuntimeError, TypeError):
        return module
