"""A run on disk: a folder of plain files, written while training and read by everything after it.

It knows no verdict, no recipe and no dataset: it keeps them as JSON, TOML and arrays for those who do. A run may come
from anybody, so that what is read is checked here: whoever asks for a value below gets one of the right kind, or a
`RunError` that names the file.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Probabilities
from fittingroom.errors import RunError
from fittingroom.files import (
    append_json_line,
    array_names,
    atomic_write,
    held_alone,
    read_arrays,
    read_json,
    read_json_lines,
    read_toml,
    write_json,
)
from fittingroom.inference.model_files import MARK
from fittingroom.lookup import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path("runs")
PAGE = "report.html"
LOCK = ".training"  # held by the process that trains the run
TUTORIAL = "tutorial.json"  # what only a walk-through's run knows
PREDICTIONS = "predictions.npz"
ELSEWHERE = "other-data"  # folder in a run's: verdicts and predictions on data that it was not trained on
ARRAYS = ("probabilities", "labels", "indices", "split", "class_names", "fingerprint")  # in it
FIELDS: Mapping[str, Mapping[str, str]] = {  # what must be in a run's files, or may be: `fittingroom.files.KINDS`
    MARK: {
        "seed": "int",
        "model": "str | None",
        "dataset": "str | None",
        "fingerprint": "str | None",
        "train_images": "int | None",
        "validation_images": "int | None",
        "held_out": "int | None",
        "class_names": "list[str] | None",
        "image_shape": "tuple[int, int] | None",
        "classes": "int | None",
        "versions": "dict | None",
        "created": "str | None",
        "name": "str | None",
        "model_source": "dict | None",
        "compiled": "dict | None",
        "recipe": "dict | None",
        "callbacks": "list[str] | None",
        "tracking": "list[str] | None",
        "data_folder": "str | None",
        "data_dir": "str | None",
        "edits": "dict | None",
        "snapshots": "bool | None",
    },
    "resolved.json": {"seed": "int", "batch_size": "int", "pixels": "str"},
    "history.jsonl": {
        "epoch": "int",
        "seconds": "float",
        "images": "int",
        "learning_rate": "float | None",
        "loss": "float",
        "accuracy": "float",
        "val_loss": "float | None",
        "val_accuracy": "float | None",
    },
    "verdict.json": {
        "split": "str | None",
        "fingerprint": "str | None",
        "accuracy": "float | None",
        "accuracy_interval": "tuple[float, float] | None",
        "n": "int | None",
    },
    "test_looks.jsonl": {
        "time": "str",
        "asked_by": "str",
        "accuracy": "float",
        "dataset": "str | None",
        "fingerprint": "str | None",
    },
    "tutorial.json": {
        "model": "str",
        "model_summary": "str",
        "optimizer": "str",
        "loss": "str",
        "train_accuracy": "float",
        "train_loss": "float",
        "palette": "str",
        "command": "str",
        "against": "str | None",
        "seconds": "dict",
        "dataset": "str",
        "data_dir": "str | None",
    },
}


@dataclass(frozen=True)
class Predictions:
    """What a run answered on one split.

    Attributes:
        probabilities: float32 ``(n, classes)``.
        labels: int64 ``(n,)``.
        indices: int64 ``(n,)``, positions in the split's file.
        split: "train", "validation" or "test".
        class_names: one a column.
        fingerprint: of the data.
    """

    probabilities: Array
    labels: Array
    indices: Array
    split: str
    class_names: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: where it is.
        live: the trained model itself, where it came from Python and cannot be opened from the folder.
    """

    folder: Path
    live: Any = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def title(self) -> str:
        """The name that the run was given, or its folder's."""
        return str(self.environment.get("name") or self.folder.resolve().name)

    @property
    def state(self) -> str:
        """Where the run stands: "training", "stopped" before its end, "done", or "evaluated" on the test images."""
        if _is_held(self.folder / LOCK):
            return "training"
        from fittingroom.inference.model_files import IN_A_RUN
        from fittingroom.models.custom import WEIGHTS

        has_model = any((self.folder / name).exists() for name in (IN_A_RUN, WEIGHTS))
        if (self.folder / "checkpoint").is_dir() or not has_model:
            return "stopped"
        return "evaluated" if (self.verdict or {}).get("split") == "test" else "done"

    @contextmanager
    def under_training(self) -> Iterator[None]:
        """Mark the run as being trained by this process for as long as the block lasts, or the process lives.

        Raises:
            RunError: another process is training it.
        """
        with held_alone(self.folder / LOCK, "training this run"):
            yield

    def read_json(self, name: str) -> dict[str, Any]:
        """Return one of the run's JSON files.

        Raises:
            RunError: the run has no such file, or it holds something else than `FIELDS` says.
        """
        return read_json(self._path(name), FIELDS.get(name), RunError)

    def read_toml(self, name: str) -> dict[str, Any]:
        """Return one of the run's TOML files.

        Raises:
            RunError: the run has no such file, or it is not TOML.
        """
        return read_toml(self._path(name), raises=RunError)

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write one of the run's JSON files, whole or not at all."""
        write_json(self.folder / name, value)

    def write_text(self, name: str, text: str) -> None:
        """Write one of the run's text files, whole or not at all."""
        atomic_write(self.folder / name, text)

    def append_line(self, name: str, value: Mapping[str, Any]) -> None:
        """Add one JSON line to one of the run's ``.jsonl`` files."""
        append_json_line(self.folder / name, value)

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """Return the values of a ``.jsonl`` file in order; none where there is no such file.

        Raises:
            RunError: it holds something else than `FIELDS` says.
        """
        return read_json_lines(self.folder / name, FIELDS.get(name), RunError)

    @property
    def resolved(self) -> dict[str, Any]:
        """Every value that was used."""
        return self.read_json("resolved.json")

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, processor, threads, dataset, fingerprint, seed."""
        return self.read_json(MARK)

    @property
    def history(self) -> list[dict[str, Any]]:
        """One value an epoch: epoch from 1, seconds, images, learning_rate, loss, accuracy, val_loss, val_accuracy."""
        return self.read_lines("history.jsonl")

    @property
    def verdict(self) -> dict[str, Any] | None:
        """The verdict as it was written, or None where there is none yet."""
        return self.read_json("verdict.json") if (self.folder / "verdict.json").exists() else None

    @property
    def test_looks(self) -> list[dict[str, Any]]:
        """One value for each time that the test split met this run's model."""
        return self.read_lines("test_looks.jsonl")

    @property
    def predictions(self) -> Predictions:
        """The predictions last written.

        Raises:
            RunError: there are none yet.
        """
        path = self.folder / PREDICTIONS
        if not path.exists():
            raise RunError(f"{path}: this run has no predictions yet. Try: fittingroom evaluate {self.folder}")
        return _predictions(path)

    def looks_at(self, fingerprint: object) -> int:
        """Return how often this run's model has met the test split of some data."""
        return sum(look.get("fingerprint") in (fingerprint, None) for look in self.test_looks)

    @property
    def verdicts_elsewhere(self) -> list[dict[str, Any]]:
        """The verdicts on other data than the run was trained on, by the name of the data."""
        folders = sorted((self.folder / ELSEWHERE).glob("*/verdict.json"))
        return [read_json(path, FIELDS["verdict.json"], RunError) for path in folders]

    def kept_at(self, dataset: str, fingerprint: str) -> Run:
        """Return where a verdict on some data is kept: the run's own folder for its own data, else one inside it.

        A run that was trained on arrays has no dataset of its own: it keeps the one that it was judged on last.

        Args:
            dataset: the data's name.
            fingerprint: of the data.
        """
        own = self.environment
        if fingerprint == own.get("fingerprint") or own.get("dataset") in (None, "arrays"):
            return self
        folder = self.folder / ELSEWHERE / f"{dataset}-{fingerprint}"
        folder.mkdir(parents=True, exist_ok=True)
        return Run(folder)

    def write_predictions(self, predictions: Predictions) -> None:
        """Keep predictions, replacing those before."""
        arrays: dict[str, Any] = {
            "probabilities": predictions.probabilities.astype(np.float32),
            "labels": predictions.labels.astype(np.int64),
            "indices": predictions.indices.astype(np.int64),
            "split": np.array(predictions.split),
            "class_names": np.array(predictions.class_names),
            "fingerprint": np.array(predictions.fingerprint),
        }
        atomic_write(self.folder / PREDICTIONS, lambda path: np.savez_compressed(path, **arrays))

    def summary(self) -> dict[str, Any]:
        """Return the run as one row of plain values, after a look at every small file that it has.

        Raises:
            RunError: one of them is damaged.
        """
        environment, history, verdict = self.environment, self.history, self.verdict or {}
        self._check_others()
        last: Mapping[str, Any] = history[-1] if history else {}
        tested = verdict if verdict.get("split") == "test" else {}
        return {
            "run": str(self.folder),
            "name": self.name,
            **{key: environment.get(key) for key in ("dataset", "fingerprint", "model", "seed")},
            "epochs": len(history),
            "seconds": round(sum(line["seconds"] for line in history), 2),
            "accuracy": last.get("accuracy"),
            "val_accuracy": last.get("val_accuracy"),
            "test_accuracy": tested.get("accuracy"),
            "test_interval": tested.get("accuracy_interval"),
            "test_n": tested.get("n"),
            "looks": self.looks_at(environment.get("fingerprint")),
        }

    def _check_others(self) -> None:
        """Raise where one of the files is damaged whose values are no part of the summary."""
        for name, read in (("resolved.json", self.read_json), ("recipe.toml", self.read_toml)):
            if (self.folder / name).exists():
                read(name)
        if (self.folder / PREDICTIONS).exists():
            _check_names(self.folder / PREDICTIONS, array_names(self.folder / PREDICTIONS, RunError))

    def model(self) -> Any:
        """Open the trained model.

        Returns:
            A Keras model that takes pixels 0..255 and gives probabilities; or, where the run keeps the weights of a
            model that its owner's Python makes, that model with these weights, which takes what it was trained on.

        Raises:
            ModelError: the run has none yet, or the Python that makes it is not there.
        """
        from fittingroom.inference.model_files import IN_A_RUN, load_model
        from fittingroom.models.custom import WEIGHTS, rebuilt

        if (self.folder / IN_A_RUN).exists() or not (self.folder / WEIGHTS).exists():
            return load_model(self.folder)
        if self.live is not None:
            return self.live
        facts = self.environment
        height, width = facts.get("image_shape") or (28, 28)
        return rebuilt(self.folder, (height, width), facts.get("classes") or 10)

    def predict(self, images: Any, *, tempered: bool = True) -> Probabilities:
        """Return the trained model's probabilities; the model is opened once.

        Args:
            images: uint8 ``(n, h, w)``, or what `data.accepting` turns into that.
            tempered: as sure as the run's own temperature warrants, where it held out images to fit one on; off for the
                network's own probabilities, which are what it is judged by.

        Returns:
            float32 ``(n, classes)``.

        Raises:
            ModelError: the run has no model yet, or its model cannot be made again.
        """
        from fittingroom.inference.predictor import open_predictor

        return open_predictor(self).predict(images, tempered=tempered)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        if not os.path.lexists(path):
            raise RunError(f"{self.folder}: this run has no {name}. Is it whole?")
        return path


