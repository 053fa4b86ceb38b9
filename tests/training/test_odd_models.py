"""Models off the beaten track train as the framework's own loop trains them, or are refused."""

import copy
import re

import numpy as np
import odd_models
import pytest
import torch
from odd_models import BATCH, EPOCHS, KERAS, RATE, SEED, TORCH, orders, plain_loop, seed_everything

from fittingroom.inference.keras_engine import predictor
from fittingroom.models.functional_model import as_functional
from fittingroom.training.loop import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit

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
    np.testing.assert_allclose(predictor(ours)(images), right.detach().numpy(), rtol=1e-5, atol=1e-6)


def copy_of(module):
    try:
        return copy.deepcopy(module)
    except (RuntimeError, TypeError):
        return module


def shape_of(model):
    """What `fit` is given: images of the shape that the model was built for, else as they are."""
    if not model.built:
        return (12, 12)
    return tuple(size or 12 for size in getattr(model, "input_shape", (None, 144))[1:])


@pytest.mark.usefixtures("float64")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", KERAS)
def test_a_keras_model_trains_as_in_fit(name, images, labels):
    make, reason, *one_hot = KERAS[name]
    images, labels = images[:70], labels[:70]
    seed_everything()
    theirs = make()
    inputs = (images * (1 / 255)).reshape(-1, *shape_of(theirs))
    targets = np.eye(4)[labels] if one_hot else labels.astype("int64")
    losses, extra = [], []
    torch.manual_seed(SEED)
    for order in orders(images, labels):
        history = theirs.fit(inputs[order], targets[order], batch_size=BATCH, shuffle=False, verbose=0).history
        losses.append(history["loss"][0])
        extra.append({key: np.asarray(value[0]) for key, value in history.items()})
    seed_everything()
    ours = make()
    torch.manual_seed(SEED)
    said = []
    done = fit(ours, TrainingPlan(images, labels, RECIPE, SEED), Hooks(log=said.append))
    assert [line["loss"] for line in done.history] == pytest.approx(losses, rel=1e-6)
    for key in extra[0].keys() - {"loss", "accuracy"}:
        np.testing.assert_allclose(done.history[-1][key], extra[-1][key], rtol=1e-6)
    for own, right in zip(ours.variables, theirs.variables, strict=True):
        assert own.shape == right.shape
        assert close(own.value, right.value, 1e-9), own.path
    assert ours.training is theirs.training is False
    if reason is None:
        assert said == []
    elif reason:
        assert re.search(reason, said[0])
    expected = theirs.predict(inputs, verbose=0)
    np.testing.assert_allclose(predictor(ours)(images), expected, rtol=1e-5, atol=1e-6)
