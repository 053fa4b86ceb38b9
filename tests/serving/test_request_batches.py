"""Requests that come together are answered in one run, each with its own rows; alone nobody waits."""

import asyncio
import time

import numpy as np
import pytest

from fittingroom.serving import request_batches
from fittingroom.serving.request_batches import MOST_IMAGES, RequestBatches


class Asked:
    """A network that gives back what it is given, and notes how many images each run had."""

    def __init__(self, seconds=0.0):
        self.runs, self.seconds = [], seconds

    def __call__(self, images):
        self.runs.append(len(images))
        time.sleep(self.seconds)
        return {"same": images.astype(np.float32)}


def answers(network, parts, *, in_flight=None, wait=0.002):
    """What each of several requests at once is told."""

    async def ask():
        told = []
        batches = RequestBatches(
            network, lambda: len(parts) if in_flight is None else in_flight, lambda *run: told.append(run), wait
        )
        found = await asyncio.gather(*(batches.answer(part) for part in parts), return_exceptions=True)
        batches.close()
        return found, told

    return asyncio.run(ask())


def numbered(*counts):
    """Images that are told apart: of each request so many, all of its own number."""
    return [np.full((count, 2), number) for number, count in enumerate(counts)]


def test_requests_that_come_together_are_one_run_and_each_gets_its_own_rows():
    network = Asked()
    parts = numbered(1, 3, 2)
    found, told = answers(network, parts)
    assert network.runs == [6]
    assert [run[0] for run in told] == [6]
    for part, rows in zip(parts, found, strict=True):
        assert np.array_equal(rows["same"], part)


def test_a_request_that_is_alone_waits_for_nobody(monkeypatch):
    start = time.perf_counter()
    answers(Asked(), numbered(1), in_flight=1, wait=60.0)
    assert time.perf_counter() - start < 30


def test_a_request_waits_no_longer_than_it_may_for_others_that_do_not_come():
    network = Asked()
    answers(network, numbered(1), in_flight=9, wait=0.002)
    assert network.runs == [1]


def test_what_comes_while_a_run_is_under_way_gathers_for_the_next():
    network = Asked(seconds=0.05)

    async def ask():
        batches = RequestBatches(network, lambda: 1, lambda *_: None)
        first = asyncio.create_task(batches.answer(numbered(1)[0]))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, *(batches.answer(part) for part in numbered(1, 1, 1)))

    asyncio.run(ask())
    assert network.runs == [1, 3]


def test_many_images_are_asked_in_several_runs_and_put_together_again():
    network = Asked()
    many = np.arange(2 * (3 * MOST_IMAGES + 1)).reshape(-1, 2)
    (rows,), _ = answers(network, [many])
    assert max(network.runs) <= MOST_IMAGES
    assert np.array_equal(rows["same"], many)


def test_without_waiting_each_request_has_a_run_of_its_own():
    network = Asked()
    answers(network, numbered(1, 1, 1), wait=0.0)
    assert network.runs == [1, 1, 1]


@pytest.mark.parametrize("seconds", [0.0, 0.02], ids=["in the loop", "in the thread"])
def test_a_run_that_fails_fails_for_those_in_it_and_the_next_is_answered(seconds):
    def broken(images):
        time.sleep(seconds)
        if (images == 0).any():
            raise ValueError("broken")
        return {"same": images}

    async def ask():
        batches = RequestBatches(broken, lambda: 2, lambda *_: None)
        await batches.answer(np.full((1, 2), 7))  # now it knows how long a run takes
        found = await asyncio.gather(*(batches.answer(part) for part in numbered(1, 1)), return_exceptions=True)
        return found, await batches.answer(np.full((1, 2), 7))

    found, after = asyncio.run(ask())
    assert [str(one) for one in found] == ["broken", "broken"]
    assert (after["same"] == 7).all()


def test_whoever_gives_up_waiting_takes_nobody_else_with_them():
    network = Asked(seconds=0.05)

    async def ask():
        batches = RequestBatches(network, lambda: 2, lambda *_: None)
        gone, stays = (asyncio.create_task(batches.answer(part)) for part in numbered(1, 1))
        await asyncio.sleep(0.01)
        gone.cancel()
        return await stays

    assert (asyncio.run(ask())["same"] == 1).all()


def test_a_short_run_is_not_sent_to_the_thread(monkeypatch):
    monkeypatch.setattr(request_batches, "SHORT_SECONDS", 10.0)
    network = Asked()

    async def ask():
        batches = RequestBatches(network, lambda: 1, lambda *_: None)
        await batches.answer(numbered(1)[0])
        batches.close()  # a thread that is shut takes nothing any more
        return await batches.answer(numbered(2)[0])

    assert len(asyncio.run(ask())["same"]) == 2
