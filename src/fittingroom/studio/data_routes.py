"""The data's part of the API: what datasets there are, their labels, sprite sheets, single images."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request, Response

from fittingroom._version import __version__
from fittingroom.data import DATASETS
from fittingroom.studio.flat_dataset import SHEET, sheet, sheets, tile_shape
from fittingroom.studio.run_table import runs_of
from fittingroom.web.security import may_change

if TYPE_CHECKING:
    from fittingroom.studio.flat_dataset import FlatDataset
    from fittingroom.studio.state import Studio


BYTES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


def data_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["data"])

    @routes.get("/about")
    def studio_facts(request: Request) -> dict[str, Any]:
        """Say what this studio is, which datasets it may open, and whether whoever asks may change anything."""
        titles = {name: known.title for name, known in DATASETS.items()}
        named = [
            {"name": name, "title": titles.get(name, name), "is_here": studio.registry.is_here(name)}
            for name in studio.registry.names()
        ]
        return {
            "schema": "fittingroom/studio/1",
            "version": __version__,
            "datasets": named,
            "runs": len(runs_of(studio.runs)),
            "may_change": may_change(request, studio.access),
        }

    @routes.get("/datasets/{dataset}")
    def facts(dataset: str) -> dict[str, Any]:
        """Describe a dataset: classes, counts, the size of its pictures and of its sprite sheets."""
        return describe(studio.registry.open(dataset))

    @routes.get("/datasets/{dataset}/labels")
    def labels(dataset: str) -> Response:
        """Return every image's label in one list, the training images first."""
        return as_json(studio.registry.open(dataset).labels.tolist())

    @routes.get("/datasets/{dataset}/sheets/{number}", response_class=Response, responses=BYTES)
    def one_sheet(dataset: str, number: int, fingerprint: str = "") -> Response:
        """Return a sprite sheet: grey bytes, one picture after the other.

        A browser may keep it under the fingerprint of the data that it shows alone: a name may stand for others soon.
        """
        flat_dataset = studio.registry.open(dataset)
        content = sheet(flat_dataset, number)
        keeps = fingerprint == flat_dataset.data.fingerprint
        headers = {"content-encoding": "gzip", "cache-control": "private, max-age=86400" if keeps else "no-store"}
        return Response(content, media_type="application/octet-stream", headers=headers)

    @routes.get("/datasets/{dataset}/images/{index}")
    def image(dataset: str, index: int) -> dict[str, Any]:
        """Return one image with its pixels, label and place."""
        return describe_image(studio.registry.open(dataset), index)

    return routes


def as_json(value: object) -> Response:
    """Return plain values as JSON without the time that checking each of 70,000 would take."""
    return Response(json.dumps(value, separators=(",", ":"), allow_nan=False), media_type="application/json")


def describe(flat_dataset: FlatDataset) -> dict[str, Any]:
    """Return what the page must know of a dataset."""
    data = flat_dataset.data
    known = DATASETS.get(data.name)
    return {
        "name": data.name,
        "title": known.title if known else data.name,
        "description": known.description if known else "",
        "fingerprint": data.fingerprint,
        "class_names": list(data.class_names),
        "train": len(data.train),
        "test": len(data.test),
        "image_shape": list(data.image_shape),
        "tile_shape": list(tile_shape(data.image_shape)),
        "sheet": SHEET,
        "sheets": sheets(flat_dataset),
        "counts": np.bincount(flat_dataset.labels, minlength=data.classes).tolist(),
    }


def describe_image(flat_dataset: FlatDataset, index: int) -> dict[str, Any]:
    """Return one image: its pixels as base64 of uint8 rows, its label, its split and place in the file."""
    image = flat_dataset.image(index)
    split, position = flat_dataset.place(index)
    label = int(flat_dataset.labels[index])
    return {
        "index": index,
        "split": split,
        "position": position,
        "label": label,
        "class": flat_dataset.data.class_names[label],
        "shape": list(image.shape),
        "pixels": base64.b64encode(np.ascontiguousarray(image).tobytes()).decode(),
    }
