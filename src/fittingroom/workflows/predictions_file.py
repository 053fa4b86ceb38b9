"""Anybody's predictions, out of a file that NumPy wrote: ``.npz`` with its labels, or ``.npy`` beside a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.data import DATASETS, Dataset, Log, load, no_log
from fittingroom.errors import DataError
from fittingroom.files import read_arrays
from fittingroom.judging import check_predictions, hard_answers

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.arrays import Array, Labels, Probabilities

ANSWERS = ("probabilities", "predictions", "predicted", "y_pred")
EXAMPLE = "numpy.savez(path, probabilities=p, labels=y)"


@dataclass(frozen=True, eq=False)
class FiledPredictions:
    """Predictions of a file, checked.

    Attributes:
        labels: true classes, ``(n,)``.
        probabilities: ``(n, classes)``; or predicted classes ``(n,)``, where the file holds no more.
        class_names: one a column.
        dataset: its name, or "" where nothing says which data these are.
        fingerprint: of the data, or "" where it is not known.
        split: "test" or what the file says; "" where nothing does.
    """

    labels: Labels
    probabilities: Probabilities | Labels
    class_names: tuple[str, ...]
    dataset: str
    fingerprint: str
    split: str


def read_predictions(path: Path, dataset: str | None = None, *, log: Log = no_log) -> FiledPredictions:
    """Read and check predictions.

    Args:
        path: ``.npz`` with ``probabilities`` and, but for a dataset, ``labels``; ``class_names``, ``fingerprint`` and
            ``split`` are read where they are there, as in a run's ``predictions.npz``. Or ``.npy``: probabilities.
        dataset: a name or folder, whose test images these are: gives labels and class names that the file has not.
        log: takes one line for the user.

    Raises:
        DataError: no such file, not NumPy's, parts missing, or not what can be judged.
    """
    arrays = _arrays(path)
    answers = next((arrays[name] for name in ANSWERS if name in arrays), None)
    if answers is None:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(
            f"{path}: expected an array named 'probabilities', or 'predictions' for classes alone, found {found}. "
            f"Write it with {EXAMPLE}."
        )
    data = load(dataset, log=log) if dataset else None
    labels = _labels(path, arrays, data)
    fingerprint = data.fingerprint if data else str(arrays.get("fingerprint", ""))
    named = arrays.get("class_names")
    checked, matrix = hard_answers(labels, answers) or check_predictions(labels, answers)
    names = tuple(map(str, named)) if named is not None else data.class_names if data else _numbers(checked, matrix)
    known = data.name if data else _dataset_of(fingerprint)
    return FiledPredictions(
        checked, matrix, names, known, fingerprint, str(arrays.get("split", "test" if data else ""))
    )


def _arrays(path: Path) -> dict[str, Array]:
    kind = path.suffix.lower()
    if kind not in (".npz", ".npy"):
        raise DataError(f"{path}: expected a file that ends in .npz or .npy. Write it with {EXAMPLE}.")
    loaded = read_arrays(path)
    return loaded if isinstance(loaded, dict) else {"probabilities": loaded}


def _labels(path: Path, arrays: dict[str, Array], data: Dataset | None) -> Array:
    if "labels" in arrays:
        if data is not None and not np.array_equal(arrays["labels"], data.test.labels):
            raise DataError(f"{path}: its labels are not those of the test images of '{data.name}', in their order.")
        return arrays["labels"]
    if data is None:
        raise DataError(
            f"{path} holds no 'labels'. Write them beside the probabilities ({EXAMPLE}), "
            "or name the dataset whose test images these are: --dataset fashion-mnist"
        )
    return data.test.labels


def _numbers(labels: Array, answers: Array) -> tuple[str, ...]:
    """Return numbers as names: one a column, or as many as the classes reach."""
    count = answers.shape[1] if answers.ndim == 2 else 1 + int(max(labels.max(), answers.max()))
    return tuple(str(label) for label in range(count))


def _dataset_of(fingerprint: str) -> str:
    return next((name for name, known in DATASETS.items() if fingerprint and known.fingerprint == fingerprint), "")
