"""Refusals as JSON: what was expected, what came, and the limit where there is one; never a traceback or a path."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from fittingroom.data.cache import cache_folder
from fittingroom.errors import FittingRoomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import Scope


STEP = r"[^\s/:'\"<>|]+"
PATH = re.compile(rf"(?<![\w.-])(?:[A-Za-z]:)?(?:/{STEP})+/")


class PathRedactor:
    """Cuts paths out of messages: below a folder it was told of whatever its name, elsewhere where a pattern tells.

    It never looks at the disk, so that no answer reveals whether a folder exists.
    """

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._known = re.compile(r"(?!)")

    def keep(self, folders: Iterable[Path]) -> None:
        """Keep these folders' names to ourselves, and their parents'.

        Args:
            folders: relative or absolute, whether they exist or not.
        """
        for folder in folders:
            for spelling in (folder, folder.absolute(), folder.resolve()):
                self._folders.update(str(parent) for parent in (spelling, *spelling.parents) if parent.name)
        longest_first = "|".join(re.escape(name) for name in sorted(self._folders, key=len, reverse=True))
        self._known = re.compile(rf"(?<![^\s'\"`(=:,])(?:{longest_first})/(?:{STEP}/)*")

    def without_paths(self, message: str) -> str:
        """Return a message with folders' paths cut down to the last name.

        Example:
            >>> PathRedactor().without_paths("/home/me/runs/one: this run has no verdict.json.")
            'one: this run has no verdict.json.'
        """
        return PATH.sub("", self._known.sub("", message))


def _everyones() -> list[Path]:
    """Return the folders that any process has; without a home or a folder to stand in, there is none to keep."""
    folders = [Path(tempfile.gettempdir()), Path(__file__).parents[2]]
    for place in (Path.home, Path.cwd, cache_folder):
        with suppress(OSError, RuntimeError):
            folders.append(place())
    return folders


OWN_PATHS = PathRedactor()
OWN_PATHS.keep(_everyones())
hide_paths, without_paths = OWN_PATHS.keep, OWN_PATHS.without_paths


KINDS = {
    400: "bad_request",
    401: "token",
    403: "forbidden",
    404: "not_found",
    405: "method",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "media_type",
    422: "invalid",
    429: "too_many",
    500: "fault",
    503: "busy",
    507: "disk_full",
}
OURS = "This is our mistake, not yours. The terminal that it runs in tells more; please report it."


class Words(BaseModel):
    """What a refusal says."""

    kind: str
    message: str
    limit: float | None = None


class Refused(BaseModel):
    """The body of every answer that is a refusal."""

    error: Words


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Refused, "description": "Refused: the message says what was expected or which limit was met."},
    422: {"model": Refused, "description": "A value that is not what was expected."},
    "5XX": {"model": Refused, "description": "Busy, a full disk, or a mistake of ours."},
}


class Problem(Exception):  # noqa: N818  (an answer, and not always a fault)
    """A request that is not carried out.

    Attributes:
        status: of the HTTP answer.
        message: one or two sentences for the user.
        limit: the bound that was met, where there is one.
    """

    def __init__(self, status: int, message: str, limit: int | float | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.limit = status, message, limit


_as_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class AsciiJSON(JSONResponse):
    """JSON in which all but ASCII is escaped: so a file's name that is no text can be sent too."""

    def render(self, content: Any) -> bytes:
        """Return the content as bytes."""
        return _as_json(content).encode("ascii")


def answer(problem: Problem) -> JSONResponse:
    """Return a problem as a response.

    Example:
        >>> answer(Problem(404, "No such run.")).body
        b'{"error":{"kind":"not_found","message":"No such run."}}'
    """
    error: dict[str, Any] = {"kind": KINDS.get(problem.status, "error"), "message": without_paths(problem.message)}
    if problem.limit is not None:
        error["limit"] = problem.limit
    headers = {"Retry-After": "2"} if problem.status in (429, 503) else None
    return AsciiJSON({"error": error}, problem.status, headers)


def answer_anywhere(problem: Problem, scope: Scope) -> JSONResponse:
    """Return a problem as a response, in the same form whatever was asked for."""
    del scope
    return answer(problem)


def as_problem(error: Exception) -> Problem:
    """Return any error as the problem that the user is told of."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, FittingRoomError):
        return Problem(422, " ".join(without_paths(str(error)).split()))
    if isinstance(error, RequestValidationError):
        return Problem(422, _malformed(error))
    if isinstance(error, HTTPException):
        return Problem(error.status_code, f"{error.detail}.")
    if isinstance(error, FileNotFoundError):
        return Problem(404, "Something that this needs was deleted meanwhile. Load the page again.")
    if isinstance(error, OSError):
        return Problem(507, f"The disk cannot be written or read: {error.strerror or 'an error of the system'}.")
    return Problem(500, OURS)


def add_handlers(app: FastAPI, refuse: Callable[[Problem, Scope], JSONResponse] = answer_anywhere) -> None:
    """Have every error of the app answered in one form.

    Args:
        app: any.
        refuse: makes a refusal of a problem, in the form that a path's own clients read.
    """

    async def handle(request: Request, error: Exception) -> JSONResponse:
        return refuse(as_problem(error), request.scope)

    for kind in (Problem, FittingRoomError, RequestValidationError, HTTPException, OSError, Exception):
        app.add_exception_handler(kind, handle)


def _malformed(error: RequestValidationError) -> str:
    parts = []
    for entry in error.errors()[:3]:
        where = ".".join(str(part) for part in entry["loc"] if part != "body")
        parts.append(f"{where or 'The body'}: {str(entry['msg'])[:200]}")
    return "; ".join(parts) + "."
