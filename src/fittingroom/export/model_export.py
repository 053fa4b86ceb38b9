"""Export a model: as ONNX or Keras, checked in a fresh process, with its card beside it; or nothing, and why."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Images, Probabilities
from fittingroom.errors import ModelError, UsageError
from fittingroom.export.fresh_check import answers_in_fresh_process
from fittingroom.export.onnx_writer import INPUT, OUTPUT, write_onnx
from fittingroom.files import atomic_write, write_json
from fittingroom.inference.keras_engine import predictor
from fittingroom.inference.model_files import IN_A_RUN, SCHEMA, find_model, load_model, none_of_these_file, read_card
from fittingroom.inference.pixels import feed_of
from fittingroom.inference.predictor import open_predictor
from fittingroom.models.custom import WEIGHTS as KEPT_WEIGHTS
from fittingroom.models.front import for_use
from fittingroom.models.keras_file import save_keras
from fittingroom.runs import Run, is_run, open_run
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from fittingroom.inference.predictor import Predictor


FORMATS = ("onnx", "keras")
LARGEST_DIFFERENCE = 1e-4  # between two probabilities
COMPARED = 1000  # images on which tempering is checked before anything is written
LEAST_PROBABILITY = 1e-12  # below it a probability has no logarithm worth dividing


def write_model(
    name: str | Path, to: Path, images: Images, class_names: Sequence[str] = (), *, opened: Predictor | None = None
) -> Path:
    """Write a model as one file for other programs, and its card beside it, ``.json``.

    The card's entry "export" says how the file was made, what was checked, and what pixels a model of one's own was
    taken to be fitted on; the file itself takes 0..255.

    Args:
        opened: the model, and what pixels it is fed.
        name: a run folder, a ``.keras`` file, or a shipped name: what was opened.
        to: the file to write; its end, ``.onnx`` or ``.keras``, is the format.
        images: uint8 ``(n, h, w)`` on which the file has to agree with the model.
        class_names: in the order of the outputs.

    Returns:
        The file.

    Raises:
        UsageError: another format, or something is there already.
        ModelError: no such model, it cannot be written so, or the file does not agree; then it is removed.
    """
    _check_ending(to)
    source = _source(name)
    second = none_of_these_file(source)
    second_to = to.with_name(f"{to.stem}-none.onnx")
    _check_free(to, to.with_suffix(".json"), *([] if second is None else [second_to]))
    to.parent.mkdir(parents=True, exist_ok=True)
    opened = opened or open_predictor(name)
    made = _written(opened, source, to, images, class_names)
    card = _card(source, _run_of(source), class_names)
    card |= {"export": made, "tempered": True, "temperature": opened.temperature}
    if second is not None:
        atomic_write(second_to, partial(shutil.copyfile, second))
        card["none_of_these"] = {**card["none_of_these"], "file": second_to.name}
    write_json(to.with_suffix(".json"), card)
    return to


def _source(name: str | Path) -> Path:
    """Return the file that holds a model: a run's weights where its owner's Python makes the rest."""
    folder = Path(name)
    has_weights_alone = (folder / KEPT_WEIGHTS).is_file() and not (folder / IN_A_RUN).is_file()
    return folder / KEPT_WEIGHTS if has_weights_alone else find_model(name)


def _written(opened: Predictor, source: Path, to: Path, images: Images, class_names: Sequence[str]) -> dict[str, Any]:
    """Write the file, tempered and behind its front, and return how it was made."""
    if source.name == KEPT_WEIGHTS:
        if to.suffix == ".keras" or opened.model is None:
            raise ModelError(
                f"{opened.title}: its owner's own Python makes this model, so it cannot be opened as {to.suffix} "
                "without that. Write it as ONNX: --format onnx, while that Python is there."
            )
        more: dict[str, Any] = {"pixels": opened.pixels, "temperature": opened.temperature}
        return checked_onnx(opened.model, to, images, class_names, expected=opened.predict(images), **more)
    model = load_model(source)
    if opened.is_own:
        height, width = images.shape[1:]
        feed = opened.feed or feed_of(opened.pixels or "unit")
        model = for_use(model, (height, width), feed=feed)
    model = at_temperature(model, opened.temperature)
    _check_tempered(model, opened, images[:COMPARED])
    if to.suffix == ".keras":
        save_keras(model, to)
        made: dict[str, Any] = {"format": "keras"}
    else:
        made = checked_onnx(model, to, images, class_names)
    return made | (
        {"fitted_on": {"pixels": opened.pixels, "scale": feed[0], "offset": feed[1]}} if opened.is_own else {}
    )


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


def checked_onnx(
    model: Any,
    to: Path,
    images: Images,
    class_names: Sequence[str] = (),
    *,
    pixels: str | None = None,
    temperature: float = 1.0,
    expected: Probabilities | None = None,
) -> dict[str, Any]:
    """Write a model as ONNX, and remove the file again where a fresh process does not get the same from it.

    Args:
        model: a Keras model or torch module.
        to: the file.
        images: uint8 ``(n, h, w)`` to compare on.
        class_names: in the order of the outputs.
        pixels: what it is fed, see `keras_engine.predictor`.
        temperature: that its logits are divided by.
        expected: probabilities ``(n, classes)`` that the file has to give; None to ask the model itself.

    Returns:
        How it was made, for a card: format, opset, input, output, what was checked.

    Raises:
        ModelError: it cannot be written, or does not agree.
    """
    height, width = images.shape[1:]
    opset = write_onnx(model, to, (height, width), class_names, pixels=pixels, temperature=temperature)
    try:
        answers = answers_in_fresh_process(to, images)
        expected = predictor(model, pixels=pixels)(images) if expected is None else expected
        same = int((answers.argmax(axis=1) == expected.argmax(axis=1)).sum())
        difference = float(np.abs(answers - expected).max(initial=0))
        if same < len(images) or difference > LARGEST_DIFFERENCE:
            raise ModelError(
                f"{to}: expected the same label on {counted(len(images), 'image')} and probabilities within "
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
