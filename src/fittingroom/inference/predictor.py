"""Open a model to name pictures with: the fastest engine that is there, its class names, its temperature."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import Images, Predict
from fittingroom.data import class_names as fashion_names
from fittingroom.errors import UsageError
from fittingroom.inference.model_files import IN_A_RUN, find_model, find_onnx, none_of_these_file, read_card
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.runs import is_run, list_runs, open_run

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Predictor:
    """A model ready to name pictures.

    Attributes:
        title: what the user called it.
        predict: ``uint8 (n, h, w)`` to probabilities, not tempered.
        image_shape: ``(h, w)`` that it takes.
        class_names: by label; None where nobody knows them.
        engine: what computes: "ONNX Runtime" or "Keras".
        temperature: that the card asks for, 1 where it asks for none; for what is predicted, or averaged over views.
        score: the views of one picture, ``uint8 (k, h, w)``, to how surely it is none of the classes, 0 to 1; None
            where the model was not taught that.
        threshold: scores above it are none of the classes.
    """

    title: str
    predict: Predict
    image_shape: tuple[int, int]
    class_names: tuple[str, ...] | None
    engine: str
    temperature: float
    score: Callable[[Images], float] | None
    threshold: float

    def names(self, classes: int) -> tuple[str, ...]:
        """Return a name for each output: the model's own, or numbers."""
        if self.class_names is not None and len(self.class_names) == classes:
            return self.class_names
        return tuple(str(label) for label in range(classes))


def open_predictor(model: str | Path) -> Predictor:
    """Open a model by run folder, file or shipped name; through ONNX Runtime where it has an ONNX file.

    Raises:
        ModelError: no such model, or it cannot be read.
    """
    file = find_onnx(model)
    if file is not None and (find_spec("onnxruntime") is not None or Path(model) == file):
        opened = open_onnx(file)
        predict, shape, stored, engine = opened.predict, opened.image_shape, opened.class_names, "ONNX Runtime"
    else:
        file = find_model(model)
        predict, shape = _open_keras(model)
        stored, engine = None, "Keras"
    card = read_card(file)
    score, threshold = _none_of_these(file, card)
    return Predictor(
        title=str(model),
        predict=predict,
        image_shape=shape,
        class_names=_names(model, card, stored),
        engine=engine,
        temperature=float(card.get("temperature", 1.0)),
        score=score,
        threshold=threshold,
    )


def _open_keras(model: str | Path) -> tuple[Predict, tuple[int, int]]:
    from fittingroom.inference.keras_engine import predictor
    from fittingroom.inference.model_files import load_model
    from fittingroom.models.front import input_shape

    keras_model = load_model(model)
    height, width = input_shape(keras_model)[:2]
    return predictor(keras_model), (height, width)


def _none_of_these(file: Path, card: dict[str, Any]) -> tuple[Callable[[Images], float] | None, float]:
    """Return the score and its threshold that a model's card tells of: a second network beside the model's file."""
    path = none_of_these_file(file)
    if path is None or find_spec("onnxruntime") is None:
        return None, 1.0
    judge = open_onnx(path).predict

    def score(images: Images) -> float:
        return float(judge(images)[:, 1].mean())

    return score, float(card["none_of_these"]["threshold"])


def _names(model: str | Path, card: dict[str, Any], stored: tuple[str, ...] | None) -> tuple[str, ...]:
    if is_run(Path(model)):
        names = open_run(model).environment.get("class_names") or ()
        if names:
            return tuple(names)
    return tuple(card.get("data", {}).get("classes") or ()) or stored or fashion_names


def newest_run(log: Callable[[str], None]) -> str:
    """Return the folder of the run in ``runs/`` whose model was written last, and say which.

    Raises:
        UsageError: there is none.
    """
    ready = [run for run in list_runs() if (run.folder / IN_A_RUN).exists()]
    if not ready:
        raise UsageError("No --model was given and there is no run in runs/ yet. Train one: fittingroom tutorial")
    newest = max(ready, key=lambda run: (run.folder / IN_A_RUN).stat().st_mtime)
    log(f"No --model was given: the newest run answers, {newest.folder}.")
    return str(newest.folder)
