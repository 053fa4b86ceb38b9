"""Open a model to name pictures with: the fastest engine that is there, its class names, its temperature."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import Images, Predict, Probabilities
from fittingroom.data import class_names as fashion_names
from fittingroom.errors import UsageError
from fittingroom.models.card import read_card, tempered
from fittingroom.models.load import IN_A_RUN, find_model, find_onnx
from fittingroom.runs import is_run, list_runs, open_run

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Namer:
    """A model ready to name pictures.

    Attributes:
        title: what the user called it.
        predict: ``uint8 (n, h, w)`` to probabilities, tempered.
        class_names: by label; None where nobody knows them.
        engine: what computes: "ONNX Runtime" or "Keras".
        temperature: that the card asks for, 1 where it asks for none.
        card: the model's card; empty where there is none.
    """

    title: str
    predict: Predict
    class_names: tuple[str, ...] | None
    engine: str
    temperature: float
    card: dict[str, Any]

    def names(self, classes: int) -> tuple[str, ...]:
        """Return a name for each output: the model's own, or numbers."""
        if self.class_names is not None and len(self.class_names) == classes:
            return self.class_names
        return tuple(str(label) for label in range(classes))


def open_namer(model: str | Path) -> Namer:
    """Open a model by run folder, file or shipped name; through ONNX Runtime where it has an ONNX file.

    Raises:
        ModelError: no such model, or it cannot be read.
    """
    onnx = find_onnx(model)
    if onnx is not None and (find_spec("onnxruntime") is not None or Path(model) == onnx):
        from fittingroom.models.onnx_predict import onnx_predictor, stored_names

        card, stored, engine = read_card(onnx), stored_names(onnx), "ONNX Runtime"
        predict: Predict = onnx_predictor(onnx)
    else:
        from fittingroom.models.load import load_model
        from fittingroom.models.predict import predictor

        card, stored, engine = read_card(find_model(model)), None, "Keras"
        predict = predictor(load_model(model))
    temperature = float(card.get("temperature", 1.0))

    def predict_tempered(images: Images) -> Probabilities:
        return tempered(predict(images), temperature)

    return Namer(str(model), predict_tempered, _names(model, card, stored), engine, temperature, card)


def _names(model: str | Path, card: dict[str, Any], stored: tuple[str, ...] | None) -> tuple[str, ...]:
    if is_run(Path(model)):
        names = open_run(model).environment.get("class_names") or ()
        if names:
            return tuple(names)
    return tuple(card.get("data", {}).get("classes") or ()) or stored or fashion_names


def newest_run(say: Callable[[str], None]) -> str:
    """Return the folder of the run in ``runs/`` whose model was written last, and say which.

    Raises:
        UsageError: there is none.
    """
    ready = [run for run in list_runs() if (run.folder / IN_A_RUN).exists()]
    if not ready:
        raise UsageError("No --model was given and there is no run in runs/ yet. Train one: fittingroom tutorial")
    newest = max(ready, key=lambda run: (run.folder / IN_A_RUN).stat().st_mtime)
    say(f"No --model was given: the newest run answers, {newest.folder}.")
    return str(newest.folder)
