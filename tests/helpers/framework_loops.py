"""The frameworks' own loops, and how far ours is from them: the same model, images, order and random numbers."""

import copy
import random
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from fittingroom.inference.keras_engine import predictor
from fittingroom.models.functional_model import as_functional
from fittingroom.training.batching import TrainingData, batches
from fittingroom.training.plan import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers import odd_models
from helpers.networks import keras
from helpers.odd_models import RATE

BATCH, EPOCHS, SEED = 20, 3, 0
RECIPE = Recipe(epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", momentum=0.0, learning_rate=RATE)


@dataclass
class Comparison:
    """How far our training ends from the framework's own.

    Attributes:
        losses: of each epoch, the largest relative difference.
        weights: of parameters and buffers, norm of the difference over the larger of 1 and the norm, the largest.
        answers: of the probabilities for the images, the largest difference.
        metrics: of other figures of the last epoch, the largest relative difference.
        said: what our trainer said; nothing where the model was traced.
    """

    losses: float
    weights: float
    answers: float
    metrics: float
    said: list[str]

    def holds(self):
        """Keras keeps metrics in float32 and answers in it; all else is float64, summed in another order at most."""
        return self.losses <= 1e-9 and self.weights <= 1e-9 and self.answers <= 1e-5 and self.metrics <= 1e-6


def seed_everything():
    odd_models.reset()
    random.seed(SEED)
    np.random.seed(SEED)
    keras.utils.set_random_seed(SEED)
    torch.manual_seed(SEED)


def orders(images, labels):
    """The order in which our trainer sees the images, epoch by epoch."""
    data = TrainingData(torch.from_numpy(images), torch.from_numpy(labels.astype("int64")))
    return [data.order(SEED, epoch) for epoch in range(1, EPOCHS + 1)]


def plain_loop(module, images, labels, shape, dtype):
    """Gradient descent as everybody writes it; returns the mean loss of each epoch."""
    inputs = torch.from_numpy(images).to(dtype).mul_(1 / 255).view(-1, *shape)
    targets = torch.from_numpy(labels.astype("int64"))
    seed_everything()
    losses = []
    for order in orders(images, labels):
        module.train()
        total = 0.0
        for rows in batches(order, BATCH, 0):
            module.zero_grad()
            loss = functional.cross_entropy(module(inputs[rows]), targets[rows])
            loss.backward()
            with torch.no_grad():
                for parameter in module.parameters():
                    if parameter.grad is not None:
                        parameter -= RATE * parameter.grad
            total += loss.item() * len(rows)
        losses.append(total / len(order))
    module.zero_grad()
    return losses


def compare_torch(make, images, labels):
    """Train what ``make()`` returns here and in a plain loop, in float64."""

    def made():
        seed_everything()
        module = make()
        odd_models.reset()
        return module.to(torch.float64)

    ours, theirs = made(), made()
    shape = as_functional(made(), images.shape[1:]).input_shape
    losses = plain_loop(theirs, images, labels, shape, torch.float64)
    seed_everything()
    done, said = train_here(ours, images, labels)
    expected = {**dict(theirs.named_parameters()), **dict(theirs.named_buffers())}
    own = {**dict(ours.named_parameters()), **dict(ours.named_buffers())}
    weights = max(apart(value, expected[name]) for name, value in own.items())
    seed_everything()
    with torch.no_grad():
        inputs = torch.from_numpy(images).double().mul_(1 / 255).view(-1, *shape)
        right = torch.softmax(own_copy(theirs).eval()(inputs), 1).detach().numpy()
    seed_everything()
    return Comparison(
        losses=relative([line["loss"] for line in done.history], losses),
        weights=weights,
        answers=float(np.abs(predictor(ours)(images) - right).max()),
        metrics=0.0,
        said=said,
    )


def compare_keras(make, images, labels, *, one_hot=False):
    """Train what ``make()`` returns, compiled, here and by `fit`, in the float that Keras is set to."""
    seed_everything()
    theirs = make()
    inputs = (images * (1 / 255)).reshape(-1, *shape_for_fit(theirs, images))
    targets = np.eye(4)[labels] if one_hot else labels.astype("int64")
    losses, logs = [], {}
    torch.manual_seed(SEED)
    for order in orders(images, labels):
        history = theirs.fit(inputs[order], targets[order], batch_size=BATCH, shuffle=False, verbose=0).history
        losses.append(history["loss"][0])
        logs = {key: values[0] for key, values in history.items() if key not in ("loss", "accuracy")}
    seed_everything()
    ours = make()
    torch.manual_seed(SEED)
    done, said = train_here(ours, images, labels)
    assert ours.training is theirs.training is False
    assert [own.shape for own in ours.variables] == [right.shape for right in theirs.variables]
    return Comparison(
        losses=relative([line["loss"] for line in done.history], losses),
        weights=max(apart(own.value, right.value) for own, right in zip(ours.variables, theirs.variables, strict=True)),
        answers=float(np.abs(predictor(ours)(images) - theirs.predict(inputs, verbose=0)).max()),
        metrics=max((relative(done.history[-1][key], value) for key, value in logs.items()), default=0.0),
        said=said,
    )


def train_here(model, images, labels):
    said = []
    return fit(model, TrainingPlan(images, labels, RECIPE, SEED), Hooks(log=said.append)), said


def apart(ours, theirs):
    ours, theirs = ours.detach().double(), theirs.detach().double()
    return float((ours - theirs).norm()) / max(1.0, float(theirs.norm()))


def relative(ours, theirs):
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    return float((np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-12)).max())


def own_copy(module):
    """A copy that answers; what cannot be copied answers itself."""
    try:
        return copy.deepcopy(module)
    except (RuntimeError, TypeError):
        return module


def shape_for_fit(model, images):
    """What `fit` is given: images of the shape that the model was built for, else as they are."""
    if not model.built:
        return images.shape[1:]
    return tuple(size or images.shape[1] for size in getattr(model, "input_shape", (None, 144))[1:])
