"""Out-of-sample answers: every training image is answered by a network that has not seen it, fold by fold."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Labels
from fittingroom.data.edits import parse_edits
from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.files import atomic_write, read_arrays, read_json, write_json
from fittingroom.jobs.job import Job, Report, Row, place_of
from fittingroom.jobs.places import check_reachable
from fittingroom.jobs.run_jobs import OnJob, no_job_lines, run_jobs
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.progress import Log, OnProgress, no_log, no_progress
from fittingroom.recipes import load_recipe
from fittingroom.training import Recipe, resume
from fittingroom.training.trainer import is_finished
from fittingroom.words import counted, listed
from fittingroom.workflows.train_jobs import begun_run
from fittingroom.workflows.training import train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.data import Dataset, Split
    from fittingroom.jobs.places import Place
    from fittingroom.runs import Run

FOLDS = 5
SEED = 0
RECIPE = "90"
FACTS = "folds.json"  # in the folder of the folds: what they were made of
ANSWERS = "answers.npz"  # in the folder of each
ARRAYS = ("held", "train", "test", "features", "cost")  # in it


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
        trainings: of each network, as `fold_job` returns it: fold, seconds, epochs, images, accuracy.
    """

    train: Array
    positions: Array
    test: Array | None
    features: Array
    made_by: str
    trainings: tuple[Row, ...] = ()


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
    place: Place | None = None,
    threads: int | None = None,
    source: str | Path | None = None,
    data_dir: str | Path | None = None,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
    on_job: OnJob = no_job_lines,
) -> Answers:
    """Return out-of-sample answers for every training image; what the folder holds already is not computed again.

    Args:
        data: whose train part is divided.
        recipe: how each network is trained.
        folder: where each fold's answers are kept, and the runs that are under way.
        folds: how many, 2 or more.
        with_test: whether the networks are asked about the test images too.
        place: where they are trained, of `find_place`; None for this process, one after another.
        threads: of the processor, for each training of this process; None for torch's own choice.
        source: what the data were loaded by, for other processes to load them too; None for what is in memory alone.
        data_dir: where a known dataset's files are, likewise.
        log: told of each fold.
        on_progress: takes the progress of the training that this process is at.
        on_job: takes where each fold stands.

    Raises:
        UsageError: images that cannot be divided so, see `check_foldable`; or a cluster that is not there.
        RunError: the folder holds the folds of other data or of another recipe; or the cluster was lost.
        Interrupted: the user stopped it; the same call goes on.
    """
    check_foldable(data.train, data.class_names, folds)
    count = place.threads if place else threads or _threads_here()
    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    facts = _facts(data, loaded, folds, with_test, count)
    check_reachable(place)
    _begin(folder, facts)
    where = place_of(data, data.name if source is None else source, data_dir)
    asked: dict[str, Any] = {"recipe": loaded.as_dict(), "folds": folds, "test": with_test, "edits": _edits_of(data)}
    asked["labels"] = facts["labels"]
    jobs = [
        Job(f"fold-{number}", folder / f"fold-{number}", {**asked, "fold": number}, count, where)
        for number in range(folds)
    ]
    rows: dict[str, Row] = {}
    try:
        for outcome in run_jobs(
            fold_job, _told(jobs, place, log), place, log=log, on_progress=on_progress, on_job=on_job
        ):
            if outcome.error is not None:
                raise outcome.error
            rows[outcome.job.key] = outcome.row or {}
    except Interrupted as stopped:
        began = str(stopped).partition(" Go on ")[0]
        raise Interrupted(f"{began} The audit goes on by the same command again.") from None
    except KeyboardInterrupt:
        raise Interrupted("Stopped. The audit goes on by the same command again.") from None
    name = recipe if isinstance(recipe, str | Path) else "a recipe of its own"
    made_by = f"{folds} networks by recipe {name}, each trained on the images of the other folds"
    return _together(data, [_kept(job) for job in jobs], with_test, made_by, tuple(rows[job.key] for job in jobs))


def _told(jobs: list[Job], place: Place | None, log: Log) -> Iterator[Job]:
    """Yield the jobs, each told of before this process begins it."""
    for number, job in enumerate(jobs):
        if place is None:
            log(f"Fold {number + 1} of {len(jobs)}.")
        yield job


def _together(
    data: Dataset, found: list[dict[str, Array]], with_test: bool, made_by: str, trainings: tuple[Row, ...]
) -> Answers:
    answers = np.empty((len(data.train), found[0]["train"].shape[1]), np.float32)
    for each in found:
        answers[each["held"]] = each["train"]
    test: Array = np.stack([each["test"] for each in found]).mean(axis=0, dtype=np.float64)
    own = test.astype(np.float32) if with_test else None
    return Answers(answers, np.arange(len(data.train)), own, found[0]["features"], made_by, trainings)


