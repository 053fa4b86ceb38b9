"""What the studio takes at most, in one table; beyond it a request is refused with the limit in the answer."""

from __future__ import annotations

from dataclasses import dataclass


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

    body_bytes: int = 20_000_000
    body_seconds: float = 30.0
    pixels: int = 40_000_000
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
