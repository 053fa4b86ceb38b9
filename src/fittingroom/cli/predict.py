"""`fittingroom predict`: name 28x28 grey pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fittingroom.arrays import Images, Predict
from fittingroom.cli.options import Json, ModelName, Quiet
from fittingroom.cli.output import emit, emit_json, say, speaker, table
from fittingroom.data import class_names
from fittingroom.errors import FittingRoomError, UsageError
from fittingroom.models.load import IN_A_RUN
from fittingroom.pictures import read_pictures
from fittingroom.runs import is_run, list_runs, open_run
from fittingroom.workflows.evaluation import as_predict


def predict(
    *pictures: Annotated[Path, Parameter(help="Grey 8-bit PNG, or .npy of uint8 (h, w) or (n, h, w).")],
    model: ModelName = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Name pictures that look like the dataset's: grey, of the model's size, taken as they are.

    Without --model the newest run in runs/ answers. Exits with 1 where some pictures failed, with 2 where all did.
    """
    if not pictures:
        raise UsageError("Expected at least one picture. Example: fittingroom predict --model runs/my-run picture.png")
    chosen = model or _newest_run(speaker(quiet or json))
    answer, names = as_predict(chosen), _names(chosen)
    rows = [row for path in pictures for row in _answer(path, answer, names)]
    failed = [row for row in rows if "error" in row]
    if json:
        emit_json(rows)
    else:
        good = [row for row in rows if "error" not in row]
        if good:
            emit(table(["picture", "is", "confidence", "else"], [_text(row) for row in good]))
        for row in failed:
            say(f"fittingroom: {row['error']}")
    return 0 if not failed else 2 if len(failed) == len(rows) else 1


def _newest_run(tell: Any) -> str:
    ready = [run for run in list_runs() if (run.folder / IN_A_RUN).exists()]
    if not ready:
        raise UsageError("No --model was given and there is no run in runs/ yet. Train one: fittingroom tutorial")
    newest = max(ready, key=lambda run: (run.folder / IN_A_RUN).stat().st_mtime)
    tell(f"No --model was given: the newest run answers, {newest.folder}.")
    return str(newest.folder)


def _names(model: str) -> tuple[str, ...] | None:
    if is_run(Path(model)):
        return tuple(open_run(model).environment.get("class_names", ())) or None
    return class_names


def _answer(path: Path, answer: Predict, names: tuple[str, ...] | None) -> list[dict[str, Any]]:
    start = time.perf_counter()
    try:
        images = read_pictures(path)
        probabilities = answer(images)
    except FittingRoomError as error:
        return [{"schema": SCHEMA, "path": str(path), "error": str(error)}]
    seconds = (time.perf_counter() - start) / len(images)
    return [_row(path, images, row, index, names, seconds) for index, row in enumerate(probabilities)]


SCHEMA = "fittingroom/predict/1"


def _row(
    path: Path, images: Images, probabilities: Any, index: int, names: tuple[str, ...] | None, seconds: float
) -> dict[str, Any]:
    if names is None or len(names) != len(probabilities):
        names = tuple(str(label) for label in range(len(probabilities)))
    best = int(probabilities.argmax())
    return {
        "schema": SCHEMA,
        "path": str(path) if len(images) == 1 else f"{path}[{index}]",
        "as": "data",
        "label": names[best],
        "confidence": float(probabilities[best]),
        "probabilities": {name: float(value) for name, value in zip(names, probabilities, strict=True)},
        "warnings": [],
        "seconds": seconds,
    }


def _text(row: dict[str, Any]) -> tuple[str, str, str, str]:
    ranked = sorted(row["probabilities"].items(), key=lambda item: -item[1])
    others = ", ".join(f"{name} {share:.1%}" for name, share in ranked[1:3])
    return row["path"], row["label"], f"{row['confidence']:.1%}", others
