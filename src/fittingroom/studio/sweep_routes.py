"""The sweeps' part of the API: what can be varied, start, watch, stop, go on, the page, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from fittingroom.errors import UsageError
from fittingroom.extras import install_line, missing
from fittingroom.jobs.places import cores
from fittingroom.lookup import look_up
from fittingroom.models import MODELS
from fittingroom.studio.run_routes import HTML, PAGE_POLICY
from fittingroom.studio.training_routes import Setting, knobs, named_recipe
from fittingroom.web.problems import Problem
from fittingroom.workflows.sweep_space import NOT_VARIED, SweepSpace, held_out_sizes, read_space, trial_count

if TYPE_CHECKING:
    from fittingroom.studio.state import Studio

LISTED = 50  # sweeps, the newest first
MOST_TRIALS, MOST_WORKERS = 10_000, 64
Varied = Annotated[list[Setting], Field(max_length=200)] | dict[str, Setting]


class SweepOrder(BaseModel):
    """What is to be searched, on what, and how; a range is ``{"low": 0.01, "high": 0.1, "log": true}``."""

    dataset: str = Field(max_length=200)
    recipe: str = Field("", max_length=200, description="A recipe's name; empty for the defaults.")
    settings: dict[str, Setting] = Field(default_factory=dict, max_length=100, description="The same in every trial.")
    space: dict[str, Varied] = Field(max_length=100, description="What is varied: lists of values, or ranges.")
    trials: int | None = Field(None, ge=1, le=MOST_TRIALS)
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    pruner: Literal["hyperband", "none"] = "hyperband"
    finalists: int = Field(5, ge=0, le=100)
    fresh_seeds: int = Field(5, ge=1, le=100)
    validation: int | None = Field(None, ge=1)
    second: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0, le=2**31 - 1)
    workers: int = Field(1, ge=1, le=MOST_WORKERS, description="Trainings at once; 1 trains in one process.")
    threads: int | None = Field(None, ge=1, le=1024, description="Of each training; a fair share where left out.")


class More(BaseModel):
    """How many trials there are to be in all."""

    trials: int | None = Field(None, ge=1, le=MOST_TRIALS)


def sweep_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["sweeps"])
    sweeps = studio.sweeps

    @routes.get("/sweeps/options")
    def options() -> dict[str, Any]:
        """Tell which settings can be varied, how many trainings this machine can do at once, and what lacks."""
        varied = [row["name"] for row in knobs() if row["name"] not in NOT_VARIED]
        needs = {extra: install_line(extra, tells_path=False) for extra in ("sweep", "cluster") if missing(extra)}
        return {"varied": varied, "cores": cores(), "needs": needs}

    @routes.get("/sweeps")
    def everything() -> list[dict[str, Any]]:
        """List the sweeps that were started here, the newest first."""
        return [sweeps.brief(name) for name in sweeps.orders.names()[:LISTED]]

    @routes.post("/sweeps")
    def start(order: SweepOrder) -> dict[str, Any]:
        """Start a sweep in a process of its own."""
        return sweeps.state(sweeps.start(asked_of(order, studio)))

    @routes.get("/sweeps/{name}")
    def state(name: str) -> dict[str, Any]:
        """Say how a sweep stands: its trials, what is under way, and what came out."""
        sweeps.orders.folder(name)
        return sweeps.state(name)

    @routes.post("/sweeps/{name}/stop")
    def stop(name: str) -> dict[str, Any]:
        """Stop a sweep; what is finished is kept, and it can be gone on with."""
        sweeps.orders.stop(name)
        return sweeps.state(name)

    @routes.post("/sweeps/{name}/resume")
    def resume(name: str, more: More) -> dict[str, Any]:
        """Go on with a sweep that was stopped, killed or failed, or add trials to one that is done."""
        sweeps.go_on(name, more.trials)
        return sweeps.state(name)

    @routes.get("/sweeps/{name}/page", response_class=Response, responses=HTML)
    def page(name: str) -> Response:
        """Return a sweep's page, which runs nothing and loads nothing."""
        path = sweeps.page(name)
        if path is None:
            raise Problem(404, f"'{name}' has no page yet: it is written when the sweep is done.")
        return FileResponse(path, media_type="text/html", headers={"content-security-policy": PAGE_POLICY})

    @routes.delete("/sweeps/{name}")
    def delete(name: str) -> dict[str, str]:
        """Remove a sweep with the runs of its trials for good."""
        sweeps.delete(name)
        return {"deleted": name}

    return routes


def asked_of(order: SweepOrder, studio: Studio) -> dict[str, Any]:
    """Return an order as the sweep's process takes it, checked before anything is written.

    Raises:
        UsageError: an unknown network, recipe or setting, a value that does not fit, nothing to vary.
        Problem: 404, an unknown dataset; 409, a package is not installed.
    """
    _check_packages(order)
    recipe = named_recipe(order.recipe)
    networks = [order.settings.get("model"), *_listed(order.space.get("model"))]
    for network in networks:
        if network is not None:
            look_up(str(network), MODELS, "model")  # a name, and never a file
    space: dict[str, Any] = {"settings": order.settings, "space": order.space}
    space |= {"recipe": order.recipe} if order.recipe else {}
    try:
        read = read_space(space)
    except UsageError as error:
        raise UsageError(str(error).removeprefix("space: ")) from None
    trials = trial_count(read, order.sampler, order.trials)
    images = len(studio.registry.open(order.dataset).data.train)
    validation, second = held_out_sizes(images, order.validation, order.second)
    return {
        **order.model_dump(include={"sampler", "pruner", "finalists", "fresh_seeds", "seed", "workers", "threads"}),
        "name": order.dataset,
        "dataset": str(studio.registry.source(order.dataset)),
        "recipe": order.recipe,
        "model": str(order.settings.get("model") or recipe.model or "walkthrough"),
        "settings": {key: value for key, value in order.settings.items() if key != "model"},
        "space": space,
        "varied": _words(read),
        "trials": trials,
        "validation": validation,
        "second": second,
    }


def _listed(varied: list[Setting] | dict[str, Setting] | None) -> list[Setting]:
    return varied if isinstance(varied, list) else []


def _words(space: SweepSpace) -> dict[str, str]:
    return {each.name: each.words() for each in space.dimensions}


def _check_packages(order: SweepOrder) -> None:
    for extra, is_needed, what in (("sweep", True, "A sweep"), ("cluster", order.workers > 1, "More than one worker")):
        if is_needed and missing(extra):
            line = install_line(extra, tells_path=False)
            raise Problem(409, f"{what} needs packages that are not installed. Install them: {line}")
