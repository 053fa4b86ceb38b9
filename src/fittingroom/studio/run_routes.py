"""The runs' part of the API: the table, a class's, one run, its predictions, its page, comparing, deleting."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from starlette.responses import FileResponse

from fittingroom.errors import FittingRoomError
from fittingroom.runs import PAGE
from fittingroom.studio import run_table
from fittingroom.studio.data_routes import as_json
from fittingroom.studio.run_table import find_run, own_file
from fittingroom.studio.share_routes import shared_folder
from fittingroom.studio.training_routes import own_dataset
from fittingroom.training.snapshots import snapshot_files
from fittingroom.web.problems import Problem
from fittingroom.workflows.class_collection import collect_class

if TYPE_CHECKING:
    from fittingroom.runs import Run
    from fittingroom.studio.state import Studio


KEPT_REPLAYS = 4
HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox"
)


def run_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes, replays = APIRouter(tags=["runs"]), Replays()

    def dataset_of(name: str) -> str | None:
        environment = find_run(studio.runs, name).environment
        try:
            return own_dataset(studio, str(environment.get("dataset")), environment.get("fingerprint"))
        except (Problem, FittingRoomError):
            return None

    @routes.get("/runs")
    def table() -> list[dict[str, Any]]:
        """List the runs, the newest first."""
        return run_table.table(studio.runs)

    @routes.get("/class")
    def class_table(dataset: str = "fashion-mnist") -> Response:
        """Return the runs of a class, judged anew on a dataset that this studio has, as they are now; without names."""
        return as_json(collect_class(studio.runs, data=studio.registry.open(dataset).data).to_dict())

    @routes.get("/runs/{name}")
    def one(name: str) -> dict[str, Any]:
        """Return a run with its history, every value used, and the name under which this studio has its dataset."""
        run = find_run(studio.runs, name)
        run_table.check_files(run)
        more: dict[str, Any] = {"history": run.history, "resolved": run.resolved, "open_as": dataset_of(name)}
        more["snapshots"] = len(snapshot_files(run.folder))
        return run_table.full_row(run, run.summary()) | more

    @routes.get("/runs/{name}/predictions")
    def predictions(name: str) -> Response:
        """Return what a run answered, image by image."""
        found, known = run_table.predictions(find_run(studio.runs, name)), dataset_of(name)
        edge = len(studio.registry.open(known).data.train) if known else 0
        return as_json(run_table.as_columns(found, {"test": edge}))

    @routes.get("/runs/{name}/replay")
    def replay(name: str) -> dict[str, Any]:
        """Return how a run's network changed while it was trained, from its snapshots, in a process of its own."""
        run = find_run(studio.runs, name)
        run_table.check_files(run)
        return replays.of(studio, run)

    @routes.get("/runs/{name}/against/{other}")
    def against(name: str, other: str) -> dict[str, Any]:
        """Compare two runs on the same images."""
        first, second = (run_table.predictions(find_run(studio.runs, each)) for each in (name, other))
        return run_table.compare(first, second)

    return routes


class Replays:
    """Trainings that were replayed: the last few are kept, and one at a time is computed, for it takes a while."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], dict[str, Any]] = {}
        self._computing = threading.Lock()

    def of(self, studio: Studio, run: Run) -> dict[str, Any]:
        """Return how a run's network changed, as `told_replay` has it.

        Raises:
            Problem: 404, it kept no snapshots; 503, another one is being replayed; or the task's own.
        """
        files = snapshot_files(run.folder)
        if not files:
            raise Problem(404, f"'{run.name}' kept no snapshots. Train with --snapshots to see its training replayed.")
        key = str(run.folder), files[-1].stat().st_mtime_ns
        if key in self._kept:
            return self._kept[key]
        if not self._computing.acquire(blocking=False):
            raise Problem(503, "Another training is being replayed just now. Try again in a moment.")
        try:
            told = asked_apart(studio, "replay", run)
            while len(self._kept) >= KEPT_REPLAYS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = told
        finally:
            self._computing.release()
        return told


def asked_apart(studio: Studio, task: str, run: Run) -> dict[str, Any]:
    """Return what a process of its own answers about a run: what Torch and Matplotlib took is given back with it."""
    process = studio.new_model_process()
    try:
        return process.ask(task, {"run": str(run.folder)}, seconds=studio.limits.page_seconds)
    finally:
        process.close()


def run_page_routes(studio: Studio) -> APIRouter:
    """Return the routes that write: a run's page, and taking a run away."""
    routes = APIRouter(tags=["runs"])

    @routes.post("/runs/{name}/page")
    def write_page(name: str) -> dict[str, str]:
        """Write a run's page."""
        run = find_run(studio.runs, name)
        run_table.check_files(run)
        asked_apart(studio, "write_page", run)
        return {"page": f"api/runs/{quote(name)}/page"}

    @routes.get("/runs/{name}/page", response_class=Response, responses=HTML)
    def page(name: str) -> Response:
        """Return a run's page; it may come from anywhere, so it runs nothing and loads nothing."""
        path = own_file(find_run(studio.runs, name), PAGE)
        if path is None:
            raise Problem(404, f"'{name}' has no page yet.")
        return FileResponse(path, media_type="text/html", headers={"content-security-policy": PAGE_POLICY})

    @routes.delete("/runs/{name}")
    def delete(name: str) -> dict[str, str]:
        """Remove a run for good."""
        run = find_run(studio.runs, name)
        if studio.trainings.orders.is_running(name):
            raise Problem(409, f"'{name}' is being trained. Stop it first.")
        run_table.delete(run)
        shutil.rmtree(studio.trainings.orders.root / name, ignore_errors=True)
        shutil.rmtree(shared_folder(studio.work_dir, f"run/{name}"), ignore_errors=True)
        return {"deleted": name}

    return routes
