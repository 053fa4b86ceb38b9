"""The one way from pictures to probabilities: a `Predictor`, opened once from a run, a file, a name, or a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.arrays import Array, Images, Labels, Predict, Probabilities
from fittingroom.data import class_names as fashion_names
from fittingroom.errors import ModelError
from fittingroom.files import read_json
from fittingroom.inference.model_files import (
    IN_A_RUN,
    MARK,
    TEMPERATURE,
    find_model,
    find_onnx,
    load_model,
    none_of_these_file,
    read_card,
)
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.judging import fit_temperature
from fittingroom.judging import tempered as at_temperature
from fittingroom.models.custom import WEIGHTS as KEPT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Engine = Literal["keras", "onnx"]
NO_CARD_THRESHOLD = 0.5  # of a network for photos without its card: more likely none of the classes than one
UNSURE = 0.6  # confidence below which an answer is given with its runner-up, and contradicts nobody
KEPT_OPEN = 8  # predictors of files; the least recently used one is closed


@dataclass(frozen=True, eq=False)
class Predictor:
    """A model ready to answer.

    Attributes:
        title: what the user called it.
        own: ``uint8 (n, h, w)`` to the network's own probabilities, before any temperature.
        image_shape: ``(h, w)`` that it takes; None for a model in memory, which says so when it is asked.
        class_names: by label; None where nobody knows them.
        engine: what computes: "ONNX Runtime" or "Keras".
        temperature: that the run or the card asks for; 1 where neither does, or where the file holds it already.
        none_of_these: pictures ``uint8 (k, h, w)`` of one thing, seen from several sides, to how surely it is none of
            the classes, 0 to 1; None where the model was not taught that.
        threshold: scores above it are none of the classes.
        model: the Keras model or torch module that computes; None where ONNX Runtime does.
        is_own: a model of somebody's own, in a file or in memory, whose pixels nobody has written down.
        pixels: what it is fed: "unit", "raw" or "standard"; None where nobody knows, and it is fed 0..1.
        feed: what pixels in 0..255 are multiplied by, and what is then added, where ``pixels`` was settled.
        answer: of a network for photos alone, which takes ``uint8 (n, h, w, 3)`` in place of data: its own
            probabilities, and how surely each photo is none of the classes, ``(n,)``, in one pass.
    """

    title: str
    own: Predict
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...] | None
    engine: str
    temperature: float = 1.0
    none_of_these: Callable[[Images], float] | None = None
    threshold: float = 1.0
    model: Any = None
    is_own: bool = False
    pixels: str | None = "raw"
    feed: tuple[float, float] | None = None
    answer: Callable[[Array], tuple[Probabilities, Array]] | None = None

    @property
    def of_photos(self) -> bool:
        """Whether it takes whole photos in colour, and no data."""
        return self.answer is not None

    def predict(self, images: Any, *, tempered: bool = True) -> Probabilities:
        """Return the probabilities of images.

        Args:
            images: uint8 ``(n, h, w)``, as they are in the files; or what `data.accepting` turns into that. For a
                network for photos, uint8 ``(n, h, w, 3)`` of its size, see `fittingroom.photos.whole_photo`.
            tempered: as sure as the model's record warrants; off for the network's own probabilities. The order of the
                classes, and so every label, is the same.

        Returns:
            float32 ``(n, classes)``, rows summing to 1.

        Raises:
            ModelError: the images do not fit the model.
            DataError: the images are not uint8 ``(n, h, w)``.
        """
        return at_temperature(self.own(images), self.temperature if tempered else 1.0)

    def ask(self, photos: Array) -> tuple[Probabilities, Array]:
        """Return what a network for photos says of them, in one pass.

        Args:
            photos: uint8 ``(n, h, w, 3)`` of its size.

        Returns:
            Tempered probabilities ``(n, classes)``, and how surely each is none of the classes, ``(n,)``.

        Raises:
            ModelError: it is no network for photos, or they do not fit it.
        """
        if self.answer is None:
            raise ModelError(f"{self.title} answers 28x28 pictures or the like, and not whole photos.")
        own, scores = self.answer(photos)
        return at_temperature(own, self.temperature), scores

    def names(self, classes: int) -> tuple[str, ...]:
        """Return a name for each output: the model's own; without, Fashion-MNIST's where there are ten, else numbers.

        Raises:
            ModelError: the model's own are more or fewer than it has outputs.
        """
        if self.class_names is None:
            return fashion_names if len(fashion_names) == classes else tuple(str(label) for label in range(classes))
        if len(self.class_names) != classes:
            raise ModelError(
                f"{self.title}: expected a class name for each of {classes} outputs, its run or card names "
                f"{len(self.class_names)}."
            )
        return self.class_names


def open_predictor(model: Any, *, prefer: Engine = "keras") -> Predictor:
    """Open a model to ask it; a file is opened once and kept, and opened again where it has changed.

    Args:
        model: a run or its folder, a ``.keras`` or ``.onnx`` file, a shipped name such as ``fashion-mnist/94``, a Keras
            model or torch module in memory, or a predictor, which is returned as it is.
        prefer: which engine where there is a choice. Keras gives the very numbers that a run was judged by; ONNX
            Runtime gives the same within 1e-4, and the first answer without loading Keras.

    Raises:
        ModelError: no such model, or it cannot be read.
    """
    if isinstance(model, Predictor):
        return model
    folder = getattr(model, "folder", None)
    if folder is not None and getattr(model, "live", None) is not None and not (folder / IN_A_RUN).is_file():
        return _with_facts_of_run(str(folder), model.live, "Keras", folder)
    if folder is not None or isinstance(model, (str, Path)):
        file = _file_of(folder or model, prefer)
        if file.name == KEPT_WEIGHTS:  # its owner's Python makes it, and may have changed
            return _of_weights_or_twin(str(folder or model), file.parent)
        return _opened(str(folder or model), file, file_stamp(file))
    from fittingroom.inference.keras_engine import predictor
    from fittingroom.models.front import read_pixels

    title, pixels = str(getattr(model, "name", type(model).__name__)), read_pixels(model)
    return Predictor(title, predictor(model), None, None, "Keras", model=model, is_own=True, pixels=pixels)


def keep_temperature(run: Any, images: Images, labels: Labels) -> float:
    """Fit a run's temperature on images that it did not learn from, keep it in ``temperature.json``, and return it.

    Args:
        run: trained, its temperature not yet fitted.
        images: uint8 ``(n, h, w)``, held out.
        labels: theirs, whole numbers ``(n,)``.
    """
    value = fit_temperature(labels, open_predictor(run).predict(images, tempered=False))
    run.write_json(TEMPERATURE, {"schema": "fittingroom/temperature/1", "temperature": value, "n": len(labels)})
    return value


def _file_of(model: str | Path, prefer: Engine) -> Path:
    """Return the file that answers: of the preferred engine where there is a choice."""
    onnx = find_onnx(model)
    if onnx is not None and (onnx == Path(model) or (prefer == "onnx" and find_spec("onnxruntime") is not None)):
        return onnx
    weights = Path(model) / KEPT_WEIGHTS
    if weights.is_file() and not (Path(model) / IN_A_RUN).is_file():
        return weights
    try:
        return find_model(model)
    except ModelError:
        if onnx is None:
            raise
        return onnx


def file_stamp(file: Path) -> tuple[int, ...]:
    """Return what changes when a model's file, its card or its run's facts are written anew."""
    beside = (file, file.with_suffix(".json"), file.with_name(MARK), file.with_name(TEMPERATURE))
    return tuple(number for path in beside for number in _changes(path))


def _changes(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


@lru_cache(maxsize=KEPT_OPEN)
def _opened(title: str, file: Path, stamp: tuple[int, ...]) -> Predictor:
    del stamp  # only tells the cache that the file is another
    if file.suffix == ".onnx":
        return _of_onnx(title, file)
    from fittingroom.inference.keras_engine import predictor
    from fittingroom.models.front import input_shape, read_pixels

    network = load_model(file)
    is_ours = bool(read_card(file)) or (file.name == IN_A_RUN and file.with_name(MARK).exists())
    pixels = "raw" if is_ours else read_pixels(network)
    own = predictor(network, pixels=pixels)
    opened = _with_facts(title, own, _images_of(input_shape(network)), None, "Keras", file, network)
    return replace(opened, is_own=not is_ours, pixels=pixels)


def _images_of(shape: tuple[int | None, ...]) -> tuple[int, int] | None:
    """Return the height and width of the images of an input shape; of a flat one those of a square; else None."""
    if len(shape) == 1 and shape[0] and isqrt(shape[0]) ** 2 == shape[0]:
        return isqrt(shape[0]), isqrt(shape[0])
    sides = [side for side in shape if side is not None and side > 1]
    return (sides[0], sides[1]) if len(sides) == 2 and len(shape) in (2, 3) else None


def _of_onnx(title: str, file: Path) -> Predictor:
    predict, shape, names, answer = open_onnx(file)
    opened = _with_facts(title, predict, shape, names, "ONNX Runtime", file, None)
    if answer is None:
        return opened
    threshold = (read_card(file).get("none_of_these") or {}).get("threshold", NO_CARD_THRESHOLD)
    return replace(
        opened,
        answer=answer,
        none_of_these=lambda photos: float(answer(photos)[1].mean()),
        threshold=float(threshold),
    )


def _of_weights_or_twin(title: str, folder: Path) -> Predictor:
    """Open a run that keeps its weights alone; by its ONNX file where the Python that makes its model is not there."""
    try:
        return _of_weights(title, folder)
    except ModelError:
        onnx = find_onnx(folder)
        if onnx is None or find_spec("onnxruntime") is None:
            raise
        return _opened(title, onnx, file_stamp(onnx))


def _of_weights(title: str, folder: Path) -> Predictor:
    """Open a run that keeps its weights alone: its model is made again by its owner's Python."""
    from fittingroom.models.custom import rebuilt

    facts = _json(folder / MARK, RUN_FACTS)
    height, width = facts.get("image_shape", (28, 28))
    return _with_facts_of_run(title, rebuilt(folder, (height, width), facts.get("classes", 10)), "Keras", folder)


