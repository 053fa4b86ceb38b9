"""Find a model by name, file or run folder, with the card beside it, and open it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError
from fittingroom.files import checked_fields, read_json
from fittingroom.inference.weight_files import HDF5, check_hdf5, check_holds_model
from fittingroom.lookup import suggest
from fittingroom.models.custom import ENVIRONMENT
from fittingroom.models.custom import WEIGHTS as KEPT_WEIGHTS

if TYPE_CHECKING:
    import keras


WEIGHTS = Path(__file__).parent.parent / "weights"
MARK = ENVIRONMENT  # the file that is written first and makes a folder a run
TEMPERATURE = "temperature.json"
IN_A_RUN = "model.keras"
ONNX_IN_A_RUN = "model.onnx"
PHOTO_MODEL = "fashion-mnist/photo"
"""Answers whole photos, in colour; it comes as an ONNX file alone, and takes no data."""
PHOTO_28_MODEL = "fashion-mnist/photo-28"
"""Answers 28x28 pictures: data, and photos that were given the dataset's look."""


def shipped_names() -> list[str]:
    """Return the names of the weights that come with the package, such as ``fashion-mnist/94``."""
    return sorted(path.relative_to(WEIGHTS).with_suffix("").as_posix() for path in WEIGHTS.rglob("*.keras"))


def find_model(name_or_path: str | Path) -> Path:
    """Return the model's file that a user means; a path that exists wins over a name.

    Args:
        name_or_path: a run folder, a ``.keras`` or Keras ``.h5`` file, or a shipped name.

    Raises:
        ModelError: there is no such thing, or it is not a model.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        if path.suffix == ".onnx":
            raise ModelError(f"{path}: expected a Keras model here, received an ONNX file; predict takes those.")
        check_holds_model(path)
        if path.suffix not in (".keras", *HDF5):
            raise ModelError(
                f"{path}: expected a run folder, a .keras or an .h5 file, received a '{path.suffix}' file."
            )
        return path
    names = shipped_names()
    if str(name_or_path) in names:
        return WEIGHTS / f"{name_or_path}.keras"
    if str(name_or_path) == PHOTO_MODEL:
        raise ModelError(
            f"{PHOTO_MODEL} answers whole photos, by fittingroom predict or fr.predict_photos alone, and is no Keras "
            f"model. For 28x28 pictures take {PHOTO_28_MODEL}."
        )
    hint = (
        suggest(str(name_or_path), [*names, PHOTO_MODEL])
        if names
        else "No weights are shipped yet; give a run folder or a file."
    )
    raise ModelError(f"No model '{name_or_path}': neither a path that exists nor a shipped name. {hint}")


def _in_folder(folder: Path) -> Path:
    if not (folder / IN_A_RUN).is_file() and (folder / KEPT_WEIGHTS).is_file():
        raise ModelError(
            f"{folder} keeps the weights of a model that its owner's own Python makes, and here a model of ordinary "
            f"Keras layers is expected. Ask it by fittingroom evaluate {folder}, or by run.predict from Python."
        )
    if not (folder / IN_A_RUN).is_file():
        raise ModelError(f"{folder}: expected a run folder that holds {IN_A_RUN}, found none. Has its training ended?")
    return folder / IN_A_RUN


def find_onnx(name_or_path: str | Path) -> Path | None:
    """Return the ``.onnx`` file of what a user means, or None where it has none.

    Args:
        name_or_path: a run folder, an ``.onnx`` file, or a shipped name.
    """
    path = Path(name_or_path)
    if path.exists():
        file = path / ONNX_IN_A_RUN if path.is_dir() else path
        return file if file.suffix == ".onnx" and file.is_file() else None
    shipped = WEIGHTS / f"{name_or_path}.onnx"
    return shipped if str(name_or_path) in (*shipped_names(), PHOTO_MODEL) and shipped.is_file() else None


def load_model(name_or_path: str | Path) -> keras.Model:
    """Open a model for use: pixels 0..255 of shape ``(n, h, w)`` in, probabilities out.

    Args:
        name_or_path: a run folder, a ``.keras`` or Keras ``.h5`` file, or a shipped name such as ``fashion-mnist/94``.

    Raises:
        ModelError: not found, or the file cannot be read as a Keras model without running code that it brings.
    """
    path = find_model(name_or_path)
    if path.suffix in HDF5:
        check_hdf5(path)
    keras = import_keras()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        first_line = str(error).strip().split("\n", 1)[0]
        raise ModelError(f"{path}: expected a Keras model that opens in safe mode, received: {first_line}") from error


SCHEMA = "fittingroom/card/1"
CARD = {"temperature": "float | None", "data": "dict | None", "none_of_these": "dict | None"}
CARD_DATA = {"name": "str | None", "classes": "list[str] | None"}
CARD_NONE = {"file": "str | None", "threshold": "float"}


def read_card(model_file: Path) -> dict[str, Any]:
    """Return the card of a model's file, or an empty one where there is none.

    Args:
        model_file: the card has its name and ends in ``.json``.

    Raises:
        ModelError: the card is not JSON, or a value that is used is of another kind than it must be.
    """
    path = model_file.with_suffix(".json")
    if not path.is_file():
        return {}
    card = read_json(path, raises=ModelError)
    if card.get("schema") != SCHEMA:
        return {}
    checked_fields(card, CARD, str(path), ModelError)
    checked_fields(card.get("data") or {}, CARD_DATA, f"{path}, data", ModelError)
    if card.get("none_of_these"):
        checked_fields(card["none_of_these"], CARD_NONE, f"{path}, none_of_these", ModelError)
    return card


def none_of_these_file(model_file: Path) -> Path | None:
    """Return the second network of a model that tells what is none of its classes, or None where it has none.

    Args:
        model_file: the network lies beside it, and its card names it.

    Raises:
        ModelError: the card names a file that is not there.
    """
    told = read_card(model_file).get("none_of_these")
    if not told or not told.get("file"):  # the network for photos tells it itself
        return None
    path = model_file.with_name(told["file"])
    if not path.is_file():
        card = model_file.with_suffix(".json")
        raise ModelError(
            f"{path}: expected the network that tells what is none of the classes, which {card} names, found no such "
            "file. Copy it there from where the model is from."
        )
    return path
