"""Train the tail on cached activations: a head, then two stages; what is stopped goes on, and is the same each time."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from material import KINDS, MIRRORED
from network import OUTPUTS, imagenet_tail
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from material import Set
    from network import Tail
    from numpy.typing import NDArray
    from torch import Tensor

KEEP_EVERY = 100  # steps
AVERAGE_EVERY = 2  # steps
HEAD_ARTICLES, HEAD_NOTHING, HEAD_DECAY = 500, 50, 2e-4


@dataclass(frozen=True)
class Stage:
    """How the tail is trained for a while.

    Attributes:
        epochs: over the photos.
        learning_rate: at its highest; it falls to nothing as a cosine does.
        photos: of a batch.
        articles: of a batch, Fashion-MNIST's.
        nothing: of a batch.
        mixup: parameter of the beta distribution; 0 none.
        smoothing: share of the label that all outputs are given.
    """

    epochs: float
    learning_rate: float
    photos: int
    articles: int
    nothing: int
    mixup: float = 0.0
    smoothing: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Two stages, and how much more an example of a rare class counts.

    Attributes:
        stages: one after the other.
        rarity: an example counts its class's frequency to the power of minus this.
    """

    stages: tuple[Stage, Stage]
    rarity: float = 0.5


def _recipe(rate: float, rarity: float = 0.5) -> Recipe:
    first = Stage(4, rate, 25, 5, 2, mixup=0.2, smoothing=0.1)
    return Recipe((first, Stage(4, 0.6 * rate, 22, 6, 4)), rarity)


RECIPES = {"facts": _recipe(5e-4), "rarity": _recipe(5e-4, 0.25), "fast": _recipe(1e-3)}
"""The short list that inner folds choose from; the first is the one of the trial."""
WEIGHT_DECAY, AVERAGING, PLAIN = 0.02, 0.99, 0.2


@dataclass(frozen=True)
class Material:
    """What one network may learn from.

    Attributes:
        views: activations of the photos, one set for each view, the plain one first.
        photos: which photos, by their places in a set.
        articles: Fashion-MNIST's articles as photos.
        article_places: which of them.
        nothing: sets of pictures of nothing.
        nothing_places: which of each.
        seed: of everything that is left to chance.
    """

    views: list[Set]
    photos: NDArray[np.int64]
    articles: Set
    article_places: NDArray[np.int64]
    nothing: list[Set]
    nothing_places: list[NDArray[np.int64]]
    seed: int


def without(
    sets: dict[str, Set], persons: set[int], kinds: set[str], learned: NDArray[np.bool_], seed: int
) -> Material:
    """Return the material that shows nothing of some persons' photos, and nothing of some kinds.

    Args:
        sets: everything, by name.
        persons: who is held out; their walls and floors are held out too.
        kinds: of nothing, held out.
        learned: which photos may be learned from at all, bool ``(photos,)``.
        seed: of what is left to chance.
    """

    def places(one: Set) -> NDArray[np.int64]:
        return np.flatnonzero(~np.isin(one.person, list(persons)))

    views = [one for name, one in sorted(sets.items()) if name.startswith("photos-") and not name.endswith(MIRRORED)]
    nothing = [sets[f"nothing-{kind}"] for kind in KINDS if kind not in kinds]
    photos = np.flatnonzero(learned & ~np.isin(views[0].person, list(persons)))
    articles = sets["articles"]
    return Material(views, photos, articles, places(articles), nothing, [places(one) for one in nothing], seed)


