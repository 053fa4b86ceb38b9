"""Runs as the studio shows them: a row each, their predictions, and two of them side by side."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.judging import judge
from fittingroom.judging.compare import mcnemar
from fittingroom.judging.scores import losses
from fittingroom.runs import PAGE, summary_or_error
from fittingroom.studio.problems import Problem, without_paths
from fittingroom.studio.run_names import own_file
from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from fittingroom.runs import Predictions, Run


def row(run: Run) -> dict[str, Any]:
    """Return a run as plain values; a run that cannot be read says so in ``error`` instead of hiding."""
    told = summary_or_error(run)
    if "error" in told:
        return {"name": run.name, "error": without_paths(told["error"])}
    return full_row(run, told)


def full_row(run: Run, summary: dict[str, Any]) -> dict[str, Any]:
    """Return a run's summary with what else the table shows.

    Args:
        run: not damaged.
        summary: of it.
    """
    told = {key: value for key, value in summary.items() if key not in ("run", "test_n")}
    return {
        **told,
        "n": summary["test_n"],
        "has_model": own_file(run, IN_A_RUN) is not None,
        "has_predictions": own_file(run, "predictions.npz") is not None,
        "has_page": own_file(run, PAGE) is not None,
        "recipe": changes(run),
    }


def changes(run: Run) -> dict[str, Any]:
    """Return the settings in which a run's recipe differs from the defaults."""
    asked = run.read_toml("recipe.toml") if own_file(run, "recipe.toml") else {}
    plain = Recipe().as_dict()
    return {key: value for key, value in asked.items() if plain.get(key) != value}


def predictions(run: Run) -> Predictions:
    """Return a run's predictions.

    Raises:
        Problem: 409, it has none.
    """
    if own_file(run, "predictions.npz") is None:
        raise Problem(409, f"'{run.name}' has no predictions yet.")
    return run.predictions


def as_columns(found: Predictions, places: dict[str, int]) -> dict[str, Any]:
    """Return predictions as plain values, and what they are worth; indices are those of the whole dataset.

    What is said of an image and of all of them is judged here, from the probabilities as they are kept; those that are
    sent, to four decimals, are only drawn.

    Args:
        found: of a run.
        places: by split, where it begins in the row of all images.
    """
    verdict = judge(found.labels, found.probabilities, found.class_names, resamples=0)
    curve = verdict.calibration.curve if verdict.calibration else ()
    return {
        "split": found.split,
        "class_names": list(found.class_names),
        "accuracy": verdict.accuracy,
        "mistakes": int((found.probabilities.argmax(axis=1) != found.labels).sum()),
        "confusion": [list(row) for row in verdict.confusion],
        "calibration_error": verdict.calibration.error if verdict.calibration else None,
        "bins": [{"n": each.n, "confidence": each.confidence, "accuracy": each.accuracy} for each in curve],
        "predicted": found.probabilities.argmax(axis=1).tolist(),
        "confidence": found.probabilities.max(axis=1).astype(float).tolist(),
        "loss": losses(found.labels, found.probabilities).tolist(),
        "indices": (found.indices + places.get(found.split, 0)).tolist(),
        "labels": found.labels.tolist(),
        "probabilities": [[round(float(value), 4) for value in line] for line in found.probabilities.tolist()],
    }


def compare(first: Predictions, second: Predictions) -> dict[str, Any]:
    """Compare two runs image by image (McNemar's exact test).

    Raises:
        Problem: 409, they did not answer about the same images.
    """
    same = first.fingerprint == second.fingerprint and first.split == second.split
    if not same or not np.array_equal(first.indices, second.indices):
        raise Problem(409, "The two runs did not answer about the same images, so they cannot be compared.")
    rights = [each.probabilities.argmax(axis=1) == each.labels for each in (first, second)]
    only_first, only_second = int((rights[0] & ~rights[1]).sum()), int((rights[1] & ~rights[0]).sum())
    differ = np.flatnonzero(rights[0] != rights[1])
    return {
        "n": len(first.labels),
        "only_first": only_first,
        "only_second": only_second,
        "difference": (only_second - only_first) / len(first.labels),
        "p": mcnemar(only_first, only_second),
        "positions": differ.tolist(),
    }


def delete(run: Run) -> None:
    """Remove a run's folder; it is first renamed, so that no half of a run is ever seen.

    Raises:
        OSError: the folder cannot be written.
    """
    trash = run.folder.with_name(f".deleted-{run.name}-{os.getpid()}")
    run.folder.replace(trash)
    shutil.rmtree(trash, ignore_errors=True)
