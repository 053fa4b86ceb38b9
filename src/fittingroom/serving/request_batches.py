"""Requests that come together are answered as one batch: fewer, larger runs of a network."""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.arrays import Array

if TYPE_CHECKING:
    from collections.abc import Callable

Outputs: TypeAlias = dict[str, Array]
"""By name, each with as many rows as there were images."""

WAIT_SECONDS = 0.002  # at most, for others to come
SHORT_SECONDS = 0.002  # a run that takes less is not worth the way to the thread and back
MOST_IMAGES = 64  # in a run; what brings more is asked in several, between which others get their turn


class RequestBatches:
    """What waits for one network, in one thread of its own.

    A request that is alone in the server waits for nobody. While a run is under way, what comes gathers for the next.

    Attributes:
        ask: images ``(n, ...)`` to outputs; it is called in the thread.
        in_flight: how many requests the server is busy with, so that nobody waits where no other can come.
        on_batch: told after each run the number of images, and its seconds.
        wait_seconds: the longest that an image waits for others; 0 for a run of its own for each request.
    """

    def __init__(
        self,
        ask: Callable[[Array], Outputs],
        in_flight: Callable[[], int],
        on_batch: Callable[[int, float], None],
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self.ask, self.in_flight, self.on_batch, self.wait_seconds = ask, in_flight, on_batch, wait_seconds
        self._most = MOST_IMAGES if wait_seconds else 1
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Array, asyncio.Future[Outputs]]] = []
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._is_busy = False
        self._image_seconds = math.inf  # of the last run; none yet

    async def answer(self, images: Array) -> Outputs:
        """Return what the network says of some images.

        Args:
            images: ``(n, ...)``, at least one, as the network takes them.
        """
        parts = [
            await self._queued(images[start : start + MOST_IMAGES]) for start in range(0, len(images), MOST_IMAGES)
        ]
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False)

    def _queued(self, images: Array) -> asyncio.Future[Outputs]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outputs] = loop.create_future()
        self._waiting.append((images, future))
        if self._is_busy:
            return future
        if self._is_full() or len(self._waiting) >= self.in_flight():
            self._run(loop)
        elif self._timer is None:
            self._timer = loop.call_later(self.wait_seconds, self._run, loop)
        return future

    def _is_full(self) -> bool:
        return sum(len(images) for images, _ in self._waiting) >= self._most

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the first that wait to the thread, as one batch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch: list[tuple[Array, asyncio.Future[Outputs]]] = []
        images = 0
        while self._waiting and (not batch or images + len(self._waiting[0][0]) <= self._most):
            batch.append(self._waiting.pop(0))
            images += len(batch[-1][0])
        asked = batch[0][0] if len(batch) == 1 else np.concatenate([images for images, _ in batch])
        running: asyncio.Future[tuple[Outputs, float]]
        if images * self._image_seconds < SHORT_SECONDS:
            running = loop.create_future()
            try:
                running.set_result(self._timed(asked))
            except Exception as error:
                running.set_exception(error)
            self._hand_out(batch, running, loop)
            return
        self._is_busy = True
        running = loop.run_in_executor(self._thread, self._timed, asked)
        running.add_done_callback(lambda done: self._hand_out(batch, done, loop))

    def _timed(self, images: Array) -> tuple[Outputs, float]:
        start = time.perf_counter()
        outputs, seconds = self.ask(images), time.perf_counter() - start
        self._image_seconds = seconds / len(images)
        return outputs, seconds

    def _hand_out(
        self,
        batch: list[tuple[Array, asyncio.Future[Outputs]]],
        done: asyncio.Future[tuple[Outputs, float]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._is_busy = False
        failure = done.exception()
        start = 0
        for images, future in batch:
            end = start + len(images)
            if failure is not None:
                if not future.done():
                    future.set_exception(failure)
            elif not future.done():  # whoever asked may have gone
                future.set_result({name: rows[start:end] for name, rows in done.result()[0].items()})
            start = end
        if failure is None:
            self.on_batch(start, done.result()[1])
        if self._waiting:
            self._run(loop)
