"""The model of a run that keeps its weights alone: made again by its owner's Python file."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import ModelError
from fittingroom.models.custom import Source, build_custom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.models.functional_model import FunctionalModel

SOURCE, WEIGHTS = "model_source.toml", "weights.safetensors"


def rebuilt(folder: Path, image_shape: tuple[int, int], classes: int) -> Any:
    """Make a run's model again from the file and function that made it, with the run's weights.

    Args:
        folder: of the run; holds ``weights.safetensors`` and ``model_source.toml``.
        image_shape: ``(h, w)``.
        classes: how many outputs.

    Raises:
        ModelError: the run has no such files, or the Python file is missing or has changed.
    """
    source = _source(folder)
    model = build_custom(source, image_shape, classes, seed=0)
    put_weights(model, image_shape, folder / WEIGHTS)
    return model


def weights_of(functional: FunctionalModel) -> dict[str, Any]:
    """Return a subject's parameters and buffers by name, as they are kept in ``weights.safetensors``."""
    names = [*functional.parameter_names, *(f"buffer:{index}" for index in range(len(functional.buffers)))]
    tensors = [tensor.detach().cpu().contiguous() for tensor in (*functional.parameters, *functional.buffers)]
    return dict(zip(names, tensors, strict=True))


def put_weights(model: Any, image_shape: tuple[int, int], path: Path) -> None:
    """Put kept weights into a model, in place.

    Raises:
        ModelError: they are of another model.
    """
    import torch
    from safetensors.torch import load_file

    from fittingroom.models.adapt import as_functional

    functional, kept = as_functional(model, image_shape), load_file(path)
    living: Mapping[str, Any] = weights_of(functional)
    if {name: value.shape for name, value in living.items()} != {name: value.shape for name, value in kept.items()}:
        raise ModelError(f"{path}: the weights are of another model than '{functional.name}'.")
    with torch.no_grad():
        for name, place in zip(living, (*functional.parameters, *functional.buffers), strict=True):
            place.copy_(kept[name])


def _source(folder: Path) -> Source:
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder}: expected a run folder that holds model.keras or {WEIGHTS}. Has its training ended?"
        )
    if not (folder / SOURCE).is_file():
        raise ModelError(
            f"{folder} keeps the weights of a model that was passed from Python, and not the Python that makes it. "
            "Ask the model itself: fr.predict(model, images)."
        )
    values = tomllib.loads((folder / SOURCE).read_text("utf-8"))
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
