"""What a model answered about every image of a dataset, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.studio.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.studio.flat_dataset import FlatDataset
    from fittingroom.studio.model_entries import ModelEntry
    from fittingroom.studio.studio import Studio

SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answered.

    Attributes:
        probabilities: float32 ``(n, c)``, training images first.
        features: float16 ``(n, d)``, what its last layer is given.
    """

    probabilities: Array
    features: Array

    def columns(self, labels: Array) -> dict[str, Any]:
        """Return the answers by image: predicted class, confidence, loss in nats; four decimals."""
        true = self.probabilities[np.arange(len(labels)), labels].astype(np.float64)
        return {
            "predicted": self.probabilities.argmax(axis=1).tolist(),
            "confidence": np.round(self.probabilities.max(axis=1).astype(np.float64), 4).tolist(),
            "loss": np.round(-np.log(np.maximum(true, SMALLEST)), 4).tolist(),
        }


def file_of(studio: Studio, model: ModelEntry, fingerprint: str) -> Path:
    """Return where a model's answers on a dataset are kept."""
    return studio.work_dir / f"answers-{model.mark(fingerprint)}.npz"


def answers_of(studio: Studio, model: ModelEntry, fingerprint: str) -> Answers:
    """Return a model's answers.

    Raises:
        Problem: 409, it has not been asked yet.
    """
    path = file_of(studio, model, fingerprint)
    if not path.exists():
        raise Problem(409, f"'{model.title}' has not been asked about these images yet.")
    return _read(path)


@lru_cache(maxsize=4)
def _read(path: Path) -> Answers:
    with np.load(path, allow_pickle=False) as file:
        return Answers(file["probabilities"], file["features"])


@lru_cache(maxsize=2)
def pixels_of(flat_dataset: FlatDataset) -> Array:
    """Return every image as one row of pixels, uint8 ``(n, h * w)``: what is compared where no model was asked."""
    return flat_dataset.images(0, len(flat_dataset)).reshape(len(flat_dataset), -1)
