"""The models' part of the API: which can be asked, what they answered, what an image is most like, and its map."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from fittingroom.arrays import Array
from fittingroom.extras import install_line
from fittingroom.models.feature_extractor import neighbours
from fittingroom.studio.data_routes import as_json
from fittingroom.studio.jobs import arrays_of, save_arrays
from fittingroom.studio.layouts import components, on_grid
from fittingroom.studio.model_answers import (
    answers_of,
    check_look,
    columns,
    costs_look,
    file_of,
    find_entry,
    fitting_entries,
    model_entries,
    pixels_of,
)
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from fittingroom.studio.flat_dataset import FlatDataset
    from fittingroom.studio.state import Studio


class Question(BaseModel):
    """Which model is to be asked about which dataset."""

    dataset: str = Field(max_length=300)
    model: str = Field(max_length=300)
    spend_look: bool = Field(False, description="Whether this may be a look at the test images, where it is one.")


def answers_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["answers"])

    def found(dataset: str, model: str) -> tuple[Array, Array]:
        return answers_of(studio, find_entry(studio, model), studio.registry.open(dataset).data.fingerprint)

    @routes.get("/models")
    def models(dataset: str = "") -> list[dict[str, Any]]:
        """List the models that can be asked; of a dataset, those that were trained on it."""
        entries = fitting_entries(studio, dataset) if dataset else model_entries(studio)
        return [model.row() for model in entries]

    @routes.get("/answers")
    def state(dataset: str, model: str) -> dict[str, Any]:
        """Say whether a model has been asked about a dataset, or how far that is, and whether it costs a test look."""
        entry, mark = find_entry(studio, model), studio.registry.open(dataset).data.fingerprint
        path, costs = file_of(studio, entry, mark), costs_look(entry, mark)
        told = {"state": "ready"} if path.exists() and not costs else studio.tasks.state_of(path.stem)
        return told | {"costs_look": costs}

    @routes.post("/answers")
    def ask(question: Question) -> dict[str, Any]:
        """Ask a model about every image of a dataset; for a run that is a look at the test images, and written down.

        That costs a run its first look, so it has to be said: `spend_look`.
        """
        model, flat_dataset = find_entry(studio, question.model), studio.registry.open(question.dataset)
        mark = flat_dataset.data.fingerprint
        path = file_of(studio, model, mark)
        check_look(model, mark, may_spend=question.spend_look)
        if path.exists() and not costs_look(model, mark):
            return {"state": "ready"}
        arguments = (studio.registry.source(question.dataset), model.model, path)
        title = f"Asking {model.title} about {question.dataset}"
        return studio.tasks.start(path.stem, "fittingroom.studio.model_answers", arguments, title).state()

    @routes.get("/answers/columns")
    def every_image(dataset: str, model: str) -> Response:
        """Return predicted class, confidence and loss of every image."""
        return as_json(columns(found(dataset, model)[0], studio.registry.open(dataset).labels))

    @routes.get("/answers/image/{index}")
    def image(index: int, dataset: str, model: str = "") -> dict[str, Any]:
        """Return a model's probabilities for one image, and the training images most like it."""
        flat_dataset = studio.registry.open(dataset)
        flat_dataset.image(index)
        until = len(flat_dataset.data.train)
        if not model:
            return {"probabilities": None, "neighbours": neighbours(pixels_of(flat_dataset), index, until)}
        probabilities, features = found(dataset, model)
        chances = [round(float(value), 5) for value in probabilities[index]]
        return {"probabilities": chances, "neighbours": neighbours(features, index, until)}

    return routes


