"""The models that can be asked, and what each answered about every image of a dataset.

A model is asked in a process of its own: python -m fittingroom.studio.model_answers DATASET MODEL FILE.npz
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data import DATASETS, load
from fittingroom.errors import ModelError, RunError
from fittingroom.inference.model_files import IN_A_RUN, PHOTO_MODEL, find_model, shipped_names
from fittingroom.judging.scores import losses
from fittingroom.runs import is_run, open_run
from fittingroom.studio.flat_dataset import FlatDataset
from fittingroom.studio.jobs import arrays_of, save_arrays, tell, told_errors
from fittingroom.studio.run_table import check_files, own_file, runs_of
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from fittingroom.studio.state import Studio


@dataclass(frozen=True)
class ModelEntry:
    """A model by the key that requests use.

    Attributes:
        key: "run/NAME" or "shipped/NAME".
        title: what the user reads.
        kind: "run" or "shipped"; "photo" for the network for photos, which answers nothing else.
        model: what `fittingroom.load_model` takes.
        fingerprint: of the data it was trained on; None for a shipped one.
        dataset: that data's name.
    """

    key: str
    title: str
    kind: str
    model: str
    fingerprint: str | None
    dataset: str

    @property
    def file(self) -> Path:
        """Its ``.keras`` file."""
        return find_model(self.model)

    def mark(self, fingerprint: str) -> str:
        """Return 16 hex digits that name this model, as it is now, together with a dataset."""
        stat = self.file.stat()
        words = f"{self.key} {stat.st_mtime_ns} {stat.st_size} {fingerprint}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def row(self) -> dict[str, Any]:
        """Return it as plain values."""
        told = {"key": self.key, "title": self.title, "kind": self.kind}
        return told | {"dataset": self.dataset, "fingerprint": self.fingerprint}


def model_entries(studio: Studio) -> list[ModelEntry]:
    """Return every model that can be asked: the newest run first, then those that come with the package.

    The last is the network for photos.
    """
    runs = [found for run in reversed(runs_of(studio.runs)) if (found := _of_run(run)) is not None]
    shipped = [
        ModelEntry(f"shipped/{name}", name, "shipped", name, None, name.split("/")[0]) for name in shipped_names()
    ]
    return [*runs, *shipped, ModelEntry(f"shipped/{PHOTO_MODEL}", PHOTO_MODEL, "photo", PHOTO_MODEL, None, "photos")]


def fitting_entries(studio: Studio, dataset: str) -> list[ModelEntry]:
    """Return the models that were trained on a dataset, told by the data's fingerprint and not by its name."""
    mark = studio.registry.open(dataset).data.fingerprint
    known = {name for name, each in DATASETS.items() if each.fingerprint == mark}
    return [
        model
        for model in model_entries(studio)
        if model.fingerprint == mark or (model.kind == "shipped" and model.dataset in known)
    ]


def costs_look(model: ModelEntry, fingerprint: str) -> bool:
    """Say whether asking a model about every image is the first look of a run at these test images."""
    return model.kind == "run" and not has_met(Path(model.model), fingerprint)


def has_met(folder: Path, fingerprint: str) -> bool:
    """Say whether a run has met the test images of this data already."""
    return any(look.get("fingerprint") == fingerprint for look in open_run(folder).test_looks)


def check_look(model: ModelEntry, fingerprint: str, *, may_spend: bool) -> None:
    """Raise where asking a model would be a look at the test images that nobody has agreed to.

    Raises:
        Problem: 409.
    """
    if costs_look(model, fingerprint) and not may_spend:
        raise Problem(
            409, f"Asking '{model.title}' is its first look at the test images. Press the button that says so."
        )


def _of_run(run: Any) -> ModelEntry | None:
    if own_file(run, IN_A_RUN) is None:
        return None
    try:
        check_files(run)
        environment = run.environment
    except RunError:
        return None
    name, mark = str(environment.get("dataset")), environment.get("fingerprint")
    return ModelEntry(f"run/{run.name}", run.name, "run", str(run.folder), mark, name)


