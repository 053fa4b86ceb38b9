"""A run on disk: a folder of plain files, written while training and read by everything after it.

It knows no verdict, no recipe and no dataset: it keeps them as JSON, TOML and arrays for those who do.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Probabilities
from fittingroom.errors import RunError
from fittingroom.lookup import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras

ROOT = Path("runs")
MARK = "environment.json"  # the file that is written first and makes a folder a run


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

    def read_json(self, name: str) -> dict[str, Any]:
        """Return one of the run's JSON files.

        Raises:
            RunError: the run has no such file, or it is not JSON.
        """
        text = self._read_text(name)
        try:
            value: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError as error:
            raise RunError(f"{self.folder / name}: expected JSON, line {error.lineno} is not: {error.msg}.") from error
        return value

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write one of the run's JSON files, whole or not at all."""
        self.write_text(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write one of the run's text files, whole or not at all."""
        write_atomically(self.folder / name, text.encode())

    def append_line(self, name: str, value: Mapping[str, Any]) -> None:
        """Add one JSON line to one of the run's ``.jsonl`` files."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """Return the values of a ``.jsonl`` file in order; none where there is no such file."""
        path = self.folder / name
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

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
        path = self.folder / "predictions.npz"
        if not path.exists():
            raise RunError(f"{path}: this run has no predictions yet. Try: fittingroom evaluate {self.folder}")
        with np.load(path, allow_pickle=False) as file:
            return Predictions(
                file["probabilities"],
                file["labels"],
                file["indices"],
                str(file["split"]),
                tuple(str(name) for name in file["class_names"]),
                str(file["fingerprint"]),
            )

    def write_predictions(self, predictions: Predictions) -> None:
        """Keep predictions, replacing those before."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".predictions-") as folder:
            path = Path(folder) / "predictions.npz"
            np.savez_compressed(
                path,
                probabilities=predictions.probabilities.astype(np.float32),
                labels=predictions.labels.astype(np.int64),
                indices=predictions.indices.astype(np.int64),
                split=np.array(predictions.split),
                class_names=np.array(predictions.class_names),
                fingerprint=np.array(predictions.fingerprint),
            )
            path.replace(self.folder / "predictions.npz")

    def model(self) -> keras.Model:
        """Open the trained model: pixels 0..255 in, probabilities out.

        Raises:
            ModelError: the run has none yet.
        """
        from fittingroom.inference.model_files import load_model

        return load_model(self.folder)

    def predict(self, images: Any) -> Probabilities:
        """Return the trained model's probabilities.

        Args:
            images: uint8 ``(n, h, w)``, or what `data.accepting` turns into that.

        Returns:
            float32 ``(n, classes)``.

        Raises:
            ModelError: the run has no model yet, or its model cannot be made again.
        """
        from fittingroom.inference.keras_engine import predictor
        from fittingroom.inference.model_files import IN_A_RUN

        if (self.folder / IN_A_RUN).is_file():
            return predictor(self.model())(images)
        return predictor(self._trained(), pixels=self.resolved["pixels"])(images)

    def _trained(self) -> Any:
        """Return the model as it was trained, where the folder keeps only its weights."""
        if self.live is not None:
            return self.live
        from fittingroom.models.custom import rebuilt

        facts = self.environment
        height, width = facts.get("image_shape", (28, 28))
        return rebuilt(self.folder, (height, width), facts.get("classes", 10))

    def _read_text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text("utf-8")
        except FileNotFoundError as error:
            raise RunError(f"{self.folder}: this run has no {name}. Is it whole?") from error


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
    """Say whether a folder is a run's."""
    return (folder / MARK).is_file()


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


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a temporary name beside it, flushed to disk, then renamed.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
