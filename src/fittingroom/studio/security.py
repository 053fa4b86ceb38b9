"""Who may talk to the studio: hosts, origins, the token; and the headers that every answer carries."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from h11 import LocalProtocolError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fittingroom.studio.problems import Problem, answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}
ASK_TOKEN = "This studio asks for a token: open the whole address that its terminal printed."


@dataclass(frozen=True)
class Access:
    """Where the studio listens, and who may come in.

    Attributes:
        host: the address it is bound to.
        port: likewise.
        token: what a visitor shows; made afresh at every start.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies are shared between the ports of a host, so it has the port in it."""
        return f"fittingroom-{self.port}"

    @property
    def address(self) -> str:
        """What a person opens; off loopback the token is in it."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        shown = socket.gethostname() if self.host in ("0.0.0.0", "::") else shown
        return f"http://{shown}:{self.port}/" + ("" if self.is_loopback else f"?token={self.token}")

    def knows_host(self, header: str) -> bool:
        """Say whether a ``Host`` header names this studio.

        A name that is not ours means a page elsewhere whose name was pointed at this machine (DNS rebinding). Off
        loopback the machine's own name and plain addresses are ours: an address cannot be pointed elsewhere.

        Example:
            >>> Access(port=8765).knows_host("localhost:8765"), Access(port=8765).knows_host("evil.example:8765")
            (True, False)
        """
        try:
            parts = urlsplit(f"//{header}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port or parts.username is not None or "@" in header or "/" in header:
            return False
        if self.is_loopback:
            return name in LOOPBACK_NAMES or name == self.host
        return name in (self.host, socket.gethostname().casefold(), *LOOPBACK_NAMES) or _is_address(name)

    def holds(self, token: str | None) -> bool:
        """Say whether a token is ours."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def refusal(request: Request, access: Access) -> Problem | None:
    """Return why a request is not let in, or None.

    Args:
        request: any.
        access: of the studio.
    """
    host = request.headers.get("host", "")
    if not access.knows_host(host):
        return Problem(403, "The Host header names another machine. Open the studio under the address it printed.")
    origin = request.headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return Problem(403, "The request comes from a page elsewhere (its Origin is another).")
    is_page = request.method == "GET" and not request.url.path.startswith("/api/")
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_page:
        return Problem(403, "The request comes from a page elsewhere (Sec-Fetch-Site).")
    needs_token = not access.is_loopback or request.method not in SAFE_METHODS
    if needs_token and not access.holds(shown_token(request, access)):
        return Problem(401, ASK_TOKEN if not access.is_loopback else "Open the studio's page first: it sets a cookie.")
    return None


def shown_token(request: Request, access: Access) -> str | None:
    """Return the token that a request shows, by cookie or as ``Authorization: Bearer``."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer if scheme.casefold() == "bearer" else request.cookies.get(access.cookie)


class AccessMiddleware:
    """The middleware that lets requests in, and puts the headers on every answer.

    Attributes:
        app: what is behind it.
        access: who may come in.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        request = Request(scope)
        await (self._entered(request) or self._inner(request))(scope, receive, self._with_headers(send))

    def _inner(self, request: Request) -> ASGIApp:
        problem = refusal(request, self.access)
        if problem is None:
            return self.app
        if request.url.path == "/" and problem.status == 401:
            return Response(f"{problem.message}\n", 401, media_type="text/plain")
        return answer(problem)

    def _entered(self, request: Request) -> Response | None:
        """Trade the token in the address for a cookie, so that it stays in no history and no log."""
        shown = request.query_params.get("token")
        if request.url.path != "/" or shown is None or not self.access.knows_host(request.headers.get("host", "")):
            return None
        if not self.access.holds(shown):
            return None
        response = RedirectResponse("/", 303)
        set_cookie(response, self.access)
        return response

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in names)]
            with suppress(LocalProtocolError):  # a request that broke off was answered with 400 already
                await send(message)

        return send_with_headers


def set_cookie(response: Response, access: Access) -> None:
    """Give the visitor the token as a cookie that other sites' pages cannot send and scripts cannot read."""
    response.set_cookie(access.cookie, access.token, httponly=True, samesite="strict", path="/")
