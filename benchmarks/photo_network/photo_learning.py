"""Train the tail on cached activations, without some persons or with everybody, and make its numbers answers.

A head comes first, then two stages; a training that is stopped goes on, and is the same each time. Four networks
learn without a quarter of the persons each. What they say of these gives a temperature for the ten classes, and one
calibrated score of none of them: `sigmoid(slope * distance + offset)`, the distance being how far the four outputs
that are none of the classes lie above the ten, both as log-sum-exp. Slope and offset are fitted so that the score is a
probability where a fifth of the pictures is none of the classes.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from photo_material import FOLDS, KINDS, MIRRORED, all_sets, fold_of_person, index_of
from photo_network import CLASSES, OUTPUTS, WHEEL, imagenet_tail, imagenet_weights
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from photo_material import Photo, Set
    from photo_network import Tail
    from torch import Tensor

KEEP_EVERY = 100  # steps
AVERAGE_EVERY = 2  # steps
UNDONE = 0.5  # share of what weighing the classes moved the logits by
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


KINDS_HELD_OUT = (  # each kind of nothing is asked about by a network that never trained on it
    *({"digits", "noise", "photographs"}, {"blank", "animals", "places"}),
    *({"checkerboard", "walls", "scrawls", "food"}, {"text", "letters", "shapes", "things"}),
)


@dataclass(frozen=True)
class Told:
    """What the networks of the folds say.

    Attributes:
        photos: places in the index, int ``(n,)``.
        fold: which network answered, int ``(n,)``.
        logits: float ``(n, outputs)``.
        nothing: logits by kind, float ``(m, outputs)``.
        nothing_fold: which network was asked about a kind.
    """

    photos: NDArray[np.int64]
    fold: NDArray[np.int64]
    logits: NDArray[np.float32]
    nothing: dict[str, NDArray[np.float32]]
    nothing_fold: dict[str, int]


@dataclass(frozen=True)
class Places:
    """Where things lie: the collection, the archives, the activations, and what comes out."""

    photos: Path
    wheels: Path
    cache: Path
    out: Path


def train_all(
    recipe: str, places: Places, seed: int, processes: int = 2, numbers: Sequence[int | None] = (None, *range(FOLDS))
) -> None:
    """Train the networks of the folds, and the one of everybody.

    Two processes of one thread each do twice as much on two cores as one of two threads, and the arithmetic does not
    depend on how many cores there are.

    Args:
        recipe: name of one of the list.
        places: where things lie.
        seed: of what is left to chance.
        processes: at once.
        numbers: of the folds; None is everybody.
    """
    with get_context("spawn").Pool(processes) as pool:
        pool.map(partial(train_one, recipe=recipe, places=places, seed=seed), numbers, chunksize=1)


def folder_of(fold: int | None, out: Path) -> Path:
    """Return where the training of a fold, or of everybody, is kept."""
    return out / ("everybody" if fold is None else f"fold-{fold}")


def train_one(fold: int | None, recipe: str, places: Places, seed: int) -> None:
    """Train a network where that is not done; of a fold, keep what it says of whom it does not know."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    folder = folder_of(fold, places.out)
    if (folder / "told.npz").exists():
        return
    photos = index_of(places.photos)
    folds, sets = fold_of_person(photos), all_sets(places.cache, photos)
    learned = is_learned(fold, photos)
    held = set() if fold is None else {person for person, where in folds.items() if where == fold}
    material = without(sets, held, set() if fold is None else KINDS_HELD_OUT[fold], learned, seed)
    training = Training(imagenet_weights(places.wheels / WHEEL), material, folder, places.cache, RECIPES[recipe])
    tail = training.run(lambda line: print(f"{folder.name}: {line}", flush=True))
    if fold is not None:
        asked = np.flatnonzero([photo.part != "validation" and folds.get(photo.person) == fold for photo in photos])
        np.savez(folder / "told.npz", **answers_of(tail, sets, asked, KINDS_HELD_OUT[fold]))


def is_learned(fold: int | None, photos: list[Photo]) -> NDArray[np.bool_]:
    """Return which photos a fold's network learns from, or everybody's, ``(photos,)``."""
    if fold is None:
        return np.array([photo.part != "validation" for photo in photos])
    folds = fold_of_person(photos)
    return np.array([photo.part != "validation" and folds.get(photo.person, fold) != fold for photo in photos])


def shift(fold: int | None, photos: list[Photo], recipe: str) -> NDArray[np.float32]:
    """Return what is added to a network's logits, ``(outputs,)``: half of what weighing the classes moved them by.

    Weighing makes rare classes likelier than they are. Undone altogether, answers would be best where classes are as
    frequent as in the collection, which they need not be in anybody's photos.
    """
    learned = np.flatnonzero(is_learned(fold, photos))
    accepted = np.array([[output in photos[place].accepted for output in OUTPUTS] for place in learned])
    return -UNDONE * np.log(class_weights(accepted, RECIPES[recipe].rarity))


def answers_of(
    tail: Tail, sets: dict[str, Set], asked: NDArray[np.int64], kinds: set[str]
) -> dict[str, NDArray[np.generic]]:
    """Return the logits of some photos, plain and mirrored, and of some kinds of nothing."""
    found = {"photos": asked, "logits": logits(tail, sets["photos-0"], asked)}
    found["mirrored"] = logits(tail, sets[f"photos-{MIRRORED}"], asked)
    for kind in sorted(kinds):
        one = sets[f"nothing-{kind}"]
        found[f"nothing-{kind}"] = logits(tail, one, np.arange(len(one.person)))
    return found


