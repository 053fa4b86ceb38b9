"""How much comes in at once: what is taken at most, in one table, and the middleware that holds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.photos.opening import MOST_PIXELS
from fittingroom.studio.problems import Problem, answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Limits:
    """Bounds on what one request, and all of them together, may ask for.

    Attributes:
        body_bytes: of a request's body; beyond it 413.
        body_seconds: for a body to arrive; beyond it 408.
        pixels: of a picture, told from its header before it is decoded; beyond it 422.
        side: of a picture, in pixels; beyond it 422.
        uploads: requests with a body at once; beyond it 429.
        photo_seconds: for one photo; beyond it 503.
        photos: worked on at once, the others wait.
        photos_waiting: beyond which a further one is refused with 429.
        trainings: at once; beyond it 429.
        jobs: other long work at once; beyond it 429.
        streams: of events at once; beyond it 429.
        requests: in flight at once, streams apart; beyond it 503.
    """

    body_bytes: int = 60_000_000  # a photo of 48 million pixels as JPEG has 10 to 40
    body_seconds: float = 30.0
    pixels: int = MOST_PIXELS
    side: int = 20_000
    uploads: int = 8
    photo_seconds: float = 20.0
    photos: int = 1
    photos_waiting: int = 4
    trainings: int = 2
    jobs: int = 2
    streams: int = 24
    requests: int = 64


LIMITS = Limits()


class LimitsMiddleware:
    """The middleware that bounds bodies and counts requests.

    Attributes:
        app: what is behind it.
        limits: the bounds.
        inside: requests in flight.
        uploading: those among them that bring a body.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.inside = self.uploading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http" or _is_stream(scope):
            await self.app(scope, receive, send)
            return
        brings = _brings_body(scope)
        problem = self._full(brings)
        if problem is not None:
            await answer(problem)(scope, receive, send)
            return
        self.inside += 1
        self.uploading += brings
        try:
            await self._bounded(scope, receive, send)
        finally:
            self.inside -= 1
            self.uploading -= brings

    def _full(self, brings: bool) -> Problem | None:
        limits = self.limits
        if self.inside >= limits.requests:
            return Problem(503, "Too many requests are under way. Try again in a moment.", limits.requests)
        if brings and self.uploading >= limits.uploads:
            return Problem(429, f"{limits.uploads} uploads are under way. Try again in a moment.", limits.uploads)
        return None

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._body(scope, receive)
        except Problem as problem:
            await answer(problem)(scope, receive, send)
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
