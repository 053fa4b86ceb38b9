"""The model server: its application, and one or several processes that serve it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from fittingroom._version import __version__
from fittingroom.errors import FittingRoomError
from fittingroom.serving.picture_routes import picture_routes
from fittingroom.serving.plain_route import PlainRoutes
from fittingroom.serving.protocol_routes import LIVE, READY, inference_routes, tensorflow_routes
from fittingroom.serving.request_batches import WAIT_SECONDS, RequestBatches
from fittingroom.serving.served_models import ModelSource, ModelTable, ServedModel, open_model
from fittingroom.serving.server_docs import STYLE, docs_page
from fittingroom.serving.serving_metrics import FOLDER, ObservedMiddleware, ServingMetrics
from fittingroom.web.limits import Impatience, Limits, LimitsMiddleware
from fittingroom.web.listening import listen
from fittingroom.web.problems import AsciiJSON, Problem, add_handlers, answer, hide_paths, without_paths
from fittingroom.web.security import Access, AccessMiddleware
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from starlette.types import ASGIApp, Scope

SERVING_LIMITS = Limits(
    body_bytes=32_000_000, uploads=256, requests=1024, connections=2048, photos=2, header_seconds=75.0
)
MOST_IMAGES = 10_000  # in one request
RELOAD_SECONDS = 1.0
DRAIN_SECONDS = 30
PICTURES_PATH = "/v1/predict"


@dataclass(frozen=True)
class ServerSettings:
    """How a server is started; the same in each of its processes.

    Attributes:
        sources: the models.
        access: where it listens, and who may come in.
        limits: bounds of all processes together.
        workers: processes.
        wait_seconds: that a request waits for others; 0 for none.
        logs: whether each request is a line on standard error.
    """

    sources: tuple[ModelSource, ...]
    access: Access = field(default_factory=lambda: Access(port=8000, for_programs=True, probes=(LIVE, READY)))
    limits: Limits = SERVING_LIMITS
    workers: int = 1
    wait_seconds: float = WAIT_SECONDS
    logs: bool = True

    @property
    def own_limits(self) -> Limits:
        """The bounds of one process: what they count together is divided."""
        share = {
            name: max(1, getattr(self.limits, name) // self.workers)
            for name in ("uploads", "requests", "photos", "connections")
        }
        return replace(self.limits, **share)


def refuse(problem: Problem, scope: Scope) -> JSONResponse:
    """Return a refusal in the form that a path's own clients read: the two protocols have a text, and 400 for 422."""
    told = answer(problem)
    path = scope["path"]
    if path == PICTURES_PATH or not path.startswith(("/v1/", "/v2")):
        return told
    status = 400 if problem.status in (415, 422) else problem.status
    headers = {"retry-after": told.headers["retry-after"]} if "retry-after" in told.headers else None
    return AsciiJSON({"error": without_paths(problem.message)}, status, headers)


