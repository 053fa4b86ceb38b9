"""The models' part of the API: which can be asked, what they answered, and what an image is most like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from fittingroom.arrays import Array
from fittingroom.models.feature_extractor import neighbours
from fittingroom.studio.model_answers import (
    answers_of,
    columns,
    file_of,
    find_entry,
    model_entries,
    pixels_of,
)
from fittingroom.studio.routes.data_routes import as_json

if TYPE_CHECKING:
    from fittingroom.studio.state import Studio


class Question(BaseModel):
    """Which model is to be asked about which dataset."""

    dataset: str = Field(max_length=200)
    model: str = Field(max_length=200)


def answers_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["answers"])

    def found(dataset: str, model: str) -> tuple[Array, Array]:
        return answers_of(studio, find_entry(studio, model), studio.registry.open(dataset).data.fingerprint)

    @routes.get("/models")
    def models() -> list[dict[str, Any]]:
        """List the models that can be asked."""
        return [model.row() for model in model_entries(studio)]

    @routes.get("/answers")
    def state(dataset: str, model: str) -> dict[str, Any]:
        """Say whether a model has been asked about a dataset, or how far the asking is."""
        path = file_of(studio, find_entry(studio, model), studio.registry.open(dataset).data.fingerprint)
        job = studio.tasks.find(path.stem)
        if path.exists():
            return {"state": "ready"}
        return job.state() if job is not None else {"state": "absent"}

    @routes.post("/answers")
    def ask(question: Question) -> dict[str, Any]:
        """Ask a model about every image of a dataset; for a run this is a look at the test images, and written down."""
        model, flat_dataset = find_entry(studio, question.model), studio.registry.open(question.dataset)
        path = file_of(studio, model, flat_dataset.data.fingerprint)
        if path.exists():
            return {"state": "ready"}
        arguments = (studio.registry.source(question.dataset), model.model, path)
        return studio.tasks.start(path.stem, "fittingroom.studio.prediction_jobs", arguments).state()

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
