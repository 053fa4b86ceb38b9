"""Export a model: its file, checked, and its card beside it; or nothing, and why."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.arrays import Images
from fittingroom.errors import ModelError, UsageError
from fittingroom.export.check import LARGEST_DIFFERENCE, Agreement, agreement
from fittingroom.export.onnx_file import INPUT, OUTPUT, write_onnx
from fittingroom.models.card import SCHEMA, none_of_these_file, read_card
from fittingroom.models.load import find_model, load_model
from fittingroom.models.predict import predictor
from fittingroom.runs import Run, is_run, open_run, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

FORMATS = ("onnx", "keras")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the model's file.
        card: of the card beside it.
        judge: of the network beside it that tells what is none of the classes; None where the model has none.
        size_bytes: of the model's file.
        opset: of ONNX's operators; None for a Keras file.
        agreement: with the model it came from; None for a Keras file, which is that model.
    """

    path: Path
    card: Path
    judge: Path | None
    size_bytes: int
    opset: int | None
    agreement: Agreement | None


def export_model(name: str | Path, to: Path, images: Images, class_names: Sequence[str] = ()) -> Exported:
    """Export a model for other programs.

    Args:
        name: a run folder, a ``.keras`` file, or a shipped name.
        to: the file to write; its end, ``.onnx`` or ``.keras``, is the format.
        images: uint8 ``(n, h, w)`` on which an ONNX file has to agree with the model.
        class_names: in the order of the outputs.

    Raises:
        UsageError: another format, or something is there already.
        ModelError: no such model, it cannot be written as ONNX, or the file does not agree; then it is removed.
    """
    _check_ending(to)
    source = find_model(name)
    judge = none_of_these_file(source)
    judge_to = to.with_name(f"{to.stem}-none.onnx")
    _check_free(to, to.with_suffix(".json"), *([] if judge is None else [judge_to]))
    to.parent.mkdir(parents=True, exist_ok=True)
    if to.suffix == ".keras":
        shutil.copyfile(source, to)
        opset, compared = None, None
    else:
        opset, compared = checked_onnx(load_model(name), to, images, class_names)
    card = _card(source, _run_of(source), class_names, opset, compared)
    if judge is not None:
        shutil.copyfile(judge, judge_to)
        card = {**card, "none_of_these": {**card["none_of_these"], "file": judge_to.name}}
    write_atomically(to.with_suffix(".json"), (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
    return Exported(
        to, to.with_suffix(".json"), None if judge is None else judge_to, to.stat().st_size, opset, compared
    )


def checked_onnx(
    model: keras.Model, to: Path, images: Images, class_names: Sequence[str] = ()
) -> tuple[int, Agreement]:
    """Write a model as ONNX, and remove the file again where a fresh process does not get the same from it.

    Args:
        model: for use: pixels 0..255 in, probabilities out.
        to: the file.
        images: uint8 ``(n, h, w)`` to compare on.
        class_names: in the order of the outputs.

    Returns:
        The opset, and how the file compares.

    Raises:
        ModelError: it cannot be written, or does not agree.
    """
    opset = write_onnx(model, to, class_names)
    try:
        compared = agreement(to, images, predictor(model)(images))
        if not compared.is_close:
            raise ModelError(
                f"{to}: expected the same label on all {compared.n:,} images and probabilities within "
                f"{LARGEST_DIFFERENCE:g}, received {compared.same_label:,} and {compared.largest_difference:.1e}. "
                "The file was removed."
            )
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return opset, compared


def _check_ending(to: Path) -> None:
    if to.suffix not in (".onnx", ".keras"):
        raise UsageError(f"{to}: expected a file that ends in .onnx or .keras.")


def _check_free(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise UsageError(f"{path} is there already. Choose another --out, or remove it first.")


def _run_of(source: Path) -> Run | None:
    return open_run(source.parent) if is_run(source.parent) else None


def _card(
    source: Path, run: Run | None, class_names: Sequence[str], opset: int | None, compared: Agreement | None
) -> dict[str, Any]:
    """Return the card: a shipped model's own, or one from the run, and how this file was made."""
    card = read_card(source) or {
        "schema": SCHEMA,
        "name": source.parent.name if run else source.stem,
        "data": {"classes": list(class_names)},
        **({} if run is None else _facts(run)),
    }
    made: dict[str, Any] = {"format": "keras"}
    if opset is not None and compared is not None:
        made = {
            "format": "onnx",
            "opset": opset,
            "input": {"name": INPUT, "type": "uint8", "shape": ["n", "height", "width"], "means": "0 black to 255"},
            "output": {"name": OUTPUT, "type": "float32", "shape": ["n", "classes"], "means": "not tempered"},
            "checked": {
                "engine": "ONNX Runtime, in a fresh process",
                "images": compared.n,
                "same_label": compared.same_label,
                "largest_difference": compared.largest_difference,
            },
        }
    return {**card, "export": made}


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