def build_api(
    parts: Iterable[APIRouter], table: ModelTable, metrics: ServingMetrics, settings: ServerSettings
) -> FastAPI:
    """Return the API without the middleware in front of it.

    Args:
        parts: the routes that ask models.
        table: the models, opened.
        metrics: what `/metrics` tells.
        settings: of the server.
    """
    app = FastAPI(
        title="fittingroom serve",
        version=__version__,
        description="Models: the Open Inference Protocol, TensorFlow Serving's routes, and pictures as files.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=AsciiJSON,
    )
    add_handlers(app, refuse)
    for part in parts:
        app.include_router(part)

    @app.get("/metrics", tags=["server"])
    def figures() -> Response:
        """Tell figures in Prometheus's text format, of all processes together."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(docs_page(app.openapi(), table, settings.access.place.rstrip("/")), media_type="text/html")

    @app.get("/docs.css", include_in_schema=False)
    async def style() -> Response:
        return Response(STYLE, media_type="text/css")

    @app.get("/", include_in_schema=False)
    async def root() -> dict[str, Any]:
        names = list(dict.fromkeys(name for name, _ in table.models))
        return {"name": "fittingroom", "models": names, "docs": "/docs"}

    return app


def build_app(settings: ServerSettings) -> ASGIApp:
    """Open the models, and return the whole application: figures and log, access, limits, API.

    Raises:
        ModelError: a model cannot be opened.
    """
    table, metrics = ModelTable(map(open_model, settings.sources)), ServingMetrics()
    hide_paths([])
    parts = [
        picture_routes(table, settings.own_limits),
        inference_routes(table, MOST_IMAGES),
        tensorflow_routes(table, MOST_IMAGES),
    ]
    api = build_api(parts, table, metrics, settings)
    routes = [one for part in parts for one in part.routes if isinstance(one, APIRoute)]
    posts = [one for one in routes if "POST" in (one.methods or ())]
    bounded = LimitsMiddleware(PlainRoutes(api, posts, refuse), settings.own_limits, refuse)

    def in_server(model: ServedModel) -> ServedModel:
        name = model.source.name
        batches = RequestBatches(model.ask, lambda: bounded.uploading, metrics.watch_model(name), settings.wait_seconds)
        return replace(model, batches=batches)

    for key, model in table.models.items():
        table.models[key] = in_server(model)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(_take_up_replaced(table, metrics, in_server))
        yield
        watching.cancel()
        for model in table.models.values():
            if model.batches is not None:
                model.batches.close()

    api.router.lifespan_context = lifespan
    return ObservedMiddleware(AccessMiddleware(bounded, settings.access, refuse), metrics, logs=settings.logs)


async def _take_up_replaced(
    table: ModelTable, metrics: ServingMetrics, in_server: Callable[[ServedModel], ServedModel]
) -> None:
    """Look every second whether a model's file is another; what is under way is answered by the old one."""
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        for key in await asyncio.to_thread(table.replaced):
            name = f"{key[0]} version {key[1]}"
            try:
                opened = await asyncio.to_thread(table.open_again, key)
            except FittingRoomError as error:
                metrics.reloads.labels(key[0], "refused").inc()
                sys.stderr.write(f"fittingroom: {name}: its new file was refused, the old one answers on. {error}\n")
                continue
            table.models[key] = in_server(opened)
            metrics.reloads.labels(key[0], "taken").inc()
            sys.stderr.write(f"fittingroom: {name}: its new file answers now.\n")


class ServingProtocol(Impatience, HttpToolsProtocol):
    """The protocol of HTTP in C, which closes idle connections."""

    limits = SERVING_LIMITS


def serve_models(settings: ServerSettings, *, tell: Callable[[str], None]) -> None:
    """Serve models until the process is told to end (SIGTERM, Ctrl-C); what is under way is answered first.

    Args:
        settings: port 0 is replaced by one that was free.
        tell: takes a line for each model, and the address, once the port is open.

    Raises:
        ModelError: a model cannot be opened.
        UsageError: the port cannot be had.
    """
    listener = listen(settings.access.host, settings.access.port, "server", backlog=settings.limits.connections)
    try:
        settings = replace(settings, access=replace(settings.access, port=listener.getsockname()[1]))
        with _figures_of_several(settings.workers):
            _run(settings, listener, tell)
    finally:
        listener.close()


def _run(settings: ServerSettings, listener: Any, tell: Callable[[str], None]) -> None:
    opened = [open_model(source) for source in settings.sources]
    config = uvicorn.Config(
        partial(build_app, settings),
        factory=True,
        workers=settings.workers,
        http=ServingProtocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    for model in opened:
        shape = ", ".join(map(str, model.image_shape))
        classes = counted(model.classes, "class", "classes")
        tell(f"{model.source.name}  version {model.source.version}, uint8 (n, {shape}), {classes}")
    del opened
    tell(f"Serving at {settings.access.place}  (its requests: {settings.access.place}docs)")
    if settings.workers == 1:
        signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again once all is answered
        uvicorn.Server(config).run(sockets=[listener])
    else:
        Multiprocess(config, sockets=[listener]).run()


@contextmanager
def _figures_of_several(workers: int) -> Iterator[None]:
    """Have a folder in which several processes keep their figures, for as long as the block lasts."""
    os.environ.pop(FOLDER, None)
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="fittingroom-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            os.environ.pop(FOLDER, None)
