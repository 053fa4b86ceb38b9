"""Routes that are described by FastAPI and answered without it, since it takes a third of a small request's time."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from fittingroom.web.problems import OURS, Problem, as_problem

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from fastapi.routing import APIRoute
    from starlette.types import ASGIApp, Receive, Scope, Send


class PlainRoutes:
    """An application that answers some routes of another itself: their functions get the request as it came.

    Attributes:
        app: answers all else.
        refuse: makes a refusal of a problem, in the form that a path's own clients read.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute], refuse: Callable[[Problem, Scope], ASGIApp]) -> None:
        self.app, self.refuse = app, refuse
        self._routes: list[tuple[re.Pattern[str], APIRoute, frozenset[str]]] = [
            (one.path_regex, one, frozenset(inspect.signature(one.endpoint).parameters)) for one in routes
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for pattern, route, names in self._routes:
                match = pattern.match(scope["path"])
                if match is not None:
                    scope["route"] = route
                    response = await self._answer(route, match.groupdict(), names, Request(scope, receive))
                    await response(scope, receive, send)
                    return
        await self.app(scope, receive, send)

    async def _answer(self, route: APIRoute, path: dict[str, str], names: frozenset[str], request: Request) -> ASGIApp:
        told: dict[str, Any] = dict(path)
        if request.scope["query_string"]:
            query = parse_qsl(request.scope["query_string"].decode("latin-1"))
            told = {name: value for name, value in query if name in names and name != "request"} | told
        try:
            response: ASGIApp = await route.endpoint(request, **told)
        except Exception as error:
            problem = as_problem(error)
            if problem.message == OURS:
                tell_of_fault(error)
            return self.refuse(problem, request.scope)
        return response


def tell_of_fault(error: Exception) -> None:
    """Print a traceback of a mistake of ours to standard error."""
    import traceback

    traceback.print_exception(error)
