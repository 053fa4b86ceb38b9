"""A network in whole numbers of eight bits: a third of the size, calibrated on training images."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Images
from fittingroom.errors import ModelError
from fittingroom.export.onnx_writer import need_onnx, quiet
from fittingroom.files import atomic_write
from fittingroom.mapped_arrays import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CALIBRATED_ON = 1000  # training images by which the range of each activation is found
AT_ONCE = 100
OPERATORS = ["Conv", "Gemm", "MatMul"]


def write_int8(model_file: Path, to: Path, images: Images) -> int:
    """Write an ONNX file again with weights and activations of eight bits.

    Args:
        model_file: one input of uint8 images ``(n, h, w)``.
        to: the file to write.
        images: training images, uint8 ``(n, h, w)``; some of them, spread evenly, give the ranges.

    Returns:
        How many images gave the ranges.

    Raises:
        ModelError: onnx is not installed, or the network cannot be written so.

    Source: B. Jacob and others, arXiv 1712.05877.
    """
    onnx = need_onnx()
    from onnxruntime import quantization

    chosen = rows_of(images, np.arange(0, len(images), max(1, len(images) // CALIBRATED_ON))[:CALIBRATED_ON])
    name = onnx.load(model_file, load_external_data=False).graph.input[0].name
    parts = iter([{name: chosen[start : start + AT_ONCE]} for start in range(0, len(chosen), AT_ONCE)])
    with tempfile.TemporaryDirectory() as folder, quiet():
        plain, made = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        try:
            quantization.quant_pre_process(str(model_file), str(plain), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(plain),
                str(made),
                _reader(quantization, parts),
                per_channel=True,
                reduce_range=True,  # without it sums overflow on processors that add two products in 16 bits
                op_types_to_quantize=OPERATORS,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        except Exception as error:  # an operator may fail in its own way
            words = " ".join(str(error).split())[:200] or type(error).__name__
            raise ModelError(f"{model_file}: expected a network that eight bits can hold, received: {words}") from error
        content = made.read_bytes()
    atomic_write(to, content)
    return len(chosen)


def _reader(quantization: Any, parts: Iterator[dict[str, Images]]) -> Any:
    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, Images] | None:
            return next(parts, None)

    return Reader()