def batch(material: Material, stage: Stage, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return activations ``(n, 14, 11, 112)`` and the outputs that are accepted ``(n, outputs)``."""
    rows: list[tuple[Set, int]] = []
    for place in generator.choice(material.photos, stage.photos):
        is_plain = generator.random() < PLAIN
        rows.append((material.views[0 if is_plain else generator.integers(1, len(material.views))], place))
    rows += [(material.articles, place) for place in generator.choice(material.article_places, stage.articles)]
    for kind in generator.integers(len(material.nothing), size=stage.nothing):
        rows.append((material.nothing[kind], generator.choice(material.nothing_places[kind])))
    activations = np.stack([one.activations[place] for one, place in rows]).astype(np.float32)
    accepted = np.stack([one.accepted[place] for one, place in rows]).astype(np.float32)
    return torch.from_numpy(activations), torch.from_numpy(accepted)


def class_weights(accepted: NDArray[np.bool_], rarity: float) -> NDArray[np.float32]:
    """Return the weight of each output's examples: frequency to the power of minus the rarity, about 1.

    Args:
        accepted: outputs of the photos that are learned from, ``(n, outputs)``; an output without any is weighed 1.
        rarity: 0 weighs all alike.
    """
    counts = (accepted / accepted.sum(axis=1, keepdims=True)).sum(axis=0)
    weights = np.where(counts > 0, np.maximum(counts, 30.0) ** -rarity, 0)
    return np.where(counts > 0, weights / weights[counts > 0].mean(), 1).astype(np.float32)


def mixed(x: Tensor, accepted: Tensor, parameter: float, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return each picture mixed with another, and what is accepted mixed alike."""
    share = float(generator.beta(parameter, parameter))
    share, order = max(share, 1 - share), torch.from_numpy(generator.permutation(len(x)))
    shares = accepted / accepted.sum(dim=1, keepdim=True)
    return share * x + (1 - share) * x[order], share * shares + (1 - share) * shares[order]


def stage_loss(
    tail: Tail, x: Tensor, accepted: Tensor, stage: Stage, weights: Tensor, rng: np.random.Generator
) -> Tensor:
    """Return the loss of a batch.

    In a stage that mixes it is the cross-entropy to smoothed shares; else what the accepted outputs are given together
    counts, whichever of them it is.
    """
    shares = accepted / accepted.sum(dim=1, keepdim=True)
    if stage.mixup:
        x, shares = mixed(x, accepted, stage.mixup, rng)
    with torch.autocast("cpu", torch.bfloat16):
        values = tail(x)
    logged = functional.log_softmax(values.float(), dim=1)
    if stage.mixup:
        smooth = shares * (1 - stage.smoothing) + stage.smoothing / len(OUTPUTS)
        each = -(smooth * logged).sum(dim=1)
    else:
        each = -(logged + accepted.log()).logsumexp(dim=1)
    by_class = shares @ weights
    return (each * by_class).sum() / by_class.sum()


def first_head(tail: Tail, material: Material, cache: Path) -> None:
    """Set the head to a logistic regression on what ImageNet's tail makes of plain photos and of the others."""
    sets = [(material.views[0], material.photos), (material.articles, material.article_places[:HEAD_ARTICLES])]
    sets += [
        (one, places[:HEAD_NOTHING]) for one, places in zip(material.nothing, material.nothing_places, strict=True)
    ]
    found = torch.cat([imagenet_features(tail, one, cache)[places] for one, places in sets])
    accepted = np.concatenate([one.accepted[places] for one, places in sets])
    shares = torch.from_numpy((accepted / accepted.sum(axis=1, keepdims=True)).astype(np.float32))
    weight = torch.zeros(len(OUTPUTS), found.shape[1], requires_grad=True)
    bias = torch.zeros(len(OUTPUTS), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], lr=1, max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logged = functional.log_softmax(functional.linear(found, weight, bias), dim=1)
        loss = -(shares * logged).sum(dim=1).mean() + HEAD_DECAY * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    tail._fc.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})


@torch.no_grad()
def imagenet_features(tail: Tail, one: Set, cache: Path) -> Tensor:
    """Return what ImageNet's tail makes of a set, ``(n, 1280)``; made once for all networks."""
    path = cache / f"features-{one.name}.npy"
    if not path.exists():
        count = {"articles": HEAD_ARTICLES * 2}.get(
            one.name, HEAD_NOTHING * 2 if "nothing" in one.name else len(one.person)
        )
        tail.eval()
        parts = [tail.features(torch.from_numpy(one.activations[at : at + 64]).float()) for at in range(0, count, 64)]
        found = torch.cat(parts).numpy()
        half = path.with_suffix(f".{os.getpid()}.npy")  # two trainings may be at it
        np.save(half, np.pad(found, ((0, max(0, len(one.person) - len(found))), (0, 0)))[: len(one.person)])
        half.rename(path)
    return torch.from_numpy(np.load(path))


