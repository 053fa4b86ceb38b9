"""Who may talk to the studio and the model server: hosts, origins, the token; and the headers of every answer."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from h11 import LocalProtocolError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fittingroom.errors import UsageError
from fittingroom.web.problems import Problem, answer_anywhere

if TYPE_CHECKING:
    from collections.abc import Callable

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
ENCODED = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
ASK_TOKEN = "This studio asks for a token: open the whole address that its terminal printed."
ASK_BEARER = "This server asks for a token: send the header Authorization: Bearer TOKEN, as its terminal printed it."
ONLY_LOOKS = (
    "This address may only look: training, deleting and looks at the test images are for whoever opened the studio."
)
CHANGES_NOTHING = ("/api/drawings", "/api/photos")  # though they are sent by POST


@dataclass(frozen=True)
class Access:
    """Where the studio, or the model server, listens, and who may come in.

    Attributes:
        host: the address it is bound to.
        port: likewise.
        token: what a visitor shows; made afresh at every start.
        asks: for the token on this machine too, since others share it; everywhere else it is asked for anyway.
        look_token: what a visitor shows who may look and change nothing, such as a class; None for no such visitors.
        public: the address of a proxy in front, as `public_address` returns it; "" for none.
        for_programs: whether programs come in, and no person with a page: no cookie counts, only a header, and no
            request changes anything, whatever its method.
        is_open: for programs: no token is asked for anywhere, and any name of the machine is taken.
        probes: paths that tell nothing but that the server lives, and are answered without a token.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    asks: bool = False
    look_token: str | None = field(default=None, repr=False)
    public: str = ""
    for_programs: bool = False
    is_open: bool = False
    probes: tuple[str, ...] = ()

    @cached_property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @cached_property
    def needs_token(self) -> bool:
        """Whether nothing is shown without a token: off this machine, behind a proxy, or because it was asked for."""
        if self.is_open:
            return False
        return self.asks or not self.is_loopback or bool(self.public) or self.look_token is not None

    @cached_property
    def cookie(self) -> str:
        """The cookie's name; cookies are shared between the ports of a host, so it has the port in it."""
        return f"fittingroom-{self.port}"

    @cached_property
    def prefix(self) -> str:
        """The path below which a proxy shows the studio, without a slash at its end; "" for none."""
        return urlsplit(self.public).path.rstrip("/")

    @property
    def place(self) -> str:
        """The address of the page, without a token."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        shown = socket.gethostname() if self.host in ("0.0.0.0", "::") else shown
        return self.public or f"http://{shown}:{self.port}/"

    @property
    def address(self) -> str:
        """What a person opens; where a token is asked for, it is in it."""
        return f"{self.place}?token={self.token}" if self.needs_token else self.place

    @property
    def look_address(self) -> str | None:
        """What those open who may only look; None where nobody is let in so."""
        return None if self.look_token is None else f"{self.place}?token={self.look_token}"

    @lru_cache(maxsize=64)  # noqa: B019  (a studio or server has one of these for as long as it lives)
    def knows_host(self, header: str) -> bool:
        """Say whether a ``Host`` header names this studio.

        A name that is not ours means a page elsewhere whose name was pointed at this machine (DNS rebinding). Off
        loopback the machine's own name and plain addresses are ours: an address cannot be pointed elsewhere.

        Example:
            >>> Access(port=8765).knows_host("localhost:8765"), Access(port=8765).knows_host("evil.example:8765")
            (True, False)
        """
        if self.for_programs and (self.is_open or self.needs_token):
            return True  # no page elsewhere knows the token, or nothing is kept from it
        if self.public and header.casefold() == urlsplit(self.public).netloc:
            return True
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

    def knows_origin(self, origin: str, host: str) -> bool:
        """Say whether an ``Origin`` header names the page that a request with this ``Host`` is meant for."""
        public = urlsplit(self.public)
        own = (f"http://{host}", f"https://{host}", *([f"{public.scheme}://{public.netloc}"] if self.public else []))
        return origin in own

    def holds(self, token: str | None) -> bool:
        """Say whether a token lets its holder change things."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())

    def may_look(self, token: str | None) -> bool:
        """Say whether a token lets its holder in, if only to look."""
        looks = self.look_token is not None and token is not None
        return self.holds(token) or (
            looks and secrets.compare_digest(str(token).encode(), str(self.look_token).encode())
        )


