"""Try a model on a photo or a drawing: every step down to what it sees, with corrections by hand."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import DataError
from fittingroom.inference.predictor import Predictor, open_predictor
from fittingroom.photos.opening import known_formats
from fittingroom.photos.prepare import PreparedPhoto, dataset_look, prepare_photo
from fittingroom.photos.views import VIEWS
from fittingroom.studio.problems import Problem
from fittingroom.workflows.picture_answers import ask_about

if TYPE_CHECKING:
    from PIL import Image


SHOWN = 448  # longest edge of a step's picture, in pixels


Crop: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the photo


def open_picture(content: bytes, pixels: int, side: int) -> Image.Image:
    """Open an uploaded picture after its header was checked; its pixels are decoded later.

    Args:
        content: of the file.
        pixels: that it may have at most.
        side: likewise, along one.

    Raises:
        Problem: 415, no picture; 422, more pixels than the limit.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"):
            picture = Image.open(io.BytesIO(content), formats=known_formats())
    except UnidentifiedImageError:
        if content[4:8] == b"ftyp" and find_spec("pillow_heif") is None:
            raise Problem(415, "A HEIC photo needs another package. Install it: pip install pillow-heif") from None
        words = "Expected a picture (JPEG, PNG, WebP, HEIC, GIF, TIFF, BMP), received something else."
        raise Problem(415, words) from None
    except Exception as error:  # Pillow raises many kinds for a damaged header
        raise Problem(422, f"The picture is damaged: {type(error).__name__}.") from None
    width, height = picture.size
    if width * height > pixels or max(width, height) > side:
        words = f"A picture may have {pixels / 1e6:g} million pixels at most, this has {width * height / 1e6:.0f}."
        raise Problem(422, words, pixels)
    return picture


def corrected(
    picture: Image.Image, *, polarity: str = "auto", mirror: bool = False, crop: Crop | None = None
) -> PreparedPhoto:
    """Prepare a photo as `fittingroom.prepare_photo` does, with what the user corrects by hand.

    Args:
        picture: opened.
        polarity: "auto", "keep" (light stays light) or "invert".
        mirror: turn the photo left to right.
        crop: the part to look at; None for all of it.

    Raises:
        DataError: the picture is damaged, or has nothing in it.
    """
    from PIL import ImageOps

    try:
        with warnings.catch_warnings(action="ignore"):
            upright = ImageOps.exif_transpose(picture)
            if crop is not None:
                upright = upright.crop(_box(upright.size, crop))
            if mirror:
                upright = ImageOps.mirror(upright)
            prepared = prepare_photo(upright)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise DataError(f"The picture is damaged or cut short ({type(error).__name__}). Get the file again.") from None
    return prepared if polarity == "auto" else _with_polarity(prepared, inverted=polarity == "invert")


def _with_polarity(prepared: PreparedPhoto, *, inverted: bool) -> PreparedPhoto:
    image = dataset_look(prepared.grey, prepared.mask, inverted=inverted)
    last = replace(prepared.steps[-1], picture=image)
    word = "Set by hand: light and dark change places." if inverted else "Set by hand: light stays light."
    picture = np.asarray(np.round(255 * (1 - prepared.grey if inverted else prepared.grey)), np.uint8)
    polarity = replace(prepared.steps[-2], reason=word, picture=picture)
    return replace(prepared, image=image, inverted=inverted, steps=(*prepared.steps[:-2], polarity, last))


def _box(size: tuple[int, int], crop: Crop) -> tuple[int, int, int, int]:
    left, top, right, bottom = (min(1.0, max(0.0, share)) for share in crop)
    width, height = size
    if right - left < 1 / width or bottom - top < 1 / height:
        raise Problem(422, "Expected a crop of left, top, right, bottom as shares 0 to 1 with something between them.")
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def name_photo(prepared: PreparedPhoto, model: str) -> dict[str, Any]:
    """Return what a model says of a photo, and every step on the way.

    Args:
        prepared: the photo.
        model: what `fittingroom.load_model` takes; it is opened once, and again where its file has changed.
    """
    predictor = open_predictor(model, prefer="onnx")
    _check_size(predictor, prepared.image)
    probabilities, score = ask_about(prepared, predictor)
    steps = [{"name": step.name, "reason": step.reason, "picture": as_png(step.picture)} for step in prepared.steps]
    facts = {
        "steps": steps,
        "warnings": list(prepared.warnings),
        "inverted": prepared.inverted,
        "views": 2 * len(VIEWS),
    }
    return facts | _answer(probabilities, score, predictor) | {"image": _packed(prepared.image)}


def name_drawing(image: Array, model: str) -> dict[str, Any]:
    """Return what a model says of a picture that is data already, uint8 ``(h, w)``; see `name_photo`."""
    predictor = open_predictor(model, prefer="onnx")
    _check_size(predictor, image)
    score = None if predictor.none_of_these is None else predictor.none_of_these(image[None])
    return _answer(predictor.predict(image[None])[0], score, predictor) | {"image": _packed(image)}


def _answer(probabilities: Array, score: float | None, predictor: Predictor) -> dict[str, Any]:
    return {
        "class_names": list(predictor.names(len(probabilities))),
        "probabilities": [round(float(value), 5) for value in probabilities],
        "none_of_these": None if score is None else score > predictor.threshold,
        "none_of_these_score": None if score is None else round(score, 4),
    }


def _check_size(predictor: Predictor, image: Array) -> None:
    if predictor.image_shape is not None and predictor.image_shape != image.shape:
        height, width = predictor.image_shape
        raise Problem(422, f"This model takes {height}x{width} pixels, received {image.shape[0]}x{image.shape[1]}.")


def _packed(image: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()


def as_png(pixels: Array) -> str:
    """Return a picture as a PNG in a ``data:`` address, its longest edge at most `SHOWN`."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((SHOWN, SHOWN))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