@torch.no_grad()
def logits(tail: Tail, one: Set, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the tail's logits for some pictures, ``(n, outputs)``."""
    tail.eval()
    parts = [places[first : first + 64] for first in range(0, len(places), 64)]
    found = [tail(torch.from_numpy(one.activations[part]).float()) for part in parts]
    return torch.cat(found).numpy() if found else np.zeros((0, len(OUTPUTS)), np.float32)


class Training:
    """A tail, the average of its past, its optimizer, and how far it is."""

    def __init__(
        self, weights: dict[str, Tensor], material: Material, folder: Path, cache: Path, recipe: Recipe
    ) -> None:
        """Begin, or go on with what lies in the folder.

        Args:
            weights: ImageNet's.
            material: to learn from.
            folder: where the training is kept.
            cache: where features of ImageNet are kept, for all trainings.
            recipe: how it is trained.
        """
        self.material, self.recipe, self.path = material, recipe, folder / "training.pt"
        self.tail, self.averaged = imagenet_tail(weights), imagenet_tail(weights)
        self.steps = [math.ceil(stage.epochs * len(material.photos) / stage.photos) for stage in recipe.stages]
        self.stage = self.step = 0
        accepted = material.views[0].accepted[material.photos]
        self.class_weights = torch.from_numpy(class_weights(accepted, recipe.rarity))
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self._go_on()
        else:
            first_head(self.tail, material, cache)
            self.averaged.load_state_dict(self.tail.state_dict())
            self.optimizer = self._optimizer()

    def _optimizer(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            self.tail.parameters(), self.recipe.stages[self.stage].learning_rate, weight_decay=WEIGHT_DECAY, fused=True
        )

    def _go_on(self) -> None:
        state = torch.load(self.path, weights_only=True)
        self.stage, self.step = state["stage"], state["step"]
        self.tail.load_state_dict(state["tail"])
        self.averaged.load_state_dict(state["averaged"])
        if self.stage < len(self.recipe.stages):
            self.optimizer = self._optimizer()
            self.optimizer.load_state_dict(state["optimizer"])

    def keep(self) -> None:
        """Write down where the training is."""
        states = {"tail": self.tail.state_dict(), "averaged": self.averaged.state_dict()}
        half = self.path.with_suffix(".part")
        torch.save({"stage": self.stage, "step": self.step, "optimizer": self.optimizer.state_dict(), **states}, half)
        half.rename(self.path)

    def run(self, log: Callable[[str], None] = print) -> Tail:
        """Train to the end, and return the averaged tail."""
        while self.stage < len(self.recipe.stages):
            while self.step < self.steps[self.stage]:
                loss = self.one_step()
                if self.step % KEEP_EVERY == 0:
                    self.keep()
                    log(f"stage {self.stage + 1}, step {self.step} of {self.steps[self.stage]}: loss {loss:.3f}")
            self.tail.load_state_dict(self.averaged.state_dict())
            self.stage, self.step = self.stage + 1, 0
            if self.stage < len(self.recipe.stages):
                self.optimizer = self._optimizer()
            self.keep()
        return self.averaged.eval()

    def one_step(self) -> float:
        """Learn from one batch, drawn by the seed, the stage and the step alone; return the loss."""
        stage = self.recipe.stages[self.stage]
        rng = np.random.default_rng([self.material.seed, 2, self.stage, self.step])
        torch.manual_seed(int(rng.integers(2**31)))
        progress = self.step / self.steps[self.stage]
        rate = stage.learning_rate * min(1, (self.step + 1) / 20) * (1 + math.cos(math.pi * progress)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x, accepted = batch(self.material, stage, rng)
        self.tail.train()
        loss = stage_loss(self.tail, x, accepted, stage, self.class_weights, rng)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        if self.step % AVERAGE_EVERY == 0:
            own, past = (list(one.parameters()) for one in (self.tail, self.averaged))
            with torch.no_grad():
                torch._foreach_lerp_(past, own, 1 - AVERAGING**AVERAGE_EVERY)
        return float(loss.detach())
