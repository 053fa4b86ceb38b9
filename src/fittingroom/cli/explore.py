"""`fittingroom explore`: look at a dataset before training on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fittingroom import data
from fittingroom.cli.options import DataDir, DatasetName, Json, Quiet
from fittingroom.cli.output import emit, emit_json, log_unless, table
from fittingroom.workflows.exploration import facts, save_pictures


def explore(
    *,
    dataset: DatasetName = "fashion-mnist",
    data_dir: DataDir = None,
    pictures: Annotated[Path | None, Parameter(help="A folder to save three pictures into, as PNG.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print shapes, counts, labels per class and pixel range; with --pictures, save what there is to see."""
    log = log_unless(quiet or json)
    loaded = data.load(dataset, data_dir=data_dir, log=log)
    found = facts(loaded)
    saved = save_pictures(loaded, pictures) if pictures else []
    if json:
        emit_json(found | {"pictures": [str(path) for path in saved]})
        return
    emit(table(["split", "images", "labels", "pixels"], [_split_row(split) for split in found["splits"]]))
    counts = [split["labels_per_class"] for split in found["splits"]]
    emit("")
    emit(
        table(["label", "class", "train", "test"], zip(range(loaded.classes), loaded.class_names, *counts, strict=True))
    )
    for path in saved:
        emit(str(path))


def _split_row(split: dict[str, Any]) -> tuple[object, ...]:
    low, high = split["pixel_range"]
    return split["name"], split["images"], split["labels"], f"{split['dtype']} {low}..{high}, mean {split['mean']:.4f}"
