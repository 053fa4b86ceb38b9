"""Try a model on a photo or a drawing: every step down to what it sees, with corrections by hand.

A photo is answered twice: by the model asked, and beside it by the network for photos; or, where that was asked, by the
28x28 one, whose steps are shown.
"""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import DataError
from fittingroom.inference.model_files import PHOTO_28_MODEL, PHOTO_MODEL
from fittingroom.inference.predictor import Predictor, open_predictor
from fittingroom.photos.finding import NothingFoundError
from fittingroom.photos.opening import as_opened
from fittingroom.photos.prepare import PreparedPhoto, dataset_look, nothing_prepared, prepare_photo
from fittingroom.photos.views import VIEWS
from fittingroom.photos.whole_photo import SIZE, whole_photo
from fittingroom.web.problems import Problem
from fittingroom.workflows.attributions import explain
from fittingroom.workflows.explaining import both_answers
from fittingroom.workflows.picture_answers import PictureAnswer, name_prepared, name_whole

if TYPE_CHECKING:
    from PIL import Image


SHOWN = 448  # longest edge of a step's picture, in pixels
FINEST = 48  # pixels of a map's shorter edge that are sent: the patches that cover a larger picture are far larger
FULL = 32767  # of the whole numbers that a map's values are sent as


Crop: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the photo


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
        DataError: the picture is damaged.
    """
    from PIL import ImageOps

    try:
        with warnings.catch_warnings(action="ignore"):
            if crop is not None:
                upright = ImageOps.exif_transpose(picture)
                picture = upright.crop(_box(upright.size, crop))
            opened = as_opened(picture)
            if mirror:
                turned = None if opened.alpha is None else np.ascontiguousarray(opened.alpha[:, ::-1])
                opened = replace(opened, pixels=np.ascontiguousarray(opened.pixels[:, ::-1]), alpha=turned)
            prepared = prepare_photo(opened)
    except NothingFoundError as error:
        return nothing_prepared(opened, str(error))
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
    """Return what a model says of a photo, every step on the way, and beside it what the other kind of network says.

    Args:
        prepared: the photo.
        model: what `open_predictor` takes; it is opened once, and again where its file has changed.
    """
    predictor = open_predictor(model, prefer="onnx")
    is_found = bool(prepared.mask.any())
    if predictor.of_photos:
        answer = name_whole(prepared.photo, predictor, "")
    else:
        _check_size(predictor, prepared.image)
        if not is_found:
            raise Problem(422, prepared.warnings[-1])
        answer = name_prepared(prepared, predictor, "")
    beside = both_answers(prepared, answer)[0 if predictor.of_photos else 1] if is_found else None
    return _said(answer) | {
        "beside": None if beside is None else _said(beside),
        "steps": [{"name": one.name, "reason": one.reason, "picture": as_png(one.picture)} for one in prepared.steps],
        "whole": as_png(whole_photo(prepared.photo)),
        "inverted": prepared.inverted,
        "views": 2 * len(VIEWS),
        "image": _packed(prepared.image),
    }


def _said(answer: PictureAnswer) -> dict[str, Any]:
    """Return what one of the two says of a photo, as plain values."""
    probabilities = np.array(list(answer.probabilities.values()))
    told = _answer(probabilities, answer.none_of_these_score, answer.predictor)
    return told | {"model": answer.predictor.title, "words": answer.words, "warnings": list(answer.warnings)}


def explain_photo(prepared: PreparedPhoto, model: str) -> dict[str, Any]:
    """Return which parts of a photo a model's answer hangs on, for every class.

    Args:
        prepared: the photo.
        model: as `name_photo`; a 28x28 one is explained on what it sees, and the network for photos on the whole photo.
    """
    predictor = open_predictor(model, prefer="onnx")
    if predictor.of_photos:
        whole = whole_photo(prepared.photo, predictor.image_shape or SIZE)
        return told_maps(predictor, whole) | {"picture": as_png(whole)}
    _check_size(predictor, prepared.image)
    if not prepared.mask.any():
        raise Problem(422, prepared.warnings[-1])
    return told_maps(predictor, prepared.image)


def explain_image(image: Array, model: str) -> dict[str, Any]:
    """Return which pixels of a picture that is data a model's answer hangs on, for every class.

    Args:
        image: uint8 ``(h, w)``.
        model: as `name_drawing`.
    """
    predictor = open_predictor(model, prefer="onnx")
    if predictor.of_photos:
        predictor = open_predictor(PHOTO_28_MODEL, prefer="onnx")
    _check_size(predictor, image)
    return told_maps(predictor, image)


def told_maps(predictor: Predictor, image: Array) -> dict[str, Any]:
    """Return what `fittingroom.explain` says of one picture, as plain values.

    Args:
        predictor: who answers.
        image: uint8 ``(h, w)``, or ``(h, w, 3)`` for a network for photos.

    Returns:
        ``maps``: int16 ``(c, rows, columns)``, little-endian, as base64; times ``scale`` they are logarithms. With the
        picture's pixels where it is grey.
    """
    found = explain(predictor, image[None])
    maps = _coarser(found.maps[0])
    scale = float(np.abs(maps).max()) / FULL or 1.0
    whole = np.round(maps / scale).astype("<i2")
    return {
        "class_names": list(found.class_names),
        "probabilities": [round(float(value), 5) for value in found.probabilities[0]],
        "shape": list(maps.shape[1:]),
        "scale": scale,
        "maps": base64.b64encode(np.ascontiguousarray(whole).tobytes()).decode(),
        "image": None if image.ndim == 3 else _packed(image),
        "image_shape": list(image.shape[:2]),
    }


def _coarser(maps: Array) -> Array:
    """Return maps ``(c, h, w)`` with fewer pixels where they are larger than is worth sending: means of blocks."""
    step = max(1, min(maps.shape[1:]) // FINEST)
    rows, columns = (size - size % step for size in maps.shape[1:])
    blocks = maps[:, :rows, :columns].reshape(len(maps), rows // step, step, columns // step, step)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float64)


def name_drawing(image: Array, model: str) -> dict[str, Any]:
    """Return what a model says of a picture that is data already, uint8 ``(h, w)``.

    Where that is the network for photos, the 28x28 one beside it answers, and that is said.
    """
    predictor, notes = open_predictor(model, prefer="onnx"), []
    if predictor.of_photos:
        predictor = open_predictor(PHOTO_28_MODEL, prefer="onnx")
        notes.append(f"{PHOTO_MODEL} answers whole photos: a drawing is answered by {PHOTO_28_MODEL}")
    _check_size(predictor, image)
    score = None if predictor.none_of_these is None else predictor.none_of_these(image[None])
    told = _answer(predictor.predict(image[None])[0], score, predictor)
    return told | {"image": _packed(image), "warnings": notes}


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
