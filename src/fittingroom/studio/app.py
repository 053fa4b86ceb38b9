"""The studio as an ASGI application."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from fittingroom._version import __version__
from fittingroom.studio.limits_middleware import LimitsMiddleware
from fittingroom.studio.path_redaction import hide_paths
from fittingroom.studio.problems import REFUSALS, add_handlers
from fittingroom.studio.routes.answers import answers_routes
from fittingroom.studio.routes.data import data_routes
from fittingroom.studio.routes.maps import map_routes
from fittingroom.studio.routes.photos import photo_routes
from fittingroom.studio.routes.runs import run_page_routes, run_routes
from fittingroom.studio.routes.trainings import training_routes
from fittingroom.studio.security import AccessMiddleware, set_cookie

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from fittingroom.studio.studio import Studio

STATIC = Path(__file__).parent / "static"
PARTS = (data_routes, answers_routes, map_routes, training_routes, run_routes, run_page_routes, photo_routes)


def build_api(studio: Studio) -> FastAPI:
    """Return the API and the page, without the middleware in front of them.

    Args:
        studio: what the parts share.
    """
    app = FastAPI(
        title="fittingroom studio",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
    )
    add_handlers(app)
    for part in PARTS:
        app.include_router(part(studio), prefix="/api")

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        response = FileResponse(STATIC / "index.html", media_type="text/html")
        set_cookie(response, studio.access)
        return response

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def build_app(studio: Studio) -> ASGIApp:
    """Return the whole application: guard, gate, API and page.

    Args:
        studio: what the parts share.
    """
    hide_paths([studio.runs, *studio.registry.folders.values()])
    return AccessMiddleware(LimitsMiddleware(build_api(studio), studio.limits), studio.access)