def fold_job(job: Job, data: Dataset | None, report: Report) -> Row:
    """Train a fold's network on all other images and keep what it says of those that it has not seen.

    Args:
        job: with a folder of its own: a run's until the network has answered, which then holds the answers alone.
        data: whose train part is divided.
        report: whom to tell.

    Returns:
        fold, from 0; seconds and epochs of the training; images, trained on; accuracy, on those held out.
    """
    assert job.folder is not None
    assert data is not None
    asked, path = job.arguments, job.folder / ANSWERS
    if asked["edits"] and data.edits is None:
        data = data.edited(parse_edits(Path(asked["edits"]["file"]), asked["edits"]["text"], data))
    held = np.flatnonzero(assign_folds(data.train.labels, asked["folds"]) == asked["fold"])
    rest = data.train.take(np.setdiff1d(np.arange(len(data.train)), held))
    if not path.exists():
        run = _trained(job, replace(data, train=rest, edits=None), report)
        seconds, epochs = sum(line["seconds"] for line in run.history), run.history[-1]["epoch"]
        found: dict[str, Any] = {
            "held": held,
            "train": run.predict(data.train.images[held], tempered=False),
            "test": _test_answers(run, data) if asked["test"] else np.zeros((0, data.classes), np.float32),
            "features": _features(run, data) if not asked["fold"] else np.zeros((0, 1), np.float16),
            "cost": np.array([seconds, epochs]),
        }
        atomic_write(path, lambda place: np.savez(place, **found))
    for other in job.folder.iterdir():
        if other != path:
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    kept = _kept(job)
    return {
        "fold": asked["fold"],
        "seconds": round(float(kept["cost"][0]), 3),
        "epochs": int(kept["cost"][1]),
        "images": len(rest),
        "accuracy": float(np.mean(kept["train"].argmax(axis=1) == data.train.labels[held])),
    }


def _kept(job: Job) -> dict[str, Array]:
    """Return the answers of a finished fold.

    Raises:
        RunError: they are gone or damaged.
    """
    assert job.folder is not None
    path = job.folder / ANSWERS
    found = read_arrays(path, RunError) if path.exists() else {}
    if not isinstance(found, dict) or not set(ARRAYS) <= found.keys():
        raise RunError(
            f"{path}: expected the answers of a fold, found "
            f"{'others' if found else 'none'}. Delete {job.folder}, and the same command trains it again."
        )
    return found


def _test_answers(run: Run, data: Dataset) -> Array:
    empty = np.zeros((0, data.classes), np.float32)
    return run.predict(data.test.images, tempered=False) if len(data.test) else empty


def _features(run: Run, data: Dataset) -> Array:
    extract = feature_extractor(run.model(), data.image_shape)
    parts = [in_batches(extract, part.images) for part in (data.train, data.test) if len(part)]
    return np.concatenate(parts)


def _trained(job: Job, data: Dataset, report: Report) -> Run:
    """Return a fold's run: gone on with where it was stopped, else trained."""
    assert job.folder is not None
    run = begun_run(job.folder, report)
    told: dict[str, Any] = {"log": report.log, "on_progress": report.on_progress}
    if run is None:
        recipe = Recipe.from_dict(job.arguments["recipe"])
        return train(None, data, recipe=recipe, out=job.folder, seed=SEED, onnx=False, **told)
    return run if is_finished(run) else resume(run, data, **told)


def _edits_of(data: Dataset) -> dict[str, str] | None:
    return None if data.edits is None else {"file": data.edits.name, "text": data.edits.text}


def _threads_here() -> int:
    import torch

    return torch.get_num_threads()


def _facts(data: Dataset, recipe: Recipe, folds: int, with_test: bool, threads: int) -> dict[str, Any]:
    """Return what the folds of a folder are made of."""
    return {
        "data": data.fingerprint,
        "edits": data.edits.sha256 if data.edits is not None else None,
        "labels": hashlib.sha256(data.train.labels.tobytes()).hexdigest()[:16],  # changed in memory, say
        "recipe": recipe.as_dict(),
        "folds": folds,
        "test images": with_test,
        "number of threads": threads,
    }


def _begin(folder: Path, facts: dict[str, Any]) -> None:
    """Make the folder of the folds, or see that those that it holds are of these very data and settings."""
    if (folder / FACTS).exists():
        before = read_json(folder / FACTS, {"made_of": "dict"}, RunError)["made_of"]
        changed = [key for key, value in facts.items() if before.get(key) != value]
        if changed:
            was = before.get("number of threads")
            begun = f" It was begun with --threads {was}." if "number of threads" in changed and was else ""
            raise RunError(
                f"{folder} holds folds with another {listed(changed)}.{begun} Choose another --out, or delete that "
                "folder."
            )
        return
    make_folder(folder)
    write_json(folder / FACTS, {"schema": "fittingroom/audit-folds/2", "made_of": facts})


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
