"""Where a trained model meets images: predict, and evaluate on the test split with each look written down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import Probabilities
from fittingroom.data import Dataset, Split, load
from fittingroom.data.accepting import accept_pair
from fittingroom.errors import ModelError
from fittingroom.inference.predictor import Predictor, open_predictor
from fittingroom.judging import Verdict, judge
from fittingroom.runs import Predictions, Run, is_run, open_run

if TYPE_CHECKING:
    import keras


def predict(model: Run | keras.Model | str | Path, images: Any, *, tempered: bool = True) -> Probabilities:
    """Return the probabilities that a model gives to images.

    Args:
        model: a run or its folder, a ``.keras`` or ``.onnx`` file, a shipped name, a Keras model or torch module. A
            Keras model that scales its pixels itself, as every saved one does, is fed 0..255, any other 0..1.
        images: uint8 ``(n, h, w)``, as they are in the files; or what `data.accepting` turns into that.
        tempered: as sure as the run's or the card's temperature warrants; off for the network's own probabilities.
            Which class is the most probable is the same.

    Returns:
        float32 ``(n, classes)``, rows summing to 1.

    Raises:
        ModelError: no such model, or the images do not fit it.
        DataError: the images cannot be taken as uint8 ``(n, h, w)``.
    """
    return open_predictor(model).predict(images, tempered=tempered)


def evaluate(model: Run | keras.Model | str | Path, data: Any, *, asked_by: str = "evaluate") -> Verdict:
    """Judge a model on the test split, or on images and labels.

    The network's own probabilities are judged, without a temperature. A run keeps them, the verdict, and a line in
    ``test_looks.jsonl`` for each look at the test split; on other data than its own in a folder inside its own, so that
    its own verdict stays.

    Args:
        model: see `predict`.
        data: a dataset or the name of one, of which the test split is used; or images and labels in any form that
            `data.accepting` knows.
        asked_by: which command looked, for the line.

    Raises:
        ModelError: the model's classes are not the dataset's.
    """
    run = _run_of(model)
    data = load(data) if isinstance(data, (str, Path)) else data
    images, labels = accept_pair(data, "evaluation", part="test")
    predictor = open_predictor(model)
    probabilities = predictor.predict(images, tempered=False)
    names = _class_names(data, probabilities, predictor)
    verdict = judge(labels, probabilities, names)
    if run is not None and isinstance(data, Dataset):
        _keep(run, data, data.test, probabilities, verdict, asked_by)
    return verdict


def _run_of(model: object) -> Run | None:
    if isinstance(model, (str, Path)) and is_run(Path(model)):
        return open_run(model)
    return model if isinstance(model, Run) else None


def _class_names(data: object, probabilities: Probabilities, predictor: Predictor) -> tuple[str, ...]:
    outputs = probabilities.shape[1]
    if not isinstance(data, Dataset):
        known = predictor.class_names or ()
        return known if len(known) == outputs else tuple(str(label) for label in range(outputs))
    if outputs != data.classes:
        raise ModelError(f"The model answers with {outputs} classes, dataset '{data.name}' has {data.classes}.")
    return data.class_names


def _keep(run: Run, data: Dataset, split: Split, probabilities: Probabilities, verdict: Verdict, asked_by: str) -> None:
    kept = run.kept_at(data.name, data.fingerprint)
    kept.write_predictions(
        Predictions(probabilities, split.labels, split.indices, split.name, data.class_names, data.fingerprint)
    )
    look = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked_by": asked_by,
        "dataset": data.name,
        "fingerprint": data.fingerprint,
        "n": verdict.n,
        "accuracy": verdict.accuracy,
    }
    run.append_line("test_looks.jsonl", look)
    kept.write_json(
        "verdict.json",
        {
            "schema": "fittingroom/verdict/1",
            "split": split.name,
            "dataset": data.name,
            "fingerprint": data.fingerprint,
            "class_names": list(data.class_names),
            **verdict.to_dict(),
        },
    )
