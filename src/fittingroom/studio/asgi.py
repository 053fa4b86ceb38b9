"""The studio as an ASGI application."""

from __future__ import annotations

import threading
import webbrowser
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from fittingroom._version import __version__
from fittingroom.studio.answer_routes import answers_routes, explaining_routes, map_routes
from fittingroom.studio.curate_routes import curate_routes, curating_jobs_routes
from fittingroom.studio.data_routes import data_routes
from fittingroom.studio.photo_routes import photo_routes
from fittingroom.studio.run_routes import run_page_routes, run_routes
from fittingroom.studio.share_routes import share_routes
from fittingroom.studio.sweep_routes import sweep_routes
from fittingroom.studio.training_routes import job_routes, training_routes
from fittingroom.web.limits import LimitsMiddleware, protocol_of
from fittingroom.web.listening import listen
from fittingroom.web.problems import REFUSALS, AsciiJSON, add_handlers, hide_paths
from fittingroom.web.security import AccessMiddleware, set_cookie

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from fittingroom.studio.state import Studio


STATIC = Path(__file__).parent / "static"
PARTS = (
    *(data_routes, answers_routes, map_routes, training_routes, sweep_routes, job_routes),
    *(run_routes, run_page_routes, photo_routes, share_routes),
    *(curate_routes, curating_jobs_routes, explaining_routes),
)


def build_api(studio: Studio) -> FastAPI:
    """Return the API and the page, without the middleware in front of them.

    Args:
        studio: what the parts share.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        studio.close()

    app = FastAPI(
        lifespan=lifespan,
        title="fittingroom studio",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=AsciiJSON,
        responses=REFUSALS,
    )
    add_handlers(app)
    for part in PARTS:
        app.include_router(part(studio), prefix="/api")

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        response = FileResponse(STATIC / "index.html", media_type="text/html")
        if not studio.access.needs_token:  # otherwise the cookie is there already, and may be one that only looks
            set_cookie(response, studio.access, studio.access.token)
        return response

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def build_app(studio: Studio) -> ASGIApp:
    """Return the whole application: guard, gate, API and page.

    Args:
        studio: what the parts share.
    """
    hide_paths([studio.runs, studio.audits, studio.sweeps_dir, *studio.registry.folders.values()])
    return AccessMiddleware(LimitsMiddleware(build_api(studio), studio.limits), studio.access)


GRACE_SECONDS = 2


def serve(studio: Studio, *, tell: Callable[[str], None], browser: bool = True) -> None:
    """Serve the studio until it is interrupted.

    Args:
        studio: its access names the host and port; port 0 is replaced by the one that was free.
        tell: takes a line with each address once the port is open.
        browser: open the page there.

    Raises:
        UsageError: as `listen`.
    """
    listener = listen(studio.access.host, studio.access.port)
    opened = replace(studio, access=replace(studio.access, port=listener.getsockname()[1]))
    config = uvicorn.Config(
        build_app(opened),
        http=protocol_of(opened.limits),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    tell(f"The studio: {opened.access.address}")
    if opened.access.look_address is not None:
        tell(f"To look only: {opened.access.look_address}")
    if browser:
        threading.Thread(target=webbrowser.open, args=(opened.access.address,), daemon=True).start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        opened.close()
