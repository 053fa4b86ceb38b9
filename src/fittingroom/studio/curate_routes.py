"""Curating: sheets of pictures to decide about, decisions, tags, undoing, and audits that are made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from fittingroom.audit.audit_files import VALUES
from fittingroom.data.edits import read_edits
from fittingroom.extras import install_line, missing
from fittingroom.lookup import look_up
from fittingroom.pages.label_sheet import LabelSheet
from fittingroom.recipes import recipe_names
from fittingroom.runs import Run
from fittingroom.studio import curation
from fittingroom.studio.data_routes import BYTES, as_json
from fittingroom.studio.run_table import row, runs_of
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.studio.state import Studio

MOST_IMAGES = 100_000  # in one decision


class OnSheet(BaseModel):
    """A sheet, and the dataset that it is of; "" for pictures to label, which are of none."""

    dataset: str = Field("", max_length=300)
    sheet: str = Field(max_length=300)


class Decision(OnSheet):
    """What is decided about some images."""

    images: list[int] = Field(min_length=1, max_length=MOST_IMAGES)
    edit: str = Field(max_length=300, description="keep, exclude, relabel CLASS, or nothing for undecided.")


class Tagging(OnSheet):
    """A tag that some images are given, or that is taken from them."""

    images: list[int] = Field(min_length=1, max_length=MOST_IMAGES)
    tag: str = Field(max_length=200)
    on: bool = True


class AuditWish(BaseModel):
    """Which data are to be audited, by networks of which recipe."""

    dataset: str = Field(max_length=300)
    recipe: str = Field("90", max_length=200)


def curate_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["curate"])

    @routes.get("/curate/sheets")
    def sheets(dataset: str = "") -> list[dict[str, Any]]:
        """List a dataset's audits, a person's own sheet of it, and the sheets of pictures to label."""
        return [curation.summary(sheet) for sheet in curation.sheets_of(studio, dataset)]

    @routes.get("/curate/sheet")
    def one(sheet: str, dataset: str = "") -> Response:
        """Return a sheet's pictures in its order, with what speaks for and against, and every decision so far."""
        return as_json(curation.told_rows(curation.find_sheet(studio, dataset, sheet)))

    @routes.get("/curate/pictures", response_class=Response, responses=BYTES)
    def pictures(sheet: str) -> Response:
        """Return the pictures of a sheet to label, bytes one after the other; their shape is in a header."""
        found = curation.find_sheet(studio, "", sheet).data
        if not isinstance(found, LabelSheet):
            raise Problem(404, "Only sheets of pictures to label have pictures of their own.")
        shape = "x".join(map(str, found.pictures.shape))
        content = np.ascontiguousarray(found.pictures).tobytes()
        return Response(content, media_type="application/octet-stream", headers={"x-shape": shape})

    @routes.post("/curate/decisions")
    def decide(decision: Decision) -> dict[str, Any]:
        """Write a decision into the sheet's file; it is there when this is answered."""
        sheet = curation.find_sheet(studio, decision.dataset, decision.sheet)
        return curation.decide(sheet, decision.images, decision.edit)

    @routes.post("/curate/tags")
    def tag(wish: Tagging) -> dict[str, Any]:
        """Give images a tag, or take it from them."""
        sheet = curation.find_sheet(studio, wish.dataset, wish.sheet)
        return curation.put_tag(sheet, wish.images, wish.tag, on=wish.on)

    @routes.post("/curate/undo")
    def undo(wish: OnSheet) -> dict[str, Any]:
        """Take the last decision or tag back."""
        return curation.undo(curation.find_sheet(studio, wish.dataset, wish.sheet))

    return routes


def curating_jobs_routes(studio: Studio) -> APIRouter:
    """Return the routes of what comes before curating and after it: audits, and the runs to compare."""
    routes = APIRouter(tags=["curate"])

    @routes.get("/curate/audits")
    def audit_state(dataset: str, recipe: str = "90") -> dict[str, Any]:
        """Say whether an audit is there, or how far it is."""
        folder = _audit_folder(studio, dataset, recipe)
        return {"state": "ready"} if (folder / VALUES).is_file() else studio.tasks.state_of(f"audit-{folder.name}")

    @routes.post("/curate/audits")
    def audit(wish: AuditWish) -> dict[str, Any]:
        """Begin an audit in a process of its own; it leaves the labels of the test images alone."""
        folder = _audit_folder(studio, wish.dataset, wish.recipe)
        if (folder / VALUES).is_file():
            return {"state": "ready"}
        if missing("audit"):
            raise Problem(422, f"An audit needs cleanlab. Install it with: {install_line('audit', tells_path=False)}")
        arguments = (studio.registry.source(wish.dataset), wish.recipe, folder)
        title = f"Auditing {wish.dataset}"
        return studio.tasks.start(f"audit-{folder.name}", "fittingroom.studio.curation", arguments, title).state()

    @routes.get("/curate/runs")
    def runs(dataset: str) -> list[dict[str, Any]]:
        """List the runs on a dataset, with the edits that each was trained with: those before and after curating."""
        mark = studio.registry.open(dataset).data.fingerprint
        return [told for run in reversed(runs_of(studio.runs)) if (told := _told(run, mark)) is not None]

    return routes


def _audit_folder(studio: Studio, dataset: str, recipe: str) -> Path:
    look_up(recipe, dict.fromkeys(recipe_names()), "recipe")
    return curation.audit_folder(studio, dataset, recipe)


def _told(run: Run, fingerprint: str) -> dict[str, Any] | None:
    """Return a run of these data as a line, or None for another and for one that cannot be read."""
    told = row(run)
    if told.get("error") or told.get("fingerprint") != fingerprint:
        return None
    keys = ("name", "model", "seed", "test_accuracy", "has_predictions", "recipe")
    return {**{key: told[key] for key in keys}, "edits": run.environment.get("edits")}


def edits_of(studio: Studio, dataset: str, key: str) -> Path | None:
    """Return the file of edits of a sheet that a training is to begin with, read once to see that it can be followed.

    Args:
        studio: with its sheets.
        dataset: that is trained on.
        key: of the sheet; "" for none.

    Raises:
        Problem: 404, there is no such sheet; 422, it has no file yet, or is of pictures to label.
        DataError: its file cannot be followed.
    """
    if not key:
        return None
    sheet = curation.find_sheet(studio, dataset, key)
    if sheet.kind == "labels":
        raise Problem(422, "A sheet of pictures to label has no edits of these data. Choose an audit's, or your own.")
    if not sheet.file.exists():
        raise Problem(422, f"{sheet.place} is not there yet: nothing has been decided.")
    read_edits(sheet.file, sheet.data)
    return sheet.file
