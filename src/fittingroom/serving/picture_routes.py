"""Pictures as files: a photo or data, as `fittingroom predict` decides, and the same answer."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from fastapi import APIRouter, Request
from PIL import Image
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import Response

from fittingroom.arrays import Array, check_images
from fittingroom.errors import DataError
from fittingroom.photos.opening import as_opened
from fittingroom.photos.whole_photo import SIZE, strip_warning, whole_photo
from fittingroom.pictures import LIGHT, grey_pixels, have_light_background
from fittingroom.serving.protocol_routes import found
from fittingroom.serving.served_models import NONE_OF_THESE, PROBABILITIES, ModelTable, ServedModel
from fittingroom.web.problems import AsciiJSON, Problem
from fittingroom.web.uploads import open_picture
from fittingroom.workflows.evaluation import learned_from_dark
from fittingroom.workflows.picture_answers import PictureAnswer, answer_of, as_row, name_photo, several_warning

if TYPE_CHECKING:
    from fittingroom.web.limits import Limits

BINARY = {"schema": {"type": "string", "format": "binary"}}
PICTURE = {
    "required": True,
    "content": {
        **dict.fromkeys(("image/png", "image/jpeg", "image/webp", "image/heic", "application/octet-stream"), BINARY),
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        },
    },
}
LONGEST_NAME = 200
DAMAGED = "The picture is damaged or cut short ({}). Get the file again."


def picture_routes(table: ModelTable, limits: Limits) -> APIRouter:
    """Return the route for pictures.

    Args:
        table: the models.
        limits: of a picture's pixels, and of photos at once.
    """
    routes = APIRouter(tags=["pictures"])
    turns = anyio.CapacityLimiter(limits.photos)

    @routes.post("/v1/predict", openapi_extra={"requestBody": PICTURE})
    async def predict(request: Request, model: str | None = None) -> Response:
        """Name one picture: the body is its file, or the one file of a form.

        A grey picture of exactly the model's size is data, every other a photo. Without `model` the first model that
        takes data answers data, and the first that takes photos answers photos.
        """
        start = time.perf_counter()
        asked = None if model is None else found(table, model, None)
        content, name = await _content(request)
        picture = open_picture(content, limits.pixels, limits.side)
        data = asked or table.first(of_photos=False)
        grey = None if data is None or data.is_of_photos else _grey_of_size(picture, data.image_shape)
        if data is not None and grey is not None:
            answer = await _name_data(grey, data, name)
        else:
            by = asked or table.first(of_photos=True) or data
            answer = await _name_photo(picture, _there(by), name, turns)
        return AsciiJSON(as_row(answer) | {"seconds": round(time.perf_counter() - start, 4)})

    return routes


def _there(model: ServedModel | None) -> ServedModel:
    if model is None:
        raise Problem(404, "No model here takes pictures.")
    return model


async def _content(request: Request) -> tuple[bytes, str]:
    """Return a picture's file and its name, from the body or from the one file in a form."""
    if not request.headers.get("content-type", "").casefold().startswith("multipart/form-data"):
        content = await request.body()
        if not content:
            raise Problem(400, "Expected a picture's file as the body, received nothing.")
        return content, "picture"
    try:
        async with request.form(max_files=1, max_fields=16) as form:
            files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
            if len(files) == 1:
                return await files[0].read(), (files[0].filename or "picture")[:LONGEST_NAME]
    except (MultiPartException, FormParserError) as error:
        raise Problem(400, f"Expected a form with one file: {str(error)[:200]}") from None
    raise Problem(400, "Expected a form with one file. Example: curl -F file=@shirt.jpg")


def _grey_of_size(picture: Image.Image, shape: tuple[int, ...]) -> Array | None:
    """Return the pixels of a picture that is data, or None for every other."""
    if picture.size != shape[::-1]:
        return None
    try:
        return grey_pixels(picture)
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise Problem(422, DAMAGED.format(type(error).__name__)) from None


async def _name_data(grey: Array, model: ServedModel, name: str) -> PictureAnswer:
    image = check_images(grey[None], name)
    outputs = await model.answer(image)
    score = float(outputs[NONE_OF_THESE][0]) if NONE_OF_THESE in outputs else None
    is_light = bool(have_light_background(image)[0]) and learned_from_dark(model.predictor)
    warnings = (LIGHT,) if is_light else ()
    return answer_of(name, "data", outputs[PROBABILITIES][0], score, model.predictor, warnings)


async def _name_photo(
    picture: Image.Image, model: ServedModel, name: str, turns: anyio.CapacityLimiter
) -> PictureAnswer:
    """Decode a photo in a thread, when its turn comes, and have it answered in a batch with others."""
    if not model.is_of_photos:
        return await anyio.to_thread.run_sync(lambda: _in_thread(picture, model, name), limiter=turns)
    try:
        photo = await anyio.to_thread.run_sync(lambda: as_opened(picture), limiter=turns)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise Problem(422, DAMAGED.format(type(error).__name__)) from None
    pixels = whole_photo(photo, model.predictor.image_shape or SIZE)
    outputs = await model.answer(pixels[None])
    answer = answer_of(name, "photo", outputs[PROBABILITIES][0], float(outputs[NONE_OF_THESE][0]), model.predictor)
    notes = () if answer.none_of_these else several_warning(answer.probabilities)
    return replace(answer, warnings=(*photo.warnings, *strip_warning(photo.size), *notes))


def _in_thread(picture: Image.Image, model: ServedModel, name: str) -> PictureAnswer:
    try:
        return name_photo(picture, model.predictor, name)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise Problem(422, DAMAGED.format(type(error).__name__)) from None
