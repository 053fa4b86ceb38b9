"""Ask a model about every image of a dataset, in a process of its own: probabilities, and what it sees.

Usage: python -m fittingroom.studio.prediction_jobs DATASET MODEL FILE.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from fittingroom.data import DATASETS, load
from fittingroom.errors import ModelError
from fittingroom.inference.predictor import open_predictor
from fittingroom.models.feature_extractor import feature_extractor
from fittingroom.runs import is_run, open_run
from fittingroom.studio.flat_dataset import FlatDataset
from fittingroom.studio.jobs import save_arrays, tell, told_errors
from fittingroom.studio.model_answers import has_met
from fittingroom.workflows.evaluation import evaluate

BATCH = 1000


def ask_all(source: str | Path, model: str, out: Path) -> None:
    """Ask, and write ``probabilities`` (tempered) float32 ``(n, c)`` and ``features`` float16 ``(n, d)``.

    A run that has not met the test images yet meets them here, and a line in its ``test_looks.jsonl`` says so.

    Raises:
        ModelError: the model does not fit the dataset.
    """
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
