"""How much comes in at once: what is taken at most, in one table, and the middleware that holds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from fittingroom.photos.opening import MOST_PIXELS
from fittingroom.web.problems import Problem, answer_anywhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Limits:
    """Bounds on what one request, and all of them together, may ask for.

    Attributes:
        body_bytes: of a request's body; beyond it 413.
        bodies_bytes: of the bodies of all requests in flight, as they say themselves; beyond it 429.
        body_seconds: for a body to arrive; beyond it 408.
        pixels: of a picture, told from its header before it is decoded; beyond it 422.
        side: of a picture, in pixels; beyond it 422.
        uploads: requests with a body at once; beyond it 429.
        photo_seconds: for one photo or drawing, opening the model among it; beyond it 503.
        page_seconds: for writing a run's page, and for why a photo is answered so; beyond it 503.
        job_seconds: for other long work; beyond it that is ended.
        model_bytes: of memory that a model may take; beyond it 422.
        photos: worked on at once, the others wait.
        photos_waiting: beyond which a further one is refused with 429.
        trainings: at once; beyond it 429.
        sweeps: likewise.
        jobs: other long work at once; beyond it 429.
        streams: of events at once; beyond it 429.
        requests: in flight at once, streams apart; beyond it 503.
        connections: open at once; beyond it they are closed.
        header_seconds: for a request to be begun on a connection, and its header to arrive; beyond it that is closed.
    """

    body_bytes: int = 60_000_000  # a photo of 48 million pixels as JPEG has 10 to 40
    bodies_bytes: int = 600_000_000
    body_seconds: float = 30.0
    pixels: int = MOST_PIXELS
    side: int = 20_000
    uploads: int = 8
    photo_seconds: float = 60.0
    page_seconds: float = 300.0
    job_seconds: float = 3600.0
    model_bytes: int = 4_000_000_000
    photos: int = 1
    photos_waiting: int = 4
    trainings: int = 2
    sweeps: int = 1
    jobs: int = 2
    streams: int = 24
    requests: int = 64
    connections: int = 256
    header_seconds: float = 20.0


LIMITS = Limits()


class LimitsMiddleware:
    """The middleware that bounds bodies and counts requests.

    Attributes:
        app: what is behind it.
        limits: the bounds.
        refuse: makes a refusal of a problem, in the form that a path's own clients read.
        inside: requests in flight.
        uploading: those among them that bring a body.
        held_bytes: that those bring, or may bring.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, refuse: Callable[[Problem, Scope], ASGIApp] = answer_anywhere
    ) -> None:
        self.app, self.limits, self.refuse = app, limits, refuse
        self.inside = self.uploading = self.held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http" or _is_stream(scope):
            await self.app(scope, receive, send)
            return
        brings, size = _brings_body(scope), self._size(scope)
        problem = self._full(brings, size)
        if problem is not None:
            await self.refuse(problem, scope)(scope, receive, send)
            return
        self.inside += 1
        self.uploading += brings
        self.held_bytes += size
        try:
            await self._bounded(scope, receive, send)
        finally:
            self.inside -= 1
            self.uploading -= brings
            self.held_bytes -= size

    def _size(self, scope: Scope) -> int:
        """Return how many bytes a request's body takes at most."""
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"")
        if declared.isdigit():
            return min(int(declared), self.limits.body_bytes)
        return self.limits.body_bytes if b"transfer-encoding" in headers else 0

    def _full(self, brings: bool, size: int) -> Problem | None:
        limits = self.limits
        if self.inside >= limits.requests:
            return Problem(503, "Too many requests are under way. Try again in a moment.", limits.requests)
        if brings and self.uploading >= limits.uploads:
            return Problem(429, f"{limits.uploads} uploads are under way. Try again in a moment.", limits.uploads)
        if size and self.held_bytes + size > limits.bodies_bytes:
            words = "Too much is being sent at once. Try again in a moment."
            return Problem(429, words, limits.bodies_bytes)
        return None

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._body(scope, receive)
        except Problem as problem:
            await self.refuse(problem, scope)(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, replay, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body; it is small by the limit, and nothing behind needs it in pieces."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.limits.body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                return await self._read(receive)
        except TimeoutError:
            raise Problem(408, "The request's body took too long to arrive.", self.limits.body_seconds) from None

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Problem(400, "The request ended before its body did.")
            body += message.get("body", b"")
            if len(body) > self.limits.body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> Problem:
        limit = self.limits.body_bytes
        return Problem(413, f"A request may bring {limit / 1e6:g} MB at most.", limit)


def _is_stream(scope: Scope) -> bool:
    """Say whether a request asks for events: it brings nothing, stays open, and is counted where they are sent."""
    return bool(scope["method"] == "GET" and scope["path"].endswith("/events"))


def _brings_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


class Impatience:
    """What a protocol of uvicorn's, of which one object is one connection, is mixed with: it closes what is idle.

    uvicorn alone keeps a connection on which nothing, or a header byte by byte, is sent for as long as it stays open.

    Attributes:
        limits: how many connections there may be, and the seconds until a whole header has to be there.
    """

    limits = LIMITS
    _timer: asyncio.TimerHandle | None = None
    connections: set[Any]
    cycle: Any
    loop: asyncio.AbstractEventLoop
    transport: Any

    def connection_made(self, transport: Any) -> None:
        """Take up a connection."""
        super().connection_made(transport)  # type: ignore[misc]
        if len(self.connections) > self.limits.connections:
            transport.close()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Take up bytes; once a header is whole, nobody is waited for until it is answered."""
        super().data_received(data)  # type: ignore[misc]
        if self._is_idle():
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self._stop_waiting()
        super().connection_lost(exc)  # type: ignore[misc]

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # None before the first request

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.header_seconds, self._close_if_idle)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _close_if_idle(self) -> None:
        self._timer = None
        if self._is_idle():
            self.transport.close()


class ImpatientProtocol(Impatience, H11Protocol):
    """The protocol of HTTP in Python alone, with these limits."""


def protocol_of(limits: Limits) -> type[ImpatientProtocol]:
    """Return the protocol that holds these limits; uvicorn makes its objects itself."""
    return type("LimitedProtocol", (ImpatientProtocol,), {"limits": limits})
