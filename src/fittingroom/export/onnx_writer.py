"""Write a model as an ONNX file: uint8 pixels in, probabilities out, and not a word of the exporter's on the way."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import sys
import tempfile
import warnings
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import ModelError
from fittingroom.extras import install_line
from fittingroom.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor


INPUT, OUTPUT = "pixels", "probabilities"
OPSETS = {"script": 17, "dynamo": 18}
SAMPLE = 3  # images that are traced; the file takes any number


def write_onnx(
    model: Any,
    path: Path,
    image_shape: tuple[int, int],
    class_names: Sequence[str] = (),
    *,
    pixels: str | None = None,
    temperature: float = 1.0,
) -> int:
    """Write a model for use as an ONNX file: what it does in inference, so without dropout and augmentation.

    Args:
        model: a Keras model or torch module, see `keras_engine.predictor`.
        path: of the file, replaced whole or not at all.
        image_shape: ``(h, w)`` that the file takes.
        class_names: kept in the file where they are given.
        pixels: see `keras_engine.predictor`.
        temperature: that logits are divided by.

    Returns:
        The opset, ONNX's version of its operators.

    Raises:
        ModelError: onnx is not installed, or the model does what ONNX cannot say.
    """
    onnx = need_onnx()
    from fittingroom.inference.keras_engine import answering_module

    module = answering_module(model, image_shape, pixels=pixels, temperature=temperature)
    graph_model = _translated(module, onnx)
    if class_names:
        entry = graph_model.metadata_props.add()
        entry.key, entry.value = "class_names", json.dumps(list(class_names), ensure_ascii=False)
    for end in (graph_model.graph.input[0], graph_model.graph.output[0]):
        end.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.checker.check_model(graph_model)
    atomic_write(path, graph_model.SerializeToString())
    return int(graph_model.opset_import[0].version)


def need_onnx() -> Any:
    """Import onnx, or name the line that installs it.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ModelError(f"ONNX files need the onnx package. Install it: {install_line('export')}") from error
    return onnx


def _translated(module: Any, onnx: Any) -> Any:
    """Return a module's graph by Torch's older exporter, in a second; by its newer one, in ten, where that cannot."""
    import torch

    sample = torch.zeros((SAMPLE, *module.image_shape), dtype=torch.uint8)
    ways: list[Callable[[Any, Tensor, Path], None]] = [_by_script]
    if find_spec("onnxscript") is not None:
        ways.append(_by_dynamo)
    failure = ""
    for way in ways:
        try:
            with torch.no_grad(), quiet(), module.functional.at_rest(), tempfile.TemporaryDirectory() as folder:
                way(module.eval(), sample, Path(folder) / "raw.onnx")
                graph_model = onnx.load(Path(folder) / "raw.onnx")
        except Exception as error:  # any layer may fail in its own way
            failure = (str(error).strip() or type(error).__name__).split("\n", 1)[0][:200]
        else:
            if graph_model.graph.input:
                return graph_model
            failure = "it computes outside PyTorch, where no graph follows"
    more = "" if len(ways) > 1 else f" More models can be written with onnxscript: {install_line('export')}"
    raise ModelError(f"Model '{module.functional.name}' cannot be written as ONNX: {failure}{more}")


def _by_script(module: Any, sample: Tensor, path: Path) -> None:
    import torch

    axes = {INPUT: {0: "n"}, OUTPUT: {0: "n"}}
    ends: dict[str, Any] = {"input_names": [INPUT], "output_names": [OUTPUT], "opset_version": OPSETS["script"]}
    torch.onnx.export(module, (sample,), path, dynamo=False, dynamic_axes=axes, **ends)


def _by_dynamo(module: Any, sample: Tensor, path: Path) -> None:
    import torch

    shapes = ({0: torch.export.Dim("n", min=1)},)
    ends: dict[str, Any] = {"input_names": [INPUT], "output_names": [OUTPUT], "opset_version": OPSETS["dynamo"]}
    torch.onnx.export(
        module, (sample,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, **ends
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Let nothing that is said meanwhile reach standard output or error: printed, logged, warned of, or by C++.

    Torch's exporters print a model's whole graph where they fail, which would leave `--json` no JSON.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    disabled = logging.root.manager.disable
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(redirect_stdout(StringIO()))
        stack.enter_context(redirect_stderr(StringIO()))
        stack.callback(logging.disable, disabled)
        logging.disable(logging.CRITICAL)
        sink = stack.enter_context(tempfile.TemporaryFile())
        for number in (1, 2):
            with suppress(OSError):  # a process without that stream
                stack.callback(_put_back, os.dup(number), number)
                os.dup2(sink.fileno(), number)
        stack.callback(_flush_c)
        yield


def _put_back(kept: int, number: int) -> None:
    os.dup2(kept, number)
    os.close(kept)


def _flush_c() -> None:
    """Have what C and C++ hold back of their own output written, while nobody reads it."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
