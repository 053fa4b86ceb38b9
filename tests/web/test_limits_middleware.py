"""Beyond a limit a request is refused with JSON that names the limit."""

import asyncio
from dataclasses import replace

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from fittingroom.web.limits import LIMITS, LimitsMiddleware

SMALL = replace(LIMITS, body_bytes=1000, body_seconds=0.05, requests=2)


async def echo(scope, receive, send):
    message = await receive()
    await PlainTextResponse(str(len(message["body"])))(scope, receive, send)


def busy(limits, inside=0, uploading=0):
    """A middleware with so many requests under way."""
    made = LimitsMiddleware(echo, limits)
    made.inside, made.uploading = inside, uploading
    return made


@pytest.fixture
def client():
    return TestClient(LimitsMiddleware(echo, SMALL))


def test_a_body_within_the_limit_arrives_whole(client):
    assert client.post("/", content=b"x" * 1000).text == "1000"


@pytest.mark.parametrize("content", [b"x" * 1001, (b"x" * 600 for _ in range(2))], ids=["declared", "in pieces"])
def test_a_body_beyond_the_limit_is_refused(client, content):
    answer = client.post("/", content=content)
    assert answer.status_code == 413
    assert answer.json()["error"] == {
        "kind": "too_large",
        "message": "A request may bring 0.001 MB at most.",
        "limit": 1000,
    }


def ask(app, receive, headers=()):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers), "query_string": b""}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"]


def test_a_body_that_never_arrives_is_given_up():
    async def never():
        await asyncio.sleep(60)

    assert ask(LimitsMiddleware(echo, SMALL), never) == 408


def test_more_requests_at_once_than_the_limit_are_refused():
    async def now():
        return {"type": "http.request", "body": b"", "more_body": False}

    assert ask(busy(SMALL, inside=2), now) == 503
    assert ask(busy(SMALL, inside=1), now) == 200


def test_more_uploads_at_once_than_the_limit_are_refused_while_other_requests_pass():
    async def now():
        return {"type": "http.request", "body": b"x", "more_body": False}

    few = replace(SMALL, uploads=1, requests=9)
    assert ask(busy(few, uploading=1), now, [(b"content-length", b"1")]) == 429
    assert ask(busy(few, uploading=1), now, [(b"transfer-encoding", b"chunked")]) == 429
    assert ask(busy(few, uploading=1), now) == 200
    gate = LimitsMiddleware(echo, few)
    assert ask(gate, now, [(b"content-length", b"1")]) == 200
    assert (gate.inside, gate.uploading) == (0, 0)


def test_more_bytes_at_once_than_the_limit_are_refused_before_they_are_read():
    async def never():
        pytest.fail("a body was read that there is no room for")

    few = replace(SMALL, bodies_bytes=1500, requests=9, uploads=9)
    gate = LimitsMiddleware(echo, few)
    gate.held_bytes = 1000
    assert ask(gate, never, [(b"content-length", b"600")]) == 429
    assert ask(gate, never, [(b"transfer-encoding", b"chunked")]) == 429  # may bring as much as a body may
    assert gate.held_bytes == 1000


def test_a_body_whose_sender_is_gone_reaches_nobody():
    messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]

    async def half():
        return messages.pop(0)

    async def never(scope, receive, send):
        pytest.fail("half a body was taken for a whole one")

    assert ask(LimitsMiddleware(never, SMALL), half) == 400
