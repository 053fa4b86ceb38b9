"""Trying on: a photo or a drawing, and what a model says of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from fittingroom.extras import install_line
from fittingroom.studio.model_answers import find_entry
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from fittingroom.studio.state import Studio


INSTALL = f"Photos need packages that are not installed. Run: {install_line('photos', tells_path=False)}"
PICTURE = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
MOST_SIDE = 256  # pixels of a drawing


class Drawing(BaseModel):
    """A picture that is data already."""

    model: str = Field(max_length=200)
    height: int = Field(ge=1, le=MOST_SIDE)
    width: int = Field(ge=1, le=MOST_SIDE)
    pixels: str = Field(max_length=2 * MOST_SIDE * MOST_SIDE, description="Grey bytes, row by row, as base64.")
    why: bool = Field(
        False, description="Return which pixels the answer hangs on, for every class, and not the answer."
    )


def photo_routes(studio: Studio) -> APIRouter:
    """Return the routes of this part."""
    routes = APIRouter(tags=["try it on"])
    queue = Queue(studio.limits.photos, studio.limits.photos_waiting)

    @routes.post("/drawings")
    async def drawing(drawn: Drawing) -> dict[str, Any]:
        """Name a drawing; or say which pixels the answer hangs on."""
        content = pixels_of(drawn)

        def name() -> dict[str, Any]:
            size = {"height": drawn.height, "width": drawn.width, "why": drawn.why}
            arguments = {"model": find_entry(studio, drawn.model).model, **size}
            return studio.models.ask("draw", arguments, content, seconds=studio.limits.photo_seconds)

        return await queue.run(name)

    @routes.post("/photos", openapi_extra={"requestBody": PICTURE})
    async def photo(
        request: Request,
        model: str,
        polarity: Literal["auto", "keep", "invert"] = "auto",
        mirror: bool = False,
        crop: str = "",
        why: bool = False,
    ) -> dict[str, Any]:
        """Name a photo, and show every step; or say which parts the answer hangs on. The body is the picture's file."""
        if find_spec("cv2") is None:
            raise Problem(422, INSTALL)
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if not kind.startswith("image/") and kind != "application/octet-stream":
            raise Problem(415, f"Expected a picture's file (content-type image/...), received '{kind[:60]}'.")
        box, content = crop_of(crop), await request.body()

        wishes = {"polarity": polarity, "mirror": mirror, "crop": box, "why": why}

        def name() -> dict[str, Any]:
            bounds = {"pixels": studio.limits.pixels, "side": studio.limits.side}
            arguments = {"model": find_entry(studio, model).model, **wishes, **bounds}
            seconds = studio.limits.page_seconds if why else studio.limits.photo_seconds
            return studio.models.ask("photograph", arguments, content, seconds=seconds)

        return await queue.run(name)

    return routes


def pixels_of(drawn: Drawing) -> bytes:
    """Return a drawing's pixels, row by row.

    Raises:
        Problem: 422, no base64, or another number of bytes.
    """
    try:
        content = base64.b64decode(drawn.pixels, validate=True)
    except (binascii.Error, ValueError):
        raise Problem(422, "pixels: expected base64.") from None
    if len(content) != drawn.height * drawn.width:
        raise Problem(422, f"pixels: expected {drawn.height * drawn.width} bytes, received {len(content)}.")
    return content


def crop_of(text: str) -> tuple[float, float, float, float] | None:
    """Return ``left,top,right,bottom`` as numbers, None for an empty text.

    Raises:
        Problem: 422, anything else.
    """
    if not text:
        return None
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise Problem(422, "crop: expected four numbers, left,top,right,bottom, as shares 0 to 1.") from None
    if not 0 <= left < right <= 1 or not 0 <= top < bottom <= 1:
        raise Problem(422, "crop: expected 0 <= left < right <= 1 and 0 <= top < bottom <= 1.")
    return left, top, right, bottom


class Queue:
    """Photos wait for each other, a few at most; how long each may take is for what works on it to say."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self.most, self.waiting = at_once + waiting, waiting
        self.limiter = anyio.CapacityLimiter(at_once)
        self.inside = 0

    async def run(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Do work in a thread when its turn comes.

        Raises:
            Problem: 429, too many wait; or what the work raises.
        """
        if self.inside >= self.most:
            raise Problem(429, f"{self.waiting} photos are waiting already. Try again in a moment.", self.waiting)
        self.inside += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self.limiter)
        finally:
            self.inside -= 1
