"""Out-of-sample answers: every training image is answered by a network that has not seen it, fold by fold."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Labels
from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.files import atomic_write, read_arrays, read_json, write_json
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.progress import Log, OnProgress, no_log, no_progress
from fittingroom.recipes import load_recipe
from fittingroom.runs import is_run, open_run
from fittingroom.training import Recipe, resume
from fittingroom.training.trainer import is_finished
from fittingroom.words import counted, listed
from fittingroom.workflows.training import train

if TYPE_CHECKING:
    from fittingroom.data import Dataset, Split
    from fittingroom.runs import Run

FOLDS = 5
SEED = 0
RECIPE = "90"
FACTS = "folds.json"  # in the folder of the folds: what they were made of
ARRAYS = ("held", "train", "test", "features")  # of a fold's file


@dataclass(frozen=True)
class Answers:
    """What networks say of images that they have not seen.

    Attributes:
        train: probabilities ``(n, c)`` of the training images, by the networks of the folds; of a run's held-out
            images, of those alone.
        positions: of these images in the train split ``(n,)``.
        test: probabilities ``(m, c)`` of the test images, the mean over the networks; None where nobody asked.
        features: ``(t + m, d)`` of all training and then all test images, as one of the networks sees them.
        made_by: where they are from, in words.
    """

    train: Array
    positions: Array
    test: Array | None
    features: Array
    made_by: str


def assign_folds(labels: Labels, folds: int = FOLDS, seed: int = SEED) -> Array:
    """Return the fold of each image, 0 to ``folds - 1``: of each class as many in every fold, or one more.

    Example:
        >>> assign_folds(np.array([0, 0, 0, 1, 1, 1]), 3).tolist()
        [1, 2, 0, 0, 2, 1]
    """
    generator = np.random.default_rng(seed)
    found = np.empty(len(labels), np.int64)
    for first, label in enumerate(np.unique(labels)):
        dealt = generator.permutation(np.flatnonzero(labels == label))
        found[dealt] = (np.arange(len(dealt)) + first) % folds
    return found


def check_foldable(split: Split, class_names: tuple[str, ...], folds: int) -> None:
    """Raise where some images could not be answered by a network that has learned their class.

    Raises:
        UsageError: fewer images than folds, fewer than two classes, or a class with one image.
    """
    if len(split) < folds:
        raise UsageError(
            f"Expected at least {counted(folds, 'training image')} for {folds} folds, received {len(split)}. Take "
            "fewer folds: --folds 2, or more images."
        )
    there, counts = np.unique(split.labels, return_counts=True)
    if len(there) < 2:
        raise UsageError(
            f"Expected training images of two classes or more, received {class_names[int(there[0])]} alone: with one "
            "class every label is as good as any other."
        )
    for label, count in zip(there, counts, strict=True):
        if count < 2:
            raise UsageError(
                f"Expected two or more training images of each class, received one of {class_names[int(label)]}: a "
                "network that has not seen it does not know the class. Add images of it, or leave the class out."
            )


def cross_validate(
    data: Dataset,
    recipe: str | Path | Recipe,
    folder: Path,
    *,
    folds: int = FOLDS,
    with_test: bool = True,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> Answers:
    """Return out-of-sample answers for every training image; what the folder holds already is not computed again.

    Args:
        data: whose train part is divided.
        recipe: how each network is trained.
        folder: where each fold's answers are kept, and the run that is under way.
        folds: how many, 2 or more.
        with_test: whether the networks are asked about the test images too.
        log: told of each fold.
        on_progress: takes the progress of each training.

    Raises:
        UsageError: images that cannot be divided so, see `check_foldable`.
        RunError: the folder holds the folds of other data or of another recipe.
        Interrupted: the user stopped it; the same call goes on.
    """
    check_foldable(data.train, data.class_names, folds)
    _begin(folder, data, recipe, folds, with_test)
    of = assign_folds(data.train.labels, folds)
    found = []
    for number in range(folds):
        log(f"Fold {number + 1} of {folds}.")
        found.append(
            answer_fold(
                data,
                np.flatnonzero(of == number),
                recipe,
                folder / f"fold-{number}.npz",
                with_test=with_test,
                log=log,
                on_progress=on_progress,
            )
        )
    classes = found[0]["train"].shape[1]
    answers = np.empty((len(data.train), classes), np.float32)
    for each in found:
        answers[each["held"]] = each["train"]
    test: Array = np.stack([each["test"] for each in found]).mean(axis=0, dtype=np.float64)
    name = recipe if isinstance(recipe, str | Path) else "a recipe of its own"
    return Answers(
        answers,
        np.arange(len(data.train)),
        test.astype(np.float32) if with_test else None,
        found[0]["features"],
        f"{folds} networks by recipe {name}, each trained on the images of the other folds",
    )


def answer_fold(
    data: Dataset,
    held: Array,
    recipe: str | Path | Recipe,
    path: Path,
    *,
    with_test: bool,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> dict[str, Array]:
    """Return one fold's answers: from its file where that is there, else by training on all other images.

    Args:
        data: whose train part is divided.
        held: positions of the fold's images in the train split.
        recipe: how the network is trained.
        path: of the fold's file; the run that is under way lies beside it until it is done.
        with_test: whether the network is asked about the test images too.
        log: takes one line for the user.
        on_progress: takes the progress.

    Returns:
        held ``(k,)``; train ``(k, c)`` and test ``(m, c)``, probabilities; features ``(t + m, d)`` of all images.
    """
    if path.exists():
        kept = read_arrays(path, RunError)
        if isinstance(kept, dict) and set(ARRAYS) <= kept.keys() and np.array_equal(kept["held"], held):
            return kept
    rest = data.train.take(np.setdiff1d(np.arange(len(data.train)), held))
    run = _trained(replace(data, train=rest, edits=None), recipe, path.with_suffix(""), log, on_progress)
    images = data.test.images[:0] if not with_test else data.test.images
    test = run.predict(images, tempered=False) if len(images) else np.zeros((0, data.classes), np.float32)
    found: dict[str, Any] = {
        "held": held,
        "train": run.predict(data.train.images[held], tempered=False),
        "test": test,
        "features": _features(run, data),
    }
    atomic_write(path, lambda place: np.savez(place, **found))
    shutil.rmtree(run.folder, ignore_errors=True)
    return found


def _features(run: Run, data: Dataset) -> Array:
    extract = feature_extractor(run.model(), data.image_shape)
    parts = [in_batches(extract, part.images) for part in (data.train, data.test) if len(part)]
    return np.concatenate(parts)


def _trained(data: Dataset, recipe: str | Path | Recipe, folder: Path, log: Log, on_progress: OnProgress) -> Run:
    """Return a fold's run: gone on with where it was stopped, else trained."""
    try:
        if is_run(folder):
            begun = open_run(folder)
            if begun.state == "training":
                raise RunError(f"{folder}: another process is training this fold. Wait for it, or stop it.")
            if is_finished(begun):
                return begun
            if (folder / "checkpoint").is_dir():
                return resume(begun, data, log=log, on_progress=on_progress)
        shutil.rmtree(folder, ignore_errors=True)
        return train(None, data, recipe=recipe, out=folder, seed=SEED, onnx=False, log=log, on_progress=on_progress)
    except Interrupted as stopped:
        raise Interrupted(
            f"{str(stopped).partition(' Go on ')[0]} The audit goes on by the same command again."
        ) from None


