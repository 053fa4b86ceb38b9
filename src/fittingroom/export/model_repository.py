"""A model in the folder that the serving engines of clusters take: Triton, KServe, OpenVINO Model Server, MLServer.

Source: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_repository.html
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import UsageError
from fittingroom.export.onnx_writer import need_onnx
from fittingroom.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MOST_IMAGES = 64  # in one run of the network
WAIT_MICROSECONDS = 2000  # that an engine waits for others to fill it
TYPES = {"UINT8": "TYPE_UINT8", "FLOAT": "TYPE_FP32"}
LEAST_PROBABILITY = 1e-12  # below it a probability has no logarithm worth dividing


def write_entry(repository: Path, name: str, model_file: Path, class_names: Sequence[str]) -> Path:
    """Add a model to a repository: its file as version 1, what engines are told of it, and its labels.

    Args:
        repository: the folder, made where it is missing.
        name: of the model, as clients ask for it.
        model_file: an ONNX file whose first axis is the number of images, tempered already.
        class_names: in the order of the outputs.

    Returns:
        The model's folder.

    Raises:
        UsageError: such a model is there already, or the name fits no address.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"Expected a name of letters, digits, '.', '_' and '-' for a served model, received '{name}'.")
    entry = repository / name
    if entry.exists():
        raise UsageError(f"{entry} is there already. Choose another --out, or remove it.")
    repository.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=repository, prefix=".model-") as made:
        folder = Path(made) / name
        (folder / "1").mkdir(parents=True)
        shutil.copyfile(model_file, folder / "1" / "model.onnx")
        (folder / "labels.txt").write_text("\n".join(class_names) + "\n", "utf-8")
        (folder / "config.pbtxt").write_text(config_text(name, model_file, len(class_names)), "utf-8")
        folder.rename(entry)
    return entry


def config_text(name: str, model_file: Path, classes: int) -> str:
    """Return ``config.pbtxt``: inputs and outputs with their shapes, and that requests may be answered together.

    Args:
        name: of the model.
        model_file: an ONNX file.
        classes: as many labels as the first output has columns.
    """
    onnx = need_onnx()
    graph = onnx.load(model_file, load_external_data=False).graph
    outputs = [_tensor(onnx, each, labels=at == 0 and classes > 0) for at, each in enumerate(graph.output)]
    parts = [
        f'name: "{name}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {MOST_IMAGES}",
        f"input [\n{_tensor(onnx, graph.input[0], labels=False)}\n]",
        "output [\n" + ",\n".join(outputs) + "\n]",
        f"dynamic_batching {{\n  max_queue_delay_microseconds: {WAIT_MICROSECONDS}\n}}",
        "version_policy: { latest { num_versions: 1 } }",
    ]
    return "\n".join(parts) + "\n"


def _tensor(onnx: Any, value: Any, *, labels: bool) -> str:
    kind = value.type.tensor_type
    dims = [dim.dim_value for dim in kind.shape.dim[1:]]
    reshaped = ["    dims: [ 1 ]", "    reshape: { shape: [ ] }"]  # of one number an image
    lines = [
        f'    name: "{value.name}"',
        f"    data_type: {TYPES[onnx.TensorProto.DataType.Name(kind.elem_type)]}",
        *([f"    dims: [ {', '.join(map(str, dims))} ]"] if dims else reshaped),
        *(['    label_filename: "labels.txt"'] if labels else []),
    ]
    return "  {\n" + "\n".join(lines) + "\n  }"


def write_tempered(model_file: Path, to: Path, temperature: float) -> None:
    """Write an ONNX file again whose probabilities are tempered: as sure as the model's record warrants.

    Args:
        model_file: its first output is named "probabilities".
        to: the file to write.
        temperature: that logits are divided by.
    """
    onnx = need_onnx()
    model = onnx.load(model_file)
    if temperature != 1:
        helper, graph, own = onnx.helper, model.graph, "probabilities_untempered"
        for node in graph.node:
            for at, name in enumerate(node.output):
                if name == graph.output[0].name:
                    node.output[at] = own
            for at, name in enumerate(node.input):
                if name == graph.output[0].name:
                    node.input[at] = own
        for name, number in (("tempered_least", LEAST_PROBABILITY), ("tempered_share", 1 / temperature)):
            graph.initializer.append(helper.make_tensor(name, onnx.TensorProto.FLOAT, [], [number]))
        graph.node.extend(
            [
                helper.make_node("Max", [own, "tempered_least"], ["tempered_1"]),
                helper.make_node("Log", ["tempered_1"], ["tempered_2"]),
                helper.make_node("Mul", ["tempered_2", "tempered_share"], ["tempered_3"]),
                helper.make_node("Softmax", ["tempered_3"], [graph.output[0].name], axis=-1),
            ]
        )
    _say_plainly(onnx, model.graph)
    onnx.checker.check_model(model)
    atomic_write(to, model.SerializeToString())


def _say_plainly(onnx: Any, graph: Any) -> None:
    """Write logarithms of sums in plain steps: OpenVINO 2026.4 sums ReduceLogSumExp over all axes, whatever it says."""
    helper, nodes = onnx.helper, []
    for number, node in enumerate(graph.node):
        if node.op_type != "ReduceLogSumExp" or len(node.input) != 1:
            nodes.append(node)
            continue
        told = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        axes, keeps, own = list(told["axes"]), told.get("keepdims", 1), f"plain_{number}"
        graph.initializer.append(helper.make_tensor(f"{own}_axes", onnx.TensorProto.INT64, [len(axes)], axes))
        steps = [
            helper.make_node("ReduceMax", [node.input[0]], [f"{own}_most"], axes=axes, keepdims=1),
            helper.make_node("Sub", [node.input[0], f"{own}_most"], [f"{own}_less"]),
            helper.make_node("Exp", [f"{own}_less"], [f"{own}_powers"]),
            helper.make_node("ReduceSum", [f"{own}_powers", f"{own}_axes"], [f"{own}_sum"], keepdims=1),
            helper.make_node("Log", [f"{own}_sum"], [f"{own}_log"]),
            helper.make_node("Add", [f"{own}_log", f"{own}_most"], [node.output[0] if keeps else f"{own}_kept"]),
        ]
        if not keeps:
            steps.append(helper.make_node("Squeeze", [f"{own}_kept", f"{own}_axes"], [node.output[0]]))
        nodes.extend(steps)
    del graph.node[:]
    graph.node.extend(nodes)