def _check_names(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in ARRAYS if name not in names]
    if missing:
        raise RunError(f"{path}: expected the arrays {', '.join(ARRAYS)}; there is no {missing[0]}.")


def _predictions(path: Path) -> Predictions:
    """Read predictions and check what everything that asks for them counts on.

    Raises:
        RunError: they are damaged, or do not fit each other.
    """
    arrays = read_arrays(path, RunError)
    _check_names(path, list(arrays) if isinstance(arrays, dict) else [])
    probabilities, labels, indices, split, names, fingerprint = (arrays[name] for name in ARRAYS)
    n, classes = probabilities.shape if probabilities.ndim == 2 else (-1, -1)
    is_matrix = n >= 0 and probabilities.dtype.kind == "f"
    fits = {
        "'probabilities' as finite numbers (n, classes)": is_matrix and bool(np.isfinite(probabilities).all()),
        "'class_names' as a text for each column": names.shape == (classes,) and names.dtype.kind == "U",
        "'labels' as whole numbers (n,) below the number of classes": _are_whole(labels, n, classes),
        "'indices' as whole numbers (n,)": _are_whole(indices, n, None),
        "'split' as train, validation or test": split.shape == () and str(split) in ("train", "validation", "test"),
        "'fingerprint' as a text": fingerprint.shape == () and fingerprint.dtype.kind == "U",
    }
    wrong = next((words for words, is_so in fits.items() if not is_so), None)
    if wrong:
        raise RunError(f"{path}: expected {wrong}, found something else.")
    labels, indices = labels.astype(np.int64), indices.astype(np.int64)
    return Predictions(probabilities, labels, indices, str(split), tuple(map(str, names)), str(fingerprint))


