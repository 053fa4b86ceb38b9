"""A user's own model, from a Python file `FILE.py:function`, also for a run that keeps its weights alone."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError
from fittingroom.files import checked_fields, read_json, read_toml
from fittingroom.lookup import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.models.functional_model import FunctionalModel


@dataclass(frozen=True)
class Source:
    """Where a user's model comes from.

    Attributes:
        file: the Python file.
        function: the function or class in it that makes the model.
        sha256: of the file, 64 hex digits.
    """

    file: Path
    function: str
    sha256: str


def is_custom(name: str) -> bool:
    """Say whether a model's name is of the form ``FILE.py:function``.

    Example:
        >>> is_custom("mine.py:network"), is_custom("walkthrough")
        (True, False)
    """
    return ".py:" in name


def find_source(name: str) -> Source:
    """Return where a model named ``FILE.py:function`` comes from.

    Raises:
        ModelError: there is no such file.
    """
    file_name, _, function = name.rpartition(":")
    path = Path(file_name)
    if not path.is_file():
        raise ModelError(f"{path}: expected a Python file that makes a model, found no such file.")
    return Source(path, function, hashlib.sha256(path.read_bytes()).hexdigest())


def build_custom(source: Source, image_shape: tuple[int, int], classes: int, seed: int) -> Any:
    """Run a user's file and make the model.

    Args:
        source: the file is run as Python, with all that it may do.
        image_shape: ``(h, w)``, passed where the function takes an argument of that name.
        classes: likewise.
        seed: of the starting weights.

    Returns:
        A Keras model or a torch module.

    Raises:
        ModelError: the file does not run, has no such name, or it makes something else.
    """
    keras = import_keras()
    maker = _maker(source)
    keras.utils.set_random_seed(seed)
    offered = {"image_shape": image_shape, "classes": classes}
    try:
        taken = inspect.signature(maker).parameters
        model = maker(**{name: value for name, value in offered.items() if name in taken})
    except Exception as error:
        raise ModelError(f"{source.file}:{source.function} failed: {type(error).__name__}: {error}") from error
    import torch

    if not isinstance(model, torch.nn.Module):
        raise ModelError(
            f"{source.file}:{source.function}: expected it to return a Keras model or a torch.nn.Module, "
            f"received {type(model).__name__}."
        )
    return model


def _maker(source: Source) -> Any:
    spec = importlib.util.spec_from_file_location(f"fittingroom_user_{source.file.stem}", source.file)
    if spec is None or spec.loader is None:
        raise ModelError(f"{source.file}: expected a Python file, its name does not end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ModelError(f"{source.file} does not run: {type(error).__name__}: {error}") from error
    maker = getattr(module, source.function, None)
    if not callable(maker):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise ModelError(
            f"{source.file} has no function or class '{source.function}'. {suggest(source.function, names)}"
        )
    return maker


ENVIRONMENT, WEIGHTS = "environment.json", "weights.safetensors"
SOURCE = "model_source.toml"  # of runs from before their environment said it
SOURCE_FIELDS = {"file": "str", "function": "str", "sha256": "str"}


def rebuilt(folder: Path, image_shape: tuple[int, int], classes: int) -> Any:
    """Make a run's model again from the file and function that made it, with the run's weights.

    Args:
        folder: of the run; holds ``weights.safetensors`` and says which file made the model.
        image_shape: ``(h, w)``.
        classes: how many outputs.

    Raises:
        ModelError: the run has no such files, or the Python file is missing or has changed.
    """
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder}: expected a run folder that holds model.keras or {WEIGHTS}. Has its training ended?"
        )
    source = source_of_run(folder)
    model = build_custom(source, image_shape, classes, seed=0)
    put_weights(model, image_shape, folder / WEIGHTS)
    return model


def weights_of(functional: FunctionalModel) -> dict[str, Any]:
    """Return a model's parameters and buffers by name, as they are kept in ``weights.safetensors``."""
    names = [*functional.parameter_names, *(f"buffer:{index}" for index in range(len(functional.buffers)))]
    tensors = [tensor.detach().cpu().contiguous() for tensor in (*functional.parameters, *functional.buffers)]
    return dict(zip(names, tensors, strict=True))


def put_weights(model: Any, image_shape: tuple[int, int], path: Path) -> None:
    """Put kept weights into a model, in place.

    Raises:
        ModelError: they are of another model, or damaged.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from fittingroom.models.functional_model import as_functional

    functional = as_functional(model, image_shape)
    try:
        kept = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: expected a model's weights, cannot read them: {error}.") from None
    living: Mapping[str, Any] = weights_of(functional)
    if {name: value.shape for name, value in living.items()} != {name: value.shape for name, value in kept.items()}:
        raise ModelError(f"{path}: the weights are of another model than '{functional.name}'.")
    with torch.no_grad():
        for name, place in zip(living, (*functional.parameters, *functional.buffers), strict=True):
            place.copy_(kept[name])


def source_of_run(folder: Path) -> Source:
    """Return the Python file that made a run's model: where it was, or in the run's folder, or here.

    Args:
        folder: of the run.

    Raises:
        ModelError: the model was passed from Python, or the file is missing or has changed.
    """
    values = _kept_source(folder)
    if values is None:
        raise ModelError(
            f"{folder} keeps the weights of a model that was passed from Python, and not the Python that makes it. "
            "Ask the model itself: fr.predict(model, images)."
        )
    file = Path(values["file"])
    places = [file, folder / file.name, Path(file.name)]
    for place in places:
        if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == values["sha256"]:
            return Source(place, values["function"], values["sha256"])
    if not any(place.is_file() for place in places):
        raise ModelError(f"{folder}: its model is made by {file}, which is not there. Put it there or into the folder.")
    raise ModelError(
        f"{folder}: its model is made by {file}, which has changed since. Put the file as it was into the run's folder."
    )


def _kept_source(folder: Path) -> Mapping[str, str] | None:
    """Return file, function and hash as the run's environment keeps them, or an older run's own file of them."""
    if (folder / SOURCE).is_file():
        return read_toml(folder / SOURCE, SOURCE_FIELDS, ModelError)
    source = read_json(folder / ENVIRONMENT, {"model_source": "dict | None"}, ModelError).get("model_source") or {}
    if source.get("kind") != "file":
        return None
    return checked_fields(source, SOURCE_FIELDS, f"{folder / ENVIRONMENT}, model_source", ModelError)
