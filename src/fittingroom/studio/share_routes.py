"""Sharing a model: as a web page, as a file for other programs, or what it answered as a table."""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from fittingroom.errors import UsageError
from fittingroom.inference.model_files import PHOTO_MODEL
from fittingroom.runs import Run, open_run
from fittingroom.studio.model_answers import find_entry
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from fittingroom.studio.state import Studio

Kind = Literal["page", "onnx", "keras", "predictions"]
ENDINGS = {"page": "-page.zip", "onnx": ".onnx", "keras": ".keras", "predictions": "-predictions.csv"}
FOLDER = re.compile(r"[0-9a-f]{16}")
FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


class Wish(BaseModel):
    """What is to be shared."""

    model: str = Field(max_length=200, description="The key of a model.")
    kind: Kind


def share_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["share"])

    @routes.post("/share")
    def share(wish: Wish) -> dict[str, str]:
        """Write a file to share, in a process of its own, and tell where it can be fetched."""
        entry = find_entry(studio, wish.model)
        folder = shared_folder(studio.work_dir, entry.key)
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", entry.title.rpartition("/")[2]) or "model"
        writer = studio.new_model_process()
        try:
            arguments = {"model": entry.model, "kind": wish.kind, "to": str(folder / f"{stem}{ENDINGS[wish.kind]}")}
            made = writer.ask("share", arguments, seconds=studio.limits.page_seconds)
        finally:
            writer.close()
        return {"file": f"api/share/{folder.name}/{made['name']}"}

    @routes.get("/share/{folder}/{name}", response_class=Response, responses=FILE)
    def fetch(folder: str, name: str) -> Response:
        """Return a file that was written to share."""
        root = studio.work_dir / "share"
        there = {path.name: path for path in (root / folder).iterdir()} if _is_ours(root, folder) else {}
        if name not in there:
            raise Problem(404, "There is no such file to share; write it first.")
        return FileResponse(there[name], filename=name, media_type="application/octet-stream")

    return routes


def shared_folder(work_dir: Path, key: str) -> Path:
    """Return where a model's files to share lie, by its key."""
    return work_dir / "share" / hashlib.sha256(key.encode()).hexdigest()[:16]


def _is_ours(root: Path, folder: str) -> bool:
    return bool(FOLDER.fullmatch(folder)) and (root / folder).is_dir()


def write_shared(model: str, kind: str, to: Path) -> Path:
    """Write one file to share.

    Args:
        model: a run's folder or a shipped name.
        kind: one of `ENDINGS`.
        to: the file; replaced whole. A model of two networks becomes a ``.zip`` of both beside it.

    Returns:
        The file that was written.

    Raises:
        UsageError: the network for photos as Keras, or predictions of what has none.
        FittingRoomError: as `fittingroom.export_model`.
    """
    with tempfile.TemporaryDirectory(dir=to.parent) as made:
        file = _WRITERS[kind](model, Path(made), to.name)
        target = to.with_name(file.name)
        file.replace(target)
    return target


def _page(model: str, folder: Path, name: str) -> Path:
    from fittingroom.workflows.exporting import export_web_page

    site = export_web_page(model, folder / name.removesuffix(".zip"))
    return Path(shutil.make_archive(str(site), "zip", folder, site.name))


def _file(model: str, folder: Path, name: str) -> Path:
    from fittingroom.workflows.exporting import export_model, export_model_repository

    if model == PHOTO_MODEL:
        if name.endswith(".keras"):
            raise UsageError(f"{PHOTO_MODEL} is no Keras model. Share it as an ONNX file or as a web page.")
        entry = export_model_repository(model, folder / "models")
        return (entry / "1" / "model.onnx").rename(folder / name)
    inside = folder / Path(name).stem
    inside.mkdir()
    file = export_model(model, inside / name)
    if len(list(inside.iterdir())) == 2:  # the file and its card, which the file does without
        return file
    return Path(shutil.make_archive(str(folder / f"{name}"), "zip", folder, inside.name))


def _predictions(model: str, folder: Path, name: str) -> Path:
    if not Path(model).is_dir():
        raise UsageError(f"{model}: predictions are kept of a run, and this model comes with the package.")
    return write_table(open_run(model), folder / name)


def write_table(run: Run, to: Path) -> Path:
    """Write what a run answered about the test images as a table: a row an image.

    Raises:
        RunError: it has not met them yet.
    """
    found = run.predictions
    names = found.class_names
    with to.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["index", "label", "label_name", "predicted", "predicted_name", *names])
        for index, label, row in zip(found.indices, found.labels, found.probabilities, strict=True):
            best = int(row.argmax())
            answers = [f"{value:.6g}" for value in row]
            table.writerow([int(index), int(label), names[int(label)], best, names[best], *answers])
    return to


_WRITERS = {"page": _page, "onnx": _file, "keras": _file, "predictions": _predictions}
