"""`fittingroom export`: a model as one file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fittingroom.cli.options import DataDir, Json, ModelName, Quiet
from fittingroom.cli.output import emit, emit_json, log_unless
from fittingroom.errors import UsageError
from fittingroom.runs import is_run, open_run

if TYPE_CHECKING:
    from fittingroom.export.export import Exported

FASHION = "fashion-mnist"


def export(
    *,
    model: ModelName = None,
    format: Annotated[  # noqa: A002
        Literal["onnx", "keras"] | None, Parameter(help="Of the file; as --out ends if left out, else onnx.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="The file; NAME.onnx or NAME.keras here if left out.")] = None,
    dataset: Annotated[
        str | None,
        Parameter(name=["--dataset", "-d"], help="Whose test images to check on; the run's own if left out."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a model as one file for other programs, with its card beside it; without --model the newest run's.

    Pixels go in as uint8 0..255 of (n, height, width), any number of images; probabilities come out. An ONNX file is
    run by ONNX Runtime in a fresh process on all test images: every label has to be the model's own and every
    probability within 1e-4, otherwise the file is removed.
    """
    from fittingroom.data import load
    from fittingroom.export.export import export_model
    from fittingroom.workflows.predictor import newest_run

    log = log_unless(quiet or json)
    chosen = model or newest_run(log)
    file = out or _default_file(chosen, format or "onnx")
    if format is not None and file.suffix != f".{format}":
        raise UsageError(f"{file}: expected a file that ends in .{format}, as --format {format} asks.")
    data = load(dataset or _dataset_of(chosen), data_dir=data_dir, log=log)
    done = export_model(chosen, file, data.test.images, data.class_names)
    if json:
        emit_json(_facts(done))
        return
    emit(f"{done.path}  {done.size_bytes / 1e6:.2f} MB, its card {done.card}")
    if done.judge is not None:
        emit(f"{done.judge}  beside it: what is none of the classes; the two belong together.")
    if done.agreement is not None:
        emit(
            f"Opset {done.opset}; input pixels, uint8 (n, height, width); output probabilities. In a fresh process "
            f"ONNX Runtime gave the same label on {done.agreement.same_label:,} of {done.agreement.n:,} images, "
            f"probabilities within {done.agreement.largest_difference:.0e}."
        )


def _dataset_of(model: str) -> str:
    if is_run(Path(model)):
        return str(open_run(model).environment.get("dataset") or FASHION)
    return FASHION


def _default_file(model: str, ending: str) -> Path:
    path = Path(model)
    return Path(f"{path.stem if path.is_file() else path.name}.{ending}")


def _facts(done: Exported) -> dict[str, Any]:
    checked = None
    if done.agreement is not None:
        checked = {
            "images": done.agreement.n,
            "same_label": done.agreement.same_label,
            "largest_difference": done.agreement.largest_difference,
        }
    return {
        "schema": "fittingroom/export/1",
        "path": str(done.path),
        "card": str(done.card),
        "none_of_these": None if done.judge is None else str(done.judge),
        "size_bytes": done.size_bytes,
        "opset": done.opset,
        "checked": checked,
    }
