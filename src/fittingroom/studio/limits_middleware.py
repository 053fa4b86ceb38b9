"""How much comes in at once: the bytes of a body, the time it takes, the requests in flight."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.studio.problems import Problem, answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from fittingroom.studio.limits import Limits


@dataclass
class LimitsMiddleware:
    """The middleware that bounds bodies and counts requests.

    Attributes:
        app: what is behind it.
        limits: the bounds.
        inside: requests in flight.
        uploading: those among them that bring a body.
    """

    app: ASGIApp
    limits: Limits
    inside: int = 0
    uploading: int = 0

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