def find_entry(studio: Studio, key: str) -> ModelEntry:
    """Return the model of a key.

    Raises:
        Problem: 404, there is none.
    """
    for found in model_entries(studio):
        if found.key == key:
            return found
    raise Problem(404, f"No model '{key[:80]}' that can be asked. A run has one once its training has ended.")


def columns(probabilities: Array, labels: Array) -> dict[str, Any]:
    """Return answers by image: predicted class, confidence, loss in nats; four decimals.

    Args:
        probabilities: ``(n, classes)``.
        labels: true classes ``(n,)``.
    """
    return {
        "predicted": probabilities.argmax(axis=1).tolist(),
        "confidence": np.round(probabilities.max(axis=1).astype(np.float64), 4).tolist(),
        "loss": np.round(losses(labels, probabilities), 4).tolist(),
    }


def file_of(studio: Studio, model: ModelEntry, fingerprint: str) -> Path:
    """Return where a model's answers on a dataset are kept."""
    return studio.work_dir / f"answers-{model.mark(fingerprint)}.npz"


def answers_of(studio: Studio, model: ModelEntry, fingerprint: str) -> tuple[Array, Array]:
    """Return a model's answers on a dataset, training images first.

    Returns:
        Probabilities float32 ``(n, c)``, and features float16 ``(n, d)``, what its last layer is given.

    Raises:
        Problem: 409, it has not been asked yet.
    """
    path = file_of(studio, model, fingerprint)
    if not path.exists():
        raise Problem(409, f"'{model.title}' has not been asked about these images yet.")
    return _read(path)


@lru_cache(maxsize=4)
def _read(path: Path) -> tuple[Array, Array]:
    probabilities, features = arrays_of(path, "probabilities", "features")
    return probabilities, features


@lru_cache(maxsize=2)
def pixels_of(flat_dataset: FlatDataset) -> Array:
    """Return every image as one row of pixels, uint8 ``(n, h * w)``: what is compared where no model was asked."""
    return flat_dataset.images(0, len(flat_dataset)).reshape(len(flat_dataset), -1)


BATCH = 1000


def ask_all(source: str | Path, model: str, out: Path) -> None:
    """Ask, and write ``probabilities`` (tempered) float32 ``(n, c)`` and ``features`` float16 ``(n, d)``.

    A run that has not met the test images yet meets them here, and a line in its ``test_looks.jsonl`` says so.

    Raises:
        ModelError: the model does not fit the dataset.
    """
    from fittingroom.inference.predictor import open_predictor
    from fittingroom.models.feature_extractor import feature_extractor
    from fittingroom.workflows.evaluation import evaluate

    tell(0, "Opening the data and the model")
    flat_dataset = FlatDataset(load(source))
    predictor = open_predictor(model)
    probabilities, features = [], []
    extract = feature_extractor(predictor.model, flat_dataset.data.image_shape)
    for start in range(0, len(flat_dataset), BATCH):
        images = flat_dataset.images(start, min(start + BATCH, len(flat_dataset)))
        probabilities.append(predictor.predict(images))
        features.append(extract(images))
        tell(start / len(flat_dataset), f"{start:,} of {len(flat_dataset):,} images")
    answers = np.concatenate(probabilities)
    if answers.shape[1] != flat_dataset.data.classes:
        name = flat_dataset.data.name
        raise ModelError(
            f"The model answers with {answers.shape[1]} classes, '{name}' has {flat_dataset.data.classes}."
        )
    if is_run(Path(model)) and not has_met(Path(model), flat_dataset.data.fingerprint):
        tell(0.99, "Writing down the look at the test images")
        evaluate(open_run(model), flat_dataset.data, asked_by="studio")
    save_arrays(out, probabilities=answers, features=np.concatenate(features))


if __name__ == "__main__":
    with told_errors():
        ask_all(sys.argv[1] if sys.argv[1] in DATASETS else Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
