"""Figures for Prometheus, the same whichever of several processes is asked; and a line for each request."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from fittingroom.processes import resident_bytes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where several processes keep their figures, named by the library
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
IMAGES = (1, 2, 4, 8, 16, 32, 64)
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
UNKNOWN = "unknown"
PROCESS = os.getpid()
_PROCESS, _NUMBERS = secrets.token_hex(6), itertools.count()


class ServingMetrics:
    """The figures of one process; read from all of them where there are several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        kept: dict[str, Any] = {"registry": self.registry, "namespace": "fittingroom"}
        self.requests = Counter("requests", "Requests answered.", ["route", "method", "status"], **kept)
        self.request_seconds = Histogram(
            "request_seconds", "From a request's header to its answer.", ["route"], buckets=SECONDS, **kept
        )
        self.under_way = Gauge("requests_under_way", "Requests not answered yet.", multiprocess_mode="livesum", **kept)
        self.images = Counter("images", "Images answered.", ["model"], **kept)
        self.batch_images = Histogram(
            "batch_images", "Images in one run of a network.", ["model"], buckets=IMAGES, **kept
        )
        self.batch_seconds = Histogram("batch_seconds", "Of one run of a network.", ["model"], buckets=SECONDS, **kept)
        self.reloads = Counter(
            "model_reloads", "Model files taken up after they were replaced.", ["model", "result"], **kept
        )

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        if FOLDER not in os.environ:
            return generate_latest(self.registry)
        _forget_dead(Path(os.environ[FOLDER]))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def watch_model(self, name: str) -> Any:
        """Return what is told of each run of a network: the number of images, and its seconds."""
        images, seconds = self.batch_images.labels(name), self.batch_seconds.labels(name)
        total = self.images.labels(name)

        def on_batch(count: int, taken: float) -> None:
            images.observe(count)
            seconds.observe(taken)
            total.inc(count)

        return on_batch


def _forget_dead(folder: Path) -> None:
    """Remove what processes that are gone had under way; what they counted stays."""
    for file in folder.glob("gauge_live*.db"):
        if not resident_bytes(int(file.stem.rpartition("_")[2])):
            file.unlink(missing_ok=True)


class ObservedMiddleware:
    """The middleware that counts, times and logs each request, and gives it an id.

    Attributes:
        app: what is behind it.
        metrics: counted into.
        logs: whether to write a line of JSON for each request to standard error.
    """

    def __init__(self, app: ASGIApp, metrics: ServingMetrics, *, logs: bool) -> None:
        self.app, self.metrics, self.logs = app, metrics, logs
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, metrics = time.perf_counter(), self.metrics
        identity = _request_id(scope)
        told = {"status": 0, "bytes": 0}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identity.encode())]
            else:
                told["bytes"] += len(message.get("body", b""))
            await send(message)

        metrics.under_way.inc()
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            metrics.under_way.dec()
            seconds = time.perf_counter() - start
            self._count(scope, told["status"], seconds)
            if self.logs:
                _log(scope, identity, told, seconds)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        key = (getattr(scope.get("route"), "path", UNKNOWN), _method(scope), status)
        if key not in self._children:
            self._children[key] = (self.metrics.requests.labels(*key), self.metrics.request_seconds.labels(key[0]))
        count, timing = self._children[key]
        count.inc()
        timing.observe(seconds)


def _method(scope: Scope) -> str:
    known = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH")
    return str(scope["method"]) if scope["method"] in known else "other"


def _request_id(scope: Scope) -> str:
    """Return the id that the request brings, or a new one; what could forge a line of the log is none."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            told = value.decode("latin-1")
            if REQUEST_ID.fullmatch(told):
                return str(told)
    return f"{_PROCESS}{next(_NUMBERS):08x}"


def _log(scope: Scope, identity: str, told: dict[str, int], seconds: float) -> None:
    now = time.time()
    client = (scope.get("client") or [""])[0]
    line = (
        f'{{"time": "{_second(int(now))}.{int(now % 1 * 1000):03d}Z", "id": "{identity}", "client": "{client}", '
        f'"method": "{_method(scope)}", "path": {json.dumps(scope["path"])}, "status": {told["status"]}, '
        f'"ms": {1000 * seconds:.2f}, "bytes": {told["bytes"]}, "process": {PROCESS}}}\n'
    )
    sys.stderr.write(line)  # in one write, so that lines of several processes stay apart


@lru_cache(maxsize=2)
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
