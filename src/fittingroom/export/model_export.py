"""Export a model: as ONNX or Keras, checked in a fresh process, with its card beside it; or nothing, and why."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Images
from fittingroom.errors import ModelError, UsageError
from fittingroom.export.fresh_check import answers_in_fresh_process
from fittingroom.files import atomic_write, write_json
from fittingroom.inference.keras_engine import predictor
from fittingroom.inference.model_files import SCHEMA, find_model, load_model, none_of_these_file, read_card
from fittingroom.inference.predictor import Predictor, open_predictor
from fittingroom.models.front import input_shape
from fittingroom.runs import Run, is_run, open_run

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


FORMATS = ("onnx", "keras")
LARGEST_DIFFERENCE = 1e-4  # between two probabilities
COMPARED = 1000  # images on which tempering is checked before anything is written
LEAST_PROBABILITY = 1e-12  # below it a probability has no logarithm worth dividing


def write_model(name: str | Path, to: Path, images: Images, class_names: Sequence[str] = ()) -> Path:
    """Write a model as one file for other programs, and its card beside it, ``.json``.

    The card's entry "export" says how the file was made and what was checked.

    Args:
        name: a run folder, a ``.keras`` file, or a shipped name.
        to: the file to write; its end, ``.onnx`` or ``.keras``, is the format.
        images: uint8 ``(n, h, w)`` on which an ONNX file has to agree with the model.
        class_names: in the order of the outputs.

    Returns:
        The file.

    Raises:
        UsageError: another format, or something is there already.
        ModelError: no such model, it cannot be written as ONNX, or the file does not agree; then it is removed.
    """
    _check_ending(to)
    source = find_model(name)
    second = none_of_these_file(source)
    second_to = to.with_name(f"{to.stem}-none.onnx")
    _check_free(to, to.with_suffix(".json"), *([] if second is None else [second_to]))
    to.parent.mkdir(parents=True, exist_ok=True)
    opened = open_predictor(source)
    model = at_temperature(load_model(source), opened.temperature)
    _check_tempered(model, opened, images[:COMPARED])
    if to.suffix == ".keras":
        atomic_write(to, model.save)
        made: dict[str, Any] = {"format": "keras"}
    else:
        made = checked_onnx(model, to, images, class_names)
    card = _card(source, _run_of(source), class_names)
    card |= {"export": made, "tempered": True, "temperature": opened.temperature}
    if second is not None:
        atomic_write(second_to, partial(shutil.copyfile, second))
        card["none_of_these"] = {**card["none_of_these"], "file": second_to.name}
    write_json(to.with_suffix(".json"), card)
    return to


def at_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """Return a model whose probabilities are tempered already: its logits are divided by the temperature.

    Args:
        model: for use: pixels 0..255 in, probabilities out; changed in place where its last layer can hold it.
        temperature: above 1 makes the probabilities less sure, below 1 surer; the order never changes.

    Source: C. Guo and others, arXiv 1706.04599.
    """
    if temperature == 1:
        return model
    import keras

    last = _last_layer(model)
    if isinstance(last, keras.layers.Dense) and last.activation is keras.activations.softmax:
        last.set_weights([weights / temperature for weights in last.get_weights()])
        return model
    logs = keras.ops.log(keras.ops.clip(model.outputs[0], LEAST_PROBABILITY, 1.0))
    tempered = keras.layers.Softmax(name="tempered")(logs / temperature)
    return keras.Model(model.inputs, tempered, name=model.name)


def _last_layer(model: Any) -> Any:
    import keras

    while isinstance(model, keras.Model) and getattr(model, "layers", None):
        model = model.layers[-1]
    return model


def checked_onnx(model: keras.Model, to: Path, images: Images, class_names: Sequence[str] = ()) -> dict[str, Any]:
    """Write a model as ONNX, and remove the file again where a fresh process does not get the same from it.

    Args:
        model: for use: pixels 0..255 in, probabilities out.
        to: the file.
        images: uint8 ``(n, h, w)`` to compare on.
        class_names: in the order of the outputs.

    Returns:
        How it was made, for a card: format, opset, input, output, what was checked.

    Raises:
        ModelError: it cannot be written, or does not agree.
    """
    opset = write_onnx(model, to, class_names)
    try:
        answers, expected = answers_in_fresh_process(to, images), predictor(model)(images)
        same = int((answers.argmax(axis=1) == expected.argmax(axis=1)).sum())
        difference = float(np.abs(answers - expected).max(initial=0))
        if same < len(images) or difference > LARGEST_DIFFERENCE:
            raise ModelError(
                f"{to}: expected the same label on all {len(images):,} images and probabilities within "
                f"{LARGEST_DIFFERENCE:g}, received {same:,} and {difference:.1e}. The file was removed."
            )
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    engine = "ONNX Runtime, in a fresh process"
    return {
        "format": "onnx",
        "opset": opset,
        "input": {"name": INPUT, "type": "uint8", "shape": ["n", "height", "width"], "means": "0 black to 255"},
        "output": {"name": OUTPUT, "type": "float32", "shape": ["n", "classes"], "means": "sums to 1"},
        "checked": {"engine": engine, "images": len(images), "same_label": same, "largest_difference": difference},
    }


def _check_tempered(model: keras.Model, opened: Predictor, images: Images) -> None:
    difference = float(np.abs(predictor(model)(images) - opened.predict(images)).max(initial=0))
    if difference > LARGEST_DIFFERENCE:
        raise ModelError(
            f"Model '{opened.title}': expected its tempered probabilities within {LARGEST_DIFFERENCE:g} from the file "
            f"to write, received a difference of {difference:.1e}. Nothing was written."
        )


def _check_ending(to: Path) -> None:
    if to.suffix not in (".onnx", ".keras"):
        raise UsageError(f"{to}: expected a file that ends in .onnx or .keras.")


def _check_free(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise UsageError(f"{path} is there already. Choose another --out.")


def _run_of(source: Path) -> Run | None:
    return open_run(source.parent) if is_run(source.parent) else None


def _card(source: Path, run: Run | None, class_names: Sequence[str]) -> dict[str, Any]:
    """Return the card: a shipped model's own, or one from the run."""
    return read_card(source) or {
        "schema": SCHEMA,
        "name": source.parent.name if run else source.stem,
        "data": {"classes": list(class_names)},
        **({} if run is None else _facts(run)),
    }


def _facts(run: Run) -> dict[str, Any]:
    environment = run.environment
    names = list(environment.get("class_names") or ())
    verdict = run.verdict or {}
    tested = {key: value for key, value in verdict.items() if key != "page"} if verdict.get("split") == "test" else None
    return {
        "data": {
            "name": environment.get("dataset"),
            "fingerprint": environment.get("fingerprint"),
            "classes": names,
        },
        "recipe": run.resolved,
        "test": {"this": tested, "looks": len(run.test_looks)},
        "environment": environment,
    }
