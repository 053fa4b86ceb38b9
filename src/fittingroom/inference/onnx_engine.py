"""Ask an ONNX model for probabilities through ONNX Runtime, without Keras and Torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fittingroom.arrays import Array, Predict, Probabilities
from fittingroom.data.accepting import accept_images
from fittingroom.errors import ModelError
from fittingroom.extras import install_line
from fittingroom.inference.model_files import PHOTO_28_MODEL
from fittingroom.mapped_arrays import pieces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxruntime import InferenceSession


BATCH = 1000
PHOTOS_AT_ONCE = 8
PHOTO_OUTPUTS = ("probabilities", "none_of_these")


class OnnxModel(NamedTuple):
    """An ONNX file, opened.

    Attributes:
        predict: ``uint8 (n, h, w)`` to ``float32 (n, classes)``.
        image_shape: ``(h, w)`` that it takes.
        class_names: that the file carries, or None.
        answer: of a network for photos alone: ``uint8 (n, h, w, 3)`` to probabilities, and to how surely each photo is
            none of the classes, ``float32 (n,)``, in one pass.
    """

    predict: Predict
    image_shape: tuple[int, int]
    class_names: tuple[str, ...] | None
    answer: Callable[[Array], tuple[Probabilities, Array]] | None = None


def open_onnx(path: Path, threads: int = 1) -> OnnxModel:
    """Open an ONNX file to predict with.

    Args:
        path: a file as `fittingroom export` writes it: one uint8 input ``(n, h, w)``, one output of probabilities; or a
            network for photos: one uint8 input ``(n, h, w, 3)``, outputs `PHOTO_OUTPUTS`.
        threads: of ONNX Runtime; networks this small are fastest with one.

    Raises:
        ModelError: ONNX Runtime is not installed, the file is not a model or one of another kind; or, when it is asked
            to predict, the images do not fit.
    """
    session = _session(path, threads)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if tuple(one.name for one in outputs) == PHOTO_OUTPUTS and len(inputs) == 1 and inputs[0].shape[3:] == [3]:
        return _of_photos(path, session)
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or len(inputs[0].shape) != 3 or len(outputs) != 1:
        kinds = ", ".join(f"{one.name}: {one.type} {list(one.shape)}" for one in inputs)
        raise ModelError(
            f"{path}: expected one input, uint8 (n, height, width), and one output, received {kinds or 'none'}. "
            "Export the model with: fittingroom export"
        )
    (_, height, width), name = inputs[0].shape, inputs[0].name

    def predict(images: Any) -> Probabilities:
        pixels = accept_images(images, shape=(height, width))
        if pixels.shape[1:] != (height, width):
            raise ModelError(f"{path} takes images of {height}x{width}, received {pixels.shape[1:]}.")
        asked = pixels if len(pixels) else np.zeros((1, height, width), np.uint8)  # a graph may not flatten no images
        answers = [session.run(None, {name: np.ascontiguousarray(part)})[0] for part in pieces(asked, BATCH)]
        return np.asarray(np.concatenate(answers)[: len(pixels)], np.float32)

    return OnnxModel(predict, (height, width), _class_names(session))


def _class_names(session: InferenceSession) -> tuple[str, ...] | None:
    metadata = session.get_modelmeta().custom_metadata_map
    return tuple(json.loads(metadata["class_names"])) if "class_names" in metadata else None


def _of_photos(path: Path, session: InferenceSession) -> OnnxModel:
    """Return a network that takes whole photos, stretched to its size."""
    (_, height, width, _), name = session.get_inputs()[0].shape, session.get_inputs()[0].name

    def answer(photos: Any) -> tuple[Probabilities, Array]:
        if not isinstance(photos, np.ndarray) or photos.dtype != np.uint8 or photos.shape[1:] != (height, width, 3):
            received = f"{photos.dtype} {photos.shape}" if isinstance(photos, np.ndarray) else type(photos).__name__
            raise ModelError(
                f"The network for photos ({path.name}) takes whole photos, uint8 (n, {height}, {width}, 3), received "
                f"{received}. "
                f"For a photo's file: fr.predict_photos([path]); for 28x28 pictures ask {PHOTO_28_MODEL}."
            )
        parts = [photos[start : start + PHOTOS_AT_ONCE] for start in range(0, len(photos), PHOTOS_AT_ONCE)]
        found = [session.run(PHOTO_OUTPUTS, {name: np.ascontiguousarray(part)}) for part in parts]
        if not found:
            return np.zeros((0, session.get_outputs()[0].shape[1]), np.float32), np.zeros(0, np.float32)
        probabilities, scores = (np.concatenate(each) for each in zip(*found, strict=True))
        return probabilities, scores

    return OnnxModel(lambda photos: answer(photos)[0], (height, width), _class_names(session), answer)


def _session(path: Path, threads: int) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"An ONNX model needs ONNX Runtime. Install it: {install_line('photos')}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many kinds for a damaged or foreign file
        first_line = str(error).strip().split("\n", 1)[0][:200]
        raise ModelError(f"{path}: expected an ONNX model, received: {first_line}") from error