def _begin(folder: Path, data: Dataset, recipe: str | Path | Recipe, folds: int, with_test: bool) -> None:
    """Make the folder of the folds, or see that those that it holds are of these very data and settings."""
    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    facts: dict[str, Any] = {
        "data": data.fingerprint,
        "edits": data.edits.sha256 if data.edits is not None else None,
        "recipe": loaded.as_dict(),
        "folds": folds,
        "test images": with_test,
    }
    if (folder / FACTS).exists():
        before = read_json(folder / FACTS, {"made_of": "dict"}, RunError)["made_of"]
        changed = [key for key, value in facts.items() if before.get(key) != value]
        if changed:
            raise RunError(
                f"{folder} holds folds with another {listed(changed)}. Choose another --out, or delete that folder."
            )
        return
    make_folder(folder)
    write_json(folder / FACTS, {"schema": "fittingroom/audit-folds/1", "made_of": facts})


def make_folder(folder: Path) -> None:
    """Make a folder of an audit where it is missing.

    Raises:
        RunError: something else is there, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder}: the audit's folder cannot be made ({error.strerror}). Choose another --out."
        ) from error


def check_learned(labels: Labels, answers: Array, where: str) -> None:
    """Raise where networks agree with the labels of images that they have not seen by luck alone.

    Args:
        labels: ``(n,)``.
        answers: probabilities ``(n, c)``.
        where: what these are, for the message.

    Raises:
        UsageError: no more often than the most frequent label would.
    """
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    luck = float(np.bincount(labels).max() / len(labels))
    if accuracy <= luck + 2 * np.sqrt(luck * (1 - luck) / len(labels)):
        raise UsageError(
            f"Expected labels that a network can learn; of {counted(len(labels), 'image')} ({where}) it agrees with "
            f"{accuracy:.1%}, no more than guessing would ({luck:.1%}). Are images and labels in the same order?"
        )