def explaining_routes(studio: Studio) -> APIRouter:
    """Return the routes that say why a model answers one image so, and what it has learned."""
    routes = APIRouter(tags=["answers"])

    @routes.get("/answers/image/{index}/maps")
    def maps(index: int, dataset: str, model: str) -> dict[str, Any]:
        """Return which pixels a model's answer to one image hangs on, for every class."""
        arguments, content = asked(index, dataset, model)
        return studio.models.ask("draw", arguments | {"why": True}, content, seconds=studio.limits.photo_seconds)

    @routes.get("/answers/image/{index}/inside")
    def inside(index: int, dataset: str, model: str) -> dict[str, Any]:
        """Return a network's first weights as pictures, and what they and each layer make of one image."""
        arguments, content = asked(index, dataset, model)
        label = {"label": int(studio.registry.open(dataset).labels[index])}
        return studio.models.ask("inside", arguments | label, content, seconds=studio.limits.photo_seconds)

    def asked(index: int, dataset: str, model: str) -> tuple[dict[str, Any], bytes]:
        flat_dataset, entry = studio.registry.open(dataset), find_entry(studio, model)
        pixels = flat_dataset.image(index)
        if index >= len(flat_dataset.data.train) and costs_look(entry, flat_dataset.data.fingerprint):
            raise Problem(409, f"'{entry.title}' has not met the test images yet. Ask it about a training image.")
        arguments = {"model": entry.model, "height": pixels.shape[0], "width": pixels.shape[1]}
        return arguments, np.ascontiguousarray(pixels).tobytes()

    return routes


Method = Literal["pca", "umap"]
INSTALL = f"UMAP is an optional extra. Install it with: {install_line('map', tells_path=False)}"


class Wish(BaseModel):
    """Which map is to be laid out."""

    dataset: str = Field(max_length=300)
    model: str = Field("", max_length=300)
    method: Method = "pca"


def map_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["map"])

    @routes.get("/maps")
    def state(dataset: str, model: str = "", method: Method = "pca") -> dict[str, Any]:
        """Say whether a map is laid out, or how far the work is."""
        path = map_file(studio, dataset, model, method)
        if method == "pca" or path.exists():
            return {"state": "ready"}
        return studio.tasks.state_of(path.stem)

    @routes.post("/maps")
    def lay_out(wish: Wish) -> dict[str, Any]:
        """Begin to lay a map out by UMAP; principal components need no beginning."""
        path = map_file(studio, wish.dataset, wish.model, wish.method)
        if wish.method == "pca" or path.exists():
            return {"state": "ready"}
        if find_spec("umap") is None:
            raise Problem(422, INSTALL)
        features = features_file(studio, wish.dataset, wish.model)
        title = f"Laying out a map of {wish.dataset} by UMAP"
        return studio.tasks.start(path.stem, "fittingroom.studio.layouts", (features, path), title).state()

    @routes.get("/maps/positions")
    def positions(dataset: str, model: str = "", method: Method = "pca") -> Response:
        """Return every image's place: two lists of whole numbers 0 to 65,535."""
        path = map_file(studio, dataset, model, method)
        if method == "pca" and not path.exists():
            save_arrays(path, positions=on_grid(components(features_of(studio, dataset, model))))
        if not path.exists():
            raise Problem(409, "This map has not been laid out yet.")
        return as_json(_positions(path))

    return routes


@lru_cache(maxsize=8)
def _positions(path: Path) -> dict[str, list[int]]:
    (placed,) = arrays_of(path, "positions")
    return {"x": placed[:, 0].tolist(), "y": placed[:, 1].tolist()}


def map_file(studio: Studio, dataset: str, model: str, method: Method) -> Path:
    """Return where a map is kept."""
    flat_dataset = studio.registry.open(dataset)
    mark = flat_dataset.data.fingerprint
    if model:
        return studio.work_dir / f"map-{method}-{find_entry(studio, model).mark(mark)}.npz"
    return studio.work_dir / f"map-{method}-pixels-{mark}.npz"


def features_of(studio: Studio, dataset: str, model: str) -> np.ndarray:
    """Return what a model sees of each image, or the pixels where no model is named."""
    flat_dataset = studio.registry.open(dataset)
    if model:
        return answers_of(studio, find_entry(studio, model), flat_dataset.data.fingerprint)[1]
    return pixels_of(flat_dataset)


def features_file(studio: Studio, dataset: str, model: str) -> Path:
    """Return a file that holds what `features_of` returns, written where it is missing."""
    flat_dataset: FlatDataset = studio.registry.open(dataset)
    mark = flat_dataset.data.fingerprint
    if model:
        answers_of(studio, find_entry(studio, model), mark)
        return file_of(studio, find_entry(studio, model), mark)
    path = studio.work_dir / f"pixels-{mark}.npz"
    if not path.exists():
        save_arrays(path, features=pixels_of(flat_dataset))
    return path
