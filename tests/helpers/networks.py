"""Networks and one-batch harnesses for the training tests."""

import torch

from fittingroom.backend import import_keras
from fittingroom.models.functional_model import probe
from fittingroom.training import gradients, losses
from fittingroom.training.gradients import undone
from fittingroom.training.step import adapt

keras = import_keras()
layers = keras.layers
SHAPE = (12, 12)


def dense(activation="softmax", **options):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((144,)), layers.Dense(16, "relu", **options), layers.Dense(4, activation)], name="small-dense"
    )


def convolutional(channels=(4, 6)):
    keras.utils.set_random_seed(0)
    parts = [keras.Input((12, 12, 1))]
    for count in channels:
        parts += [layers.Conv2D(count, 3, padding="same", use_bias=False), layers.MaxPooling2D()]
        parts += [layers.BatchNormalization(), layers.ReLU()]
    return keras.Sequential([*parts, layers.Flatten(), layers.Dense(4, "softmax")], name="small-conv")


def with_dropout():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((144,)), layers.Dense(16, "relu"), layers.Dropout(0.5), layers.Dense(4)])


def plain_module():
    torch.manual_seed(0)
    parts = torch.nn
    return parts.Sequential(
        parts.Conv2d(1, 4, 3, padding=1),
        parts.BatchNorm2d(4),
        parts.ReLU(),
        parts.MaxPool2d(2),
        parts.Flatten(),
        parts.Linear(144, 4),
    )


def functional_and_loss(model, shape=SHAPE, **options):
    functional = adapt(model, shape)
    _, probabilities = probe(functional)
    return functional, losses.cross_entropy(probabilities=probabilities, **options)


def batch(functional, count=16, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    like = functional.parameters[0]
    inputs = torch.rand((count, *functional.input_shape), generator=generator, dtype=like.dtype)
    return inputs, (torch.randint(0, classes, (count,), generator=generator),)


def traced_compute(functional, loss, flat, sample, *, clean):
    with undone(functional, flat):
        graph = gradients.joint_graph(functional, loss, *sample, clean=clean)
    return gradients.replay(graph, functional, flat)


def descend(functional, flat, compute, batches, learning_rate=0.001):
    """Train by plain gradient descent, and return all parameters and buffers."""
    torch.manual_seed(0)
    for inputs, targets in batches:
        with torch.no_grad():
            compute(inputs, targets)
            flat.parameters.add_(flat.gradients, alpha=-learning_rate)
    return [flat.parameters.clone(), *(buffer.clone() for buffer in functional.buffers)]


def apart(ours, theirs):
    """Norm of difference / norm, the largest over tensors."""
    return max(
        float((a.double() - b.double()).norm() / b.double().norm().clamp(min=1e-30))
        for a, b in zip(ours, theirs, strict=True)
    )


eager = gradients.eager_compute
