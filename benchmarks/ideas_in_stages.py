"""Ideas that change what is trained on along the way: a training of a recipe in stages, and the stages of each idea.

Every stage is a training of its own on the model as the last one left it, at a constant rate; the rates fall in a
straight line. The optimiser begins each stage afresh, so these ideas are compared with the recipe in stages, not in one
piece.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import fittingroom as fr
from fittingroom.arrays import Images, Labels, Probabilities
from fittingroom.models import build
from fittingroom.recipes import load_recipe
from fittingroom.training.whiten import whiten

if TYPE_CHECKING:
    from fittingroom.data import Split
    from fittingroom.training.recipe import Recipe

Stage = tuple[Images, Labels, float]
"""Images, labels, and the stage's share of the whole training's compute."""


@dataclass(frozen=True)
class Ground:
    """What stages are made from.

    Attributes:
        train: the training images.
        recipe: of the whole training.
        seed: of the whole training.
        answers: asks the model as it is now about the training images.
    """

    train: Split
    recipe: Recipe
    seed: int
    answers: Callable[[], Probabilities]


Stages = Callable[[Ground], Iterator[Stage]]

SHAPE, SHRUNK = (28, 28), (20, 20)  # of the images, and where resolution grows from
TEACHER = "93"


def one_piece(ground: Ground) -> Iterator[Stage]:
    """The same images in every epoch: what the other ideas are compared with."""
    for _ in range(ground.recipe.epochs):
        yield ground.train.images, ground.train.labels, 1 / ground.recipe.epochs


def distilled(ground: Ground) -> Iterator[Stage]:
    """In every epoch labels are drawn from the probabilities of a larger network, whose training is not counted."""
    larger = load_recipe(TEACHER)
    teacher = build(larger.model or "walkthrough", seed=ground.seed)
    trained(teacher, ground.train.images, ground.train.labels, larger, ground.seed)
    chances = fr.predict(teacher, ground.train.images).cumsum(axis=1)
    generator = np.random.default_rng(ground.seed)
    for _ in range(ground.recipe.epochs):
        drawn = (chances < generator.random((len(chances), 1))).sum(axis=1).clip(max=chances.shape[1] - 1)
        yield ground.train.images, drawn.astype(ground.train.labels.dtype), 1 / ground.recipe.epochs


def hardest_half(ground: Ground) -> Iterator[Stage]:
    """After two epochs only the half with the largest loss; choosing it costs a forward pass, a third of an epoch."""
    whole, half = 1.0, 0.5 + 1 / 3
    halves = int((ground.recipe.epochs - 2) / half)
    total = 2 * whole + halves * half
    for _ in range(2):
        yield ground.train.images, ground.train.labels, whole / total
    for _ in range(halves):
        right = ground.answers()[np.arange(len(ground.train.labels)), ground.train.labels]
        rows = np.sort(np.argsort(right, kind="stable")[: len(right) // 2])
        yield ground.train.images[rows], ground.train.labels[rows], half / total


def growing(ground: Ground) -> Iterator[Stage]:
    """Two epochs' worth of compute on images of 20 x 20 pixels, the rest on 28 x 28."""
    cost = (SHRUNK[0] / SHAPE[0]) ** 2
    small = round(2 / cost)
    total = small * cost + ground.recipe.epochs - 2
    shrunk = resized(ground.train.images, SHRUNK)
    for _ in range(small):
        yield shrunk, ground.train.labels, cost / total
    for _ in range(ground.recipe.epochs - 2):
        yield ground.train.images, ground.train.labels, 1 / total


def resized(images: Images, shape: tuple[int, int]) -> Images:
    """Return images at another size, without aliasing."""
    pixels = torch.from_numpy(images.copy())[:, None].float()
    small = torch.nn.functional.interpolate(pixels, size=shape, mode="bilinear", antialias=True)
    return small[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()


def in_stages(stages: Stages, train: Split, recipe: Recipe, seed: int) -> Any:
    """Train a recipe's network stage by stage and return it."""
    networks = {shape: build(recipe.model or "walkthrough", image_shape=shape, seed=seed) for shape in (SHAPE, SHRUNK)}
    model = networks[SHAPE]
    for network in networks.values():
        whiten(network, train.images)
    done = 0.0
    plan = stages(Ground(train, recipe, seed, lambda: fr.predict(model, train.images)))
    for number, (images, labels, share) in enumerate(plan):
        rate = (recipe.learning_rate or 0.0) * (1 - done - share / 2)
        step = recipe.replace(epochs=1, schedule="constant", learning_rate=rate, whiten=False)
        network = networks[images.shape[1:]]
        network.set_weights(model.get_weights())
        trained(network, images, labels, step, seed + 100 * number)
        model.set_weights(network.get_weights())
        done += share
    return model


def trained(model: Any, images: Images, labels: Labels, recipe: Recipe, seed: int) -> None:
    """Train a model in place; its run folder is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        fr.train(model, (images, labels), recipe=recipe, seed=seed, out=Path(folder) / "run")
