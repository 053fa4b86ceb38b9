"""The map's part of the API: where each image lies in two dimensions."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from fittingroom.studio.jobs import arrays_of, save_arrays
from fittingroom.studio.layouts import components, on_grid
from fittingroom.studio.model_answers import answers_of, file_of, find_entry, pixels_of
from fittingroom.studio.problems import Problem
from fittingroom.studio.routes.data_routes import as_json

if TYPE_CHECKING:
    from fittingroom.studio.flat_dataset import FlatDataset
    from fittingroom.studio.state import Studio


Method = Literal["pca", "umap"]
INSTALL = "UMAP is an optional extra. Install it with: pip install 'fittingroom[map]'"


class Wish(BaseModel):
    """Which map is to be laid out."""

    dataset: str = Field(max_length=200)
    model: str = Field("", max_length=200)
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
        job = studio.tasks.find(path.stem)
        return job.state() if job is not None else {"state": "absent"}

    @routes.post("/maps")
    def lay_out(wish: Wish) -> dict[str, Any]:
        """Begin to lay a map out by UMAP; principal components need no beginning."""
        path = map_file(studio, wish.dataset, wish.model, wish.method)
        if wish.method == "pca" or path.exists():
            return {"state": "ready"}
        if find_spec("umap") is None:
            raise Problem(422, INSTALL)
        features = features_file(studio, wish.dataset, wish.model)
        return studio.tasks.start(path.stem, "fittingroom.studio.layouts", (features, path)).state()

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
