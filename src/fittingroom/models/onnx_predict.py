"""Ask an ONNX model for probabilities through ONNX Runtime, without Keras and Torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array, Predict, Probabilities, check_images
from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession

BATCH = 1000
INSTALL = "Install it: pip install 'fittingroom[photos]'"


def onnx_predictor(path: Path, threads: int = 1) -> Predict:
    """Return the function from images to probabilities that an ONNX file stands for.

    Args:
        path: a file as `fittingroom export` writes it: one uint8 input ``(n, h, w)``, one output of probabilities.
        threads: of ONNX Runtime; networks this small are fastest with one.

    Returns:
        ``uint8 (n, h, w)`` to ``float32 (n, classes)``.

    Raises:
        ModelError: ONNX Runtime is not installed, the file is not a model or one of another kind; or, when called, the
            images do not fit.
    """
    session = open_session(path, threads)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shapes = [list(one.shape) for one in inputs]
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or len(shapes[0]) != 3 or len(outputs) != 1:
        kinds = ", ".join(f"{one.name}: {one.type} {list(one.shape)}" for one in inputs)
        raise ModelError(
            f"{path}: expected one input, uint8 (n, height, width), and one output, received {kinds or 'none'}. "
            "Export the model with: fittingroom export"
        )
    size, name = shapes[0][1:], inputs[0].name

    def predict(images: Array) -> Probabilities:
        pixels = check_images(images)
        if list(pixels.shape[1:]) != size:
            raise ModelError(f"{path} takes images of {size[0]}x{size[1]}, received {pixels.shape[1:]}.")
        parts = [pixels[start : start + BATCH] for start in range(0, max(len(pixels), 1), BATCH)]
        answers = [session.run(None, {name: np.ascontiguousarray(part)})[0] for part in parts]
        return np.asarray(np.concatenate(answers), np.float32)

    return predict


def open_session(path: Path, threads: int = 1) -> InferenceSession:
    """Open an ONNX file.

    Raises:
        ModelError: ONNX Runtime is not installed, or the file is not a model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"{path}: an ONNX model needs ONNX Runtime. {INSTALL}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many kinds for a damaged or foreign file
        first_line = str(error).strip().split("\n", 1)[0][:200]
        raise ModelError(f"{path}: expected an ONNX model, received: {first_line}") from error


def stored_names(path: Path) -> tuple[str, ...] | None:
    """Return the class names that an exported file carries, or None."""
    metadata = open_session(path).get_modelmeta().custom_metadata_map
    return tuple(json.loads(metadata["class_names"])) if "class_names" in metadata else None
