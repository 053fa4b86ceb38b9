"""The trainings' part of the API: what can be chosen, start, watch, stop, resume."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from fittingroom.errors import DataError
from fittingroom.ladder.ladder_table import list_recipes
from fittingroom.lookup import look_up
from fittingroom.models import MODELS
from fittingroom.recipes import load_recipe, recipe_names
from fittingroom.studio.curate_routes import edits_of
from fittingroom.studio.run_table import find_run
from fittingroom.training.recipe import Recipe, expectation
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from fittingroom.studio.state import Studio
    from fittingroom.studio.training_jobs import Trainings


PAUSE_SECONDS = 0.15
ALIVE_EVERY = 60  # pauses between two lines that keep the connection open
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
Setting = bool | int | float | str | None


class Order(BaseModel):
    """What is to be trained, on what, and how."""

    dataset: str = Field(max_length=200)
    model: str = Field("walkthrough", max_length=200)
    recipe: str = Field("", max_length=200, description="A recipe's name; empty for the defaults.")
    settings: dict[str, Setting] = Field(default_factory=dict, max_length=100)
    seed: int = Field(0, ge=0, le=2**31 - 1)
    validation: int | None = Field(None, ge=1)
    edits: str = Field("", max_length=300, description="The key of a sheet, whose decisions are carried out first.")


def training_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["trainings"])
    trainings = studio.trainings
    streams = Streams(studio.limits.streams)

    @routes.get("/trainings/options")
    def options() -> dict[str, Any]:
        """List the architectures, the recipes, and every knob with its help."""
        models = [{"name": name, "title": entry.title} for name, entry in MODELS.items()]
        recipes = [
            {"name": row["name"], "settings": load_recipe(row["name"]).differences()}
            | {key: row[key] for key in ("mean", "sd", "n", "seconds")}
            for row in list_recipes()
        ]
        return {"models": models, "recipes": recipes, "knobs": knobs()}

    @routes.get("/trainings")
    def everything() -> list[dict[str, Any]]:
        """List the trainings that were started here, the newest first."""
        return [trainings.state(name) for name in trainings.orders.names()[:50]]

    @routes.post("/trainings")
    def start(order: Order) -> dict[str, Any]:
        """Start a training in a process of its own."""
        return trainings.state(trainings.start(asked_of(order, studio), order.recipe or order.model))

    @routes.post("/trainings/preview")
    def preview(order: Order) -> dict[str, Any]:
        """Draw the first batch as the network would get it; nothing is trained."""
        return studio.models.ask("preview", asked_of(order, studio), seconds=studio.limits.photo_seconds)

    @routes.get("/trainings/{name}")
    def state(name: str) -> dict[str, Any]:
        """Say how a training stands."""
        trainings.orders.folder(name)
        return trainings.state(name)

    @routes.post("/trainings/{name}/stop")
    def stop(name: str) -> dict[str, Any]:
        """Stop a training after the step under way; the run can be used and resumed."""
        trainings.orders.stop(name)
        return trainings.state(name)

    @routes.post("/trainings/{name}/resume")
    def resume(name: str) -> dict[str, Any]:
        """Go on with a run that was stopped or killed, from its last checkpoint."""
        run = find_run(studio.runs, name)
        mark, dataset = run.environment.get("fingerprint"), str(run.environment.get("dataset"))
        trainings.resume(name, str(studio.registry.source(own_dataset(studio, dataset, mark))))
        return trainings.state(name)

    @routes.get("/trainings/{name}/events", response_class=StreamingResponse, responses=EVENTS)
    async def events(name: str, after: int = 0) -> StreamingResponse:
        """Send the progress of a training as it comes, as server-sent events, until it has ended."""
        trainings.orders.folder(name)
        streams.check()
        return StreamingResponse(streams.counted(follow(trainings, name, after)), media_type="text/event-stream")

    return routes


def job_routes(studio: Studio) -> APIRouter:
    """Return the routes that list and stop whatever is under way in processes of their own."""
    routes = APIRouter(tags=["jobs"])
    trainings = studio.trainings

    @routes.get("/jobs")
    def jobs() -> list[dict[str, Any]]:
        """List what is under way: trainings, sweeps, models that are asked, and maps that are laid out."""
        orders = (("training", trainings.orders), ("sweep", studio.sweeps.orders))
        ordered = [
            {"key": name, "kind": kind, "title": name, "share": None, "words": ""}
            for kind, each in orders
            for name in each.names()
            if each.is_running(name)
        ]
        others = [
            {"key": key, "kind": "job", "title": job.title, "share": job.share, "words": job.words}
            for key, job in studio.tasks.under_way().items()
        ]
        return [*ordered, *others]

    @routes.post("/jobs/{key}/stop")
    def stop(key: str) -> dict[str, str]:
        """End a job that is no training and no sweep; what it has found so far is not kept."""
        studio.tasks.stop(key)
        return {"stopped": key}

    return routes


def asked_of(order: Order, studio: Studio) -> dict[str, Any]:
    """Return an order as the training's process takes it.

    Raises:
        UsageError: an unknown model or recipe, or a setting that does not fit.
        Problem: 404, an unknown dataset or sheet; 422, too many images held out.
        DataError: the sheet's edits cannot be followed.
    """
    look_up(order.model, MODELS, "model")
    settings = {**order.settings, "model": order.model}
    recipe = named_recipe(order.recipe).replace(**settings)
    check_held_out(order.validation, len(studio.registry.open(order.dataset).data.train))
    edits = edits_of(studio, order.dataset, order.edits)
    return {
        "dataset": str(studio.registry.source(order.dataset)),
        "model": order.model,
        "recipe": recipe.as_dict(),
        "recipe_name": order.recipe or None,
        "settings": settings,
        "seed": order.seed,
        "validation": order.validation,
        "edits": None if edits is None else str(edits),
    }


def check_held_out(count: int | None, images: int) -> None:
    """Raise where holding out so many leaves nothing to train on.

    Raises:
        Problem: 422.
    """
    if count is not None and count >= images:
        raise Problem(422, f"Expected to hold out 1 to {images - 1:,} training images, received {count:,}.")


def own_dataset(studio: Studio, dataset: str, mark: object) -> str:
    """Return the name under which this studio has the data that a run was trained on.

    Args:
        studio: with its datasets.
        dataset: its name in the run.
        mark: its fingerprint.

    Raises:
        Problem: 409, it is not open here.
    """
    for known in studio.registry.names():
        is_likely = known == dataset or known in studio.registry.folders
        if is_likely and studio.registry.open(known).data.fingerprint == mark:
            return known
    raise Problem(409, f"The data '{dataset}' are not open here. Start the studio with their folder.")


def named_recipe(name: str) -> Recipe:
    """Return a shipped recipe by name; never a file: a request names no paths."""
    if not name:
        return Recipe()
    look_up(name, dict.fromkeys(recipe_names()), "recipe")
    return load_recipe(name)


def knobs() -> list[dict[str, Any]]:
    """Return every setting of a recipe: its kind, default, unit, bounds and help."""
    rows = []
    for entry in dataclasses.fields(Recipe):
        if entry.name == "model":
            continue
        kind, _, other = str(entry.type).partition(" | ")
        can_be = {"can_be_auto": other == "Auto", "can_be_none": other == "None"}
        words = {"name": entry.name, "kind": kind, **can_be, "default": entry.default}
        rows.append(
            {**words, **entry.metadata, "choices": list(entry.metadata["choices"]), "expects": expectation(entry)}
        )
    return rows


class Streams:
    """The event streams that are open, so many at most."""

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0

    def check(self) -> None:
        """Raise where there is no room for another.

        Raises:
            Problem: 429.
        """
        if self.count >= self.most:
            raise Problem(429, f"{self.most} pages are watching already. Close one.", self.most)

    async def counted(self, lines: AsyncIterator[str]) -> AsyncIterator[str]:
        """Count a stream for as long as it is open."""
        self.count += 1
        try:
            async for line in lines:
                yield line
        finally:
            self.count -= 1


async def follow(trainings: Trainings, name: str, after: int) -> AsyncIterator[str]:
    """Yield server-sent events until the training has ended; its state is the last."""
    seen, quiet = max(0, after), 0
    while True:
        running = trainings.orders.is_running(name)
        try:
            fresh = await anyio.to_thread.run_sync(trainings.lines, name, seen)
        except DataError:  # its state, which is sent last, says what is wrong
            running, fresh = False, []
        for line in fresh:
            seen += 1
            yield f"id: {seen}\nevent: {line['kind']}\ndata: {json.dumps(line)}\n\n"
        if not running:
            yield f"event: state\ndata: {json.dumps(trainings.state(name))}\n\n"
            return
        quiet = 0 if fresh else quiet + 1
        if quiet % ALIVE_EVERY == ALIVE_EVERY - 1:
            yield ": still here\n\n"
        await anyio.sleep(PAUSE_SECONDS)