def public_address(url: str) -> str:
    """Return the address under which a proxy shows the studio, with a slash at its end.

    Raises:
        UsageError: it is none of http or https, or brings a user, a query or odd characters.

    Example:
        >>> public_address("https://class.example/studio")
        'https://class.example/studio/'
    """
    if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~-]+)*/?", url):
        raise UsageError(f"Expected --public-url as https://HOST or https://HOST/PATH, received '{url}'.")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.casefold()}{parts.path.rstrip('/')}/"


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
    if origin is not None and not access.knows_origin(origin, host):
        return Problem(403, "The request comes from a page elsewhere (its Origin is another).")
    is_page = request.method == "GET" and not request.url.path.startswith("/api/")
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_page:
        return Problem(403, "The request comes from a page elsewhere (Sec-Fetch-Site).")
    return _not_allowed(request, access)


def _not_allowed(request: Request, access: Access) -> Problem | None:
    """Return why a visitor with this token, or without one, may not do this."""
    shown, is_safe = shown_token(request, access), request.method in SAFE_METHODS
    if access.for_programs:
        is_let_in = not access.needs_token or access.may_look(shown) or request.url.path in access.probes
        return None if is_let_in else Problem(401, ASK_BEARER)
    if (access.needs_token or not is_safe) and not access.may_look(shown):
        return Problem(401, ASK_TOKEN if access.needs_token else "Open the studio's page first: it sets a cookie.")
    if not is_safe and not access.holds(shown) and request.url.path not in CHANGES_NOTHING:
        return Problem(403, ONLY_LOOKS)
    return None


def may_change(request: Request, access: Access) -> bool:
    """Say whether whoever asks may do more than look."""
    return not access.needs_token or access.holds(shown_token(request, access))


def shown_token(request: Request, access: Access) -> str | None:
    """Return the token that a request shows, by cookie or as ``Authorization: Bearer``."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer":
        return bearer
    return None if access.for_programs else request.cookies.get(access.cookie)


class AccessMiddleware:
    """The middleware that lets requests in, and puts the headers on every answer.

    Attributes:
        app: what is behind it.
        access: who may come in.
        refuse: makes a refusal of a problem, in the form that a path's own clients read.
    """

    def __init__(
        self, app: ASGIApp, access: Access, refuse: Callable[[Problem, Scope], ASGIApp] = answer_anywhere
    ) -> None:
        self.app, self.access, self.refuse = app, access, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        prefix = self.access.prefix
        if prefix and scope["path"] == prefix:  # the page's own addresses are meant from the slash on
            query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
            await RedirectResponse(f"{prefix}/{query}")(scope, receive, self._with_headers(send))
            return
        scope = _without_prefix(scope, prefix)
        request = Request(scope)
        await (self._entered(request) or self._inner(request))(scope, receive, self._with_headers(send))

    def _inner(self, request: Request) -> ASGIApp:
        problem = refusal(request, self.access)
        if problem is None:
            return self.app
        if request.url.path == "/" and problem.status == 401 and not self.access.for_programs:
            return Response(f"{problem.message}\n", 401, media_type="text/plain")
        return self.refuse(problem, request.scope)

    def _entered(self, request: Request) -> Response | None:
        """Trade the token in the address for a cookie, so that it stays in no history and no log."""
        if self.access.for_programs:
            return None
        shown = request.query_params.get("token")
        if request.url.path != "/" or shown is None or not self.access.knows_host(request.headers.get("host", "")):
            return None
        if not self.access.may_look(shown):
            return None
        response = RedirectResponse(f"{self.access.prefix}/", 303)
        set_cookie(response, self.access, shown)
        return response

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in ENCODED if pair[0] not in names)]
            with suppress(LocalProtocolError):  # a request that broke off was answered with 400 already
                await send(message)

        return send_with_headers


def _without_prefix(scope: Scope, prefix: str) -> Scope:
    """Return a request as if it had been made below the root; some proxies take their path away, others leave it."""
    if not prefix or not scope["path"].startswith(f"{prefix}/"):
        return scope
    return {**scope, "path": scope["path"][len(prefix) :], "raw_path": scope["raw_path"][len(prefix) :]}


def set_cookie(response: Response, access: Access, token: str) -> None:
    """Give the visitor a token as a cookie that scripts cannot read, and that goes along with no other site's request.

    "Lax" and not "Strict": the address is sent round in chats and mails, and a browser that comes from there shows a
    strict cookie only at the next click, after the refusal. A lax one is shown where a person opens the page, by GET,
    which changes nothing; what changes anything is sent by other methods, and to those no other site can add it.
    """
    secure = access.public.startswith("https:")
    path = f"{access.prefix}/"
    response.set_cookie(access.cookie, token, httponly=True, samesite="lax", path=path, secure=secure)
