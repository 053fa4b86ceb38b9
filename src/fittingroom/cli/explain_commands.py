"""`fittingroom explain`: draw which pixels an answer hangs on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fittingroom.cli.options import Json, ModelName
from fittingroom.cli.output import emit, emit_json, on_one_line
from fittingroom.errors import UsageError


def explain(
    *pictures: Annotated[Path, Parameter(help="Pictures, or folders of them.")],
    out: Annotated[Path, Parameter(help="Folder for a picture of each answer; nothing in it is overwritten.")],
    model: ModelName = None,
    against: Annotated[
        str | None, Parameter(help="Why it is not this class: a name or a number; the runner-up if left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Draw which pixels an answer hangs on: what speaks for it, and what for it rather than another class.

    Grey pictures of the model's size and .npy files are data, taken as they are; all others are photos. Without --model
    fashion-mnist/photo answers photos, and fashion-mnist/photo-28 data.
    """
    from fittingroom.workflows.attributions import explain_pictures
    from fittingroom.workflows.picture_answers import pictures_in

    if not pictures:
        raise UsageError("Expected at least one picture or folder. Example: fittingroom explain shirt.jpg --out why")
    rows: list[dict[str, Any]] = []
    for path, found, saved in explain_pictures(pictures_in(pictures), model, out, against=against):
        for chances, picture in zip(found.probabilities, saved, strict=True):
            named = dict(zip(found.class_names, map(float, chances), strict=True))
            best = sorted(named, key=lambda name: -named[name])
            rows.append({"path": str(path), "predicted": best[0], "probabilities": named, "picture": str(picture)})
            if not json:
                emit(f"{on_one_line(str(path))}: {best[0]}, {named[best[0]]:.1%}. Why: {on_one_line(str(picture))}")
    if json:
        emit_json({"schema": "fittingroom/explain/1", "answers": rows})