def _are_whole(values: Array, n: int, below: int | None) -> bool:
    if values.shape != (n,) or values.dtype.kind not in "iu":
        return False
    return not n or bool(values.min() >= 0 and (below is None or values.max() < below))


def _is_held(lock: Path) -> bool:
    """Say whether a living process holds a lock file; one that a killed process has left behind is nobody's."""
    if not lock.exists():
        return False
    import filelock

    try:
        with filelock.FileLock(lock).acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:  # not ours to open
        return False


def create(out: str | Path | None, name: str, seed: int, environment: Mapping[str, Any]) -> Run:
    """Make a run folder.

    Args:
        out: the folder itself, or None for ``runs/YYYYmmdd-HHMMSS-NAME-sSEED``.
        name: of the model or recipe, for the folder's name.
        seed: for the folder's name.
        environment: what ``environment.json`` is to hold.

    Raises:
        RunError: the folder holds another run, or something that is not a run; or it cannot be made.
    """
    folder = Path(out) if out is not None else _free_folder(f"{datetime.now():%Y%m%d-%H%M%S}-{name}-s{seed}")
    if is_run(folder):
        raise RunError(f"{folder} holds another run. Choose another --out.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder}: expected an empty or a new folder for the run, found something else there.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(folder)
        run.write_json(MARK, environment)
    except OSError as error:
        raise RunError(f"{folder}: the run folder cannot be written: {error.strerror}.") from error
    return run


def _free_folder(name: str) -> Path:
    """Make a folder for a run of this name: numbered where runs of the same second took it."""
    folder, number = ROOT / name, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = ROOT / f"{name}-{number}"
        except OSError as error:
            raise RunError(f"{folder}: the run folder cannot be written: {error.strerror}.") from error
        else:
            return folder


def is_run(folder: Path) -> bool:
    """Say whether a folder is a run's; a damaged run is one too, and says so where it is read."""
    return os.path.lexists(folder / MARK)


def open_run(folder: str | Path) -> Run:
    """Open a run folder.

    Raises:
        RunError: there is no such folder, or it is not a run's.
    """
    path = Path(folder)
    if is_run(path):
        return Run(path)
    if path.is_dir():
        raise RunError(f"{path}: expected a run folder, but it holds no {MARK}.")
    here = [str(run.folder) for run in list_runs(path.parent)]
    hint = suggest(str(path), here) if here else "`fittingroom runs list` shows those in runs/."
    raise RunError(f"No run folder '{path}'. {hint}")


def list_runs(root: str | Path = ROOT) -> Sequence[Run]:
    """Return the runs in a folder, by name."""
    path = Path(root)
    return [Run(folder) for folder in sorted(path.iterdir()) if is_run(folder)] if path.is_dir() else []