def _with_facts_of_run(title: str, model: Any, engine: str, folder: Path) -> Predictor:
    from fittingroom.inference.keras_engine import predictor

    pixels = _json(folder / "resolved.json").get("pixels")
    own = predictor(model, pixels=pixels)
    return replace(_with_facts(title, own, None, None, engine, folder / KEPT_WEIGHTS, model), pixels=pixels)


def _with_facts(
    title: str,
    own: Predict,
    image_shape: tuple[int, int] | None,
    stored: tuple[str, ...] | None,
    engine: str,
    file: Path,
    model: Any,
) -> Predictor:
    """Return the predictor with what the run, or the card beside the file, says of it."""
    card, run = read_card(file), _json(file.with_name(MARK), RUN_FACTS)
    none_of_these, threshold = _none_of_these(file, card)
    names = run.get("class_names") or (card.get("data") or {}).get("classes") or stored
    return Predictor(
        title=title,
        own=own,
        image_shape=tuple(run.get("image_shape") or ()) or image_shape,
        class_names=tuple(map(str, names)) if names else None,
        engine=engine,
        temperature=_temperature(file, card, bool(run)),
        none_of_these=none_of_these,
        threshold=threshold,
        model=model,
    )


def _temperature(file: Path, card: dict[str, Any], in_a_run: bool) -> float:
    """Return the temperature of a run or a card; 1 for a file that says it is tempered already."""
    if in_a_run and not card:
        path, values = file.with_name(TEMPERATURE), _json(file.with_name(TEMPERATURE), {"temperature": "float"})
    else:
        path, values = file.with_suffix(".json"), {} if card.get("tempered") else card
    value = values.get("temperature")
    if value is not None and not value > 0:
        raise ModelError(f"{path}: expected a temperature above 0, found {value}.")
    return 1.0 if value is None else float(value)


def _none_of_these(file: Path, card: dict[str, Any]) -> tuple[Callable[[Images], float] | None, float]:
    """Return the score and its threshold that a model's card tells of: a second network beside the model's file."""
    path = none_of_these_file(file)
    if path is None or find_spec("onnxruntime") is None:
        return None, 1.0
    second = open_onnx(path).predict

    def score(images: Images) -> float:
        return float(second(images)[:, 1].mean())

    return score, float(card["none_of_these"]["threshold"])


RUN_FACTS = {"class_names": "list[str] | None", "image_shape": "tuple[int, int] | None", "classes": "int | None"}


def _json(path: Path, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return an object from a JSON file; an empty one where there is no such file."""
    return read_json(path, fields, ModelError) if path.exists() else {}
