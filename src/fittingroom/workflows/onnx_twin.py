"""The ONNX twin of a run's model: written after training, checked on training images, or told why not."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from fittingroom.errors import ModelError
from fittingroom.models.load import IN_A_RUN, ONNX_IN_A_RUN

if TYPE_CHECKING:
    from fittingroom.data import Dataset, Log
    from fittingroom.runs import Run

NEEDED = ("onnx", "onnxruntime")
COMPARED = 1000  # training images; `fittingroom export` compares on all test images


def write_twin(run: Run, data: Dataset, log: Log) -> None:
    """Write ``model.onnx`` beside a run's ``model.keras``, or say in one line why there is none.

    Args:
        run: trained.
        data: of which the first training images are compared.
        log: takes one line for the user.
    """
    if not (run.folder / IN_A_RUN).exists():
        log("No model.onnx: only models of ordinary Keras layers are written as ONNX.")
        return
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        log(f"No model.onnx: {' and '.join(missing)} not installed (pip install 'fittingroom[export]').")
        return
    from fittingroom.export.export import checked_onnx

    try:
        checked_onnx(run.model(), run.folder / ONNX_IN_A_RUN, data.train.images[:COMPARED], data.class_names)
    except ModelError as error:
        log(f"No model.onnx: {error}")
