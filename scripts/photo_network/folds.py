"""Networks without some persons, and with everybody; what they say of whom they do not know makes numbers answers.

Four networks learn without a quarter of the persons each. What they say of these gives a temperature for the ten
classes, and one calibrated score of none of them: `sigmoid(slope * distance + offset)`, the distance being how far the
four outputs that are none of the classes lie above the ten, both as log-sum-exp. Slope and offset are fitted so that
the score is a probability where a fifth of the pictures is none of the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import torch
from learning import RECIPES, Training, class_weights, logits, without
from material import FOLDS, KINDS, MIRRORED, all_sets, fold_of_person, index_of
from network import CLASSES, OUTPUTS, WHEEL, imagenet_weights
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from material import Photo, Set
    from network import Tail

RECIPE = "facts"
UNDONE = 0.5  # share of what weighing the classes moved the logits by
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
    archives: Path
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
    training = Training(imagenet_weights(places.archives / WHEEL), material, folder, places.cache, RECIPES[recipe])
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
