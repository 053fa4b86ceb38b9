"""Runs as the studio shows them: a row each, their predictions, and two of them side by side."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import RunError
from fittingroom.files import check_sizes, file_kind
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.judging import judge
from fittingroom.judging.compare import mcnemar
from fittingroom.judging.scores import losses
from fittingroom.lookup import suggest
from fittingroom.runs import PAGE, PREDICTIONS, Run, is_run, list_runs
from fittingroom.training.recipe import Recipe
from fittingroom.web.problems import Problem, without_paths

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.runs import Predictions

MOST_ANSWERS = 200_000  # of a run that a browser is given
LONGEST_NAME = 255  # bytes, as file systems have it
LARGEST = {  # bytes of a run's files that are read or sent here; a run may come from anybody
    **dict.fromkeys(("environment.json", "resolved.json", "verdict.json", "recipe.toml", "test_looks.jsonl"), 8 << 20),
    "history.jsonl": 32 << 20,  # a hundred thousand epochs
    PREDICTIONS: 256 << 20,
    PAGE: 256 << 20,
}


def is_name(name: str) -> bool:
    """Say whether a run may have a name: any that a folder may have, but for hidden ones and those of a path.

    Example:
        >>> is_name("Müllers first try"), is_name("_draft"), is_name(".studio"), is_name("../a")
        (True, True, False, False)
    """
    if not name or name[0] == "." or "/" in name or not name.isprintable():
        return False
    return len(name.encode("utf-8", "surrogateescape")) <= LONGEST_NAME


def is_own(folder: Path, root: Path) -> bool:
    """Say whether a run folder truly lies in the folder of runs, and is not a link to elsewhere."""
    return is_name(folder.name) and folder.resolve().parent == root.resolve()


def runs_of(root: Path) -> list[Run]:
    """Return the runs that the studio shows, the newest name last; links to elsewhere are left out."""
    return [run for run in list_runs(root) if is_own(run.folder, root)]


def find_run(root: Path, name: str) -> Run:
    """Return the run of a name.

    Raises:
        Problem: 404, no such run, or a name that no run may have; 422, its files are none that can be read here.
    """
    folder = root / name if is_name(name) else None
    if folder is None or not is_run(folder) or not is_own(folder, root):
        raise Problem(404, f"No run '{name[:80]}'. {_hint(name, root)}")
    return Run(folder)


def _hint(name: str, root: Path) -> str:
    names = [run.name for run in runs_of(root)]
    return suggest(name[:80], names[-5:]) if names else "There are none yet."


def own_file(run: Run, name: str) -> Path | None:
    """Return a run's file, or None where it is missing, too large, no plain file, or a link to elsewhere."""
    path = run.folder / name
    if file_kind(path) != "a file" or path.resolve().parent != run.folder.resolve():
        return None
    return path if path.stat().st_size <= LARGEST.get(name, sys.maxsize) else None


def check_files(run: Run) -> None:
    """Raise where a file of a run is not one that can be read here.

    Raises:
        RunError: a file is a pipe or a device, or larger than any that a training writes.
    """
    check_sizes(run.folder, LARGEST, RunError)


def row(run: Run) -> dict[str, Any]:
    """Return a run as plain values; a run that cannot be read says so in ``error`` instead of hiding."""
    try:
        check_files(run)
        return full_row(run, run.summary())
    except (RunError, OSError) as error:
        return {"name": run.name, "error": without_paths(" ".join(str(error).split()))}


def table(root: Path) -> list[dict[str, Any]]:
    """Return the runs as rows, the newest first; one that is deleted while it is read is no longer among them."""
    rows = ((run, row(run)) for run in reversed(runs_of(root)))
    return [told for run, told in rows if is_run(run.folder)]


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
        "has_predictions": own_file(run, PREDICTIONS) is not None,
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
        Problem: 409, it has none; 413, too many for a browser.
        RunError: as `check_files`.
    """
    check_files(run)
    if own_file(run, PREDICTIONS) is None:
        raise Problem(409, f"'{run.name}' has no predictions yet.")
    found = run.predictions
    if len(found.labels) > MOST_ANSWERS:
        raise Problem(
            413,
            f"'{run.name}' has {len(found.labels):,} predictions, and the studio shows {MOST_ANSWERS:,} at most. Look "
            "at them by fittingroom report.",
        )
    return found


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