def told(out: Path, photos: list[Photo], recipe: str) -> Told:
    """Return what the networks of the folds that are done say; the logits are the mean of plain and mirrored."""
    files = {fold: folder_of(fold, out) / "told.npz" for fold in range(FOLDS)}
    done = {fold: dict(np.load(file)) for fold, file in files.items() if file.exists()}
    moved = {fold: shift(fold, photos, recipe) for fold in done}
    fold = np.concatenate([np.full(len(one["photos"]), number) for number, one in done.items()])
    where = {kind: number for number, kinds in enumerate(KINDS_HELD_OUT) if number in done for kind in sorted(kinds)}
    nothing = {kind: done[where[kind]][f"nothing-{kind}"] + moved[where[kind]] for kind in KINDS if kind in where}
    values = [(one["logits"] + one["mirrored"]) / 2 + moved[number] for number, one in done.items()]
    places = np.concatenate([one["photos"] for one in done.values()])
    return Told(places, fold, np.concatenate(values), nothing, where)


def rights(photos: list[Photo], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which classes are right for some photos, when scoring, ``(n, 10)``; none for hats, shorts and skirts."""
    return np.array([[name in photos[place].scored for name in CLASSES] for place in places])


Floats = NDArray[np.float64]
DECLINED = 0.03  # of the answerable: between the 2 % and the 4 % that the trial looked at
NONE_PRIOR = 0.2


@dataclass(frozen=True)
class Calibration:
    """The four numbers that are fitted on photos of persons whom a network does not know.

    Attributes:
        temperature: the ten logits are divided by it.
        none_slope: see above.
        none_offset: see above.
        threshold: a score above it is "none of these".
    """

    temperature: float
    none_slope: float
    none_offset: float
    threshold: float


def probabilities(logits: NDArray[np.float32], temperature: float) -> Floats:
    """Return probabilities over the ten classes, ``(n, 10)``.

    Args:
        logits: ``(n, 14)``.
        temperature: above 1 makes answers less sure.
    """
    cooled = logits[:, : len(CLASSES)].astype(np.float64) / temperature
    risen = np.exp(cooled - cooled.max(axis=1, keepdims=True))
    return risen / risen.sum(axis=1, keepdims=True)


def distance(logits: NDArray[np.float32]) -> Floats:
    """Return how far the outputs that are none of the classes lie above the classes, ``(n,)``."""
    ten, others = logits[:, : len(CLASSES)], logits[:, len(CLASSES) :]
    return log_sum(others) - log_sum(ten)


def log_sum(values: NDArray[np.float32]) -> Floats:
    """Return the logarithm of the sum of exponentials of each row."""
    highest = values.max(axis=1, keepdims=True).astype(np.float64)
    return np.log(np.exp(values - highest).sum(axis=1)) + highest[:, 0]


def none_scores(logits: NDArray[np.float32], calibration: Calibration) -> Floats:
    """Return the score of none of these, from 0 to 1, ``(n,)``."""
    return 1 / (1 + np.exp(-(calibration.none_slope * distance(logits) + calibration.none_offset)))


def calibrated(logits: NDArray[np.float32], right: NDArray[np.bool_]) -> Calibration:
    """Fit the four numbers.

    Args:
        logits: of photos of persons that the network does not know, ``(n, 14)``.
        right: the classes that are right, bool ``(n, 10)``; none for what is to be declined.
    """
    answerable = right.any(axis=1)
    temperature = best_temperature(logits[answerable], right[answerable])
    slope, offset = logistic(distance(logits), ~answerable)
    fitted = Calibration(temperature, slope, offset, 1.0)
    threshold = float(np.quantile(none_scores(logits[answerable], fitted), 1 - DECLINED))
    return Calibration(temperature, slope, offset, threshold)


def best_temperature(logits: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Return the temperature that gives the right answers the least log loss."""
    tried = np.exp(np.linspace(np.log(0.3), np.log(4), 200))
    losses = [-np.log((probabilities(logits, one) * right).sum(axis=1) + 1e-12).mean() for one in tried]
    return float(tried[int(np.argmin(losses))])


def logistic(x: Floats, is_none: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset of the logistic regression of being none on one number, by Newton's method."""
    weight = np.where(is_none, NONE_PRIOR / is_none.mean(), (1 - NONE_PRIOR) / (1 - is_none.mean()))
    design, beta = np.stack([x, np.ones_like(x)], axis=1), np.zeros(2)
    for _ in range(50):
        share = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (weight * (is_none - share)) - 1e-3 * beta
        curvature = (design * (weight * share * (1 - share))[:, None]).T @ design + 1e-3 * np.eye(2)
        beta = beta + np.linalg.solve(curvature, gradient)
    return float(beta[0]), float(beta[1])


def calibration_error(confidence: Floats, is_right: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error: bins of equal width, weighted by how many answers fall in them."""
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    parts = [bin_of == one for one in range(bins)]
    return float(
        sum(abs(confidence[part].mean() - is_right[part].mean()) * part.mean() for part in parts if part.any())
    )
