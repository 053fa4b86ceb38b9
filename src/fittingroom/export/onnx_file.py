"""Write a Keras model as an ONNX file: uint8 pixels in, probabilities out, any number of images."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import ModelError
from fittingroom.models.front import input_shape
from fittingroom.runs import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

INPUT, OUTPUT = "pixels", "probabilities"


def write_onnx(model: keras.Model, path: Path, class_names: Sequence[str] = ()) -> int:
    """Write a model for use as an ONNX file.

    Args:
        model: takes pixels 0..255 of ``(n, h, w)`` and gives probabilities, as every saved model does.
        path: of the file, replaced whole or not at all.
        class_names: kept in the file where they are given.

    Returns:
        The opset, ONNX's version of its operators.

    Raises:
        ModelError: onnx is not installed, or the model has a layer that ONNX cannot say.
    """
    onnx = need_onnx()
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        _translate(model, raw)
        graph_model = onnx.load(raw)
    _name_ends(graph_model, onnx)
    if class_names:
        entry = graph_model.metadata_props.add()
        entry.key, entry.value = "class_names", json.dumps(list(class_names), ensure_ascii=False)
    onnx.checker.check_model(graph_model)
    write_atomically(path, graph_model.SerializeToString())
    return int(graph_model.opset_import[0].version)


def need_onnx() -> Any:
    """Import onnx, or name the line that installs it.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ModelError("ONNX files need the onnx package. Install it: pip install 'fittingroom[export]'") from error
    return onnx


def _translate(model: keras.Model, path: Path) -> None:
    import torch

    shape = input_shape(model)
    if len(shape) != 2:
        raise ModelError(f"Model '{model.name}': expected one that takes (n, h, w) pixels, received one for {shape}.")
    try:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # the exporter's, about its own future
            model(np.zeros((1, *shape), np.float32), training=False)  # Keras wants to have seen an input
            model.export(path, format="onnx", verbose=False)
    except Exception as error:  # any layer may fail in its own way
        first_line = str(error).strip().split("\n", 1)[0][:200]
        raise ModelError(f"Model '{model.name}' cannot be written as ONNX: {first_line}") from error


def _name_ends(graph_model: Any, onnx: Any) -> None:
    """Make the input uint8 by a cast in front, and give input and output their names."""
    graph = graph_model.graph
    before, after = graph.input[0], graph.output[0]
    inner = f"{before.name}_as_float"
    for node in graph.node:
        node.input[:] = [inner if name == before.name else name for name in node.input]
        node.output[:] = [OUTPUT if name == after.name else name for name in node.output]
    after.name = OUTPUT
    before.name = INPUT
    before.type.tensor_type.elem_type = onnx.TensorProto.UINT8
    before.type.tensor_type.shape.dim[0].dim_param = "n"
    after.type.tensor_type.shape.dim[0].dim_param = "n"
    graph.node.insert(0, onnx.helper.make_node("Cast", [INPUT], [inner], name="to_float", to=onnx.TensorProto.FLOAT))
