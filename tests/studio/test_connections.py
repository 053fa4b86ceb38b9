"""Connections: silent ones are closed, more than the limit are closed, and a slow header is no way round."""

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import uvicorn

from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.state import Studio
from fittingroom.web.limits import LIMITS, protocol_of
from fittingroom.web.listening import listen
from fittingroom.web.security import Access

PATIENCE = 60  # seconds until a connection counts as one that is never closed


@contextmanager
def served(toy_folder, runs, **limits):
    """A studio on a real port with limits of its own; yields the port."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    studio = Studio(Access(port=port), runs, DatasetRegistry([toy_folder]), replace(LIMITS, **limits))
    protocol = protocol_of(studio.limits)
    server = uvicorn.Server(uvicorn.Config(build_app(studio), http=protocol, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def port(toy_folder, tmp_path):
    with served(toy_folder, tmp_path / "runs", header_seconds=0.5) as number:
        yield number


def request(port, path="/api/about"):
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def test_a_connection_on_which_nothing_is_said_is_closed(port):
    with connect(port) as silent:
        assert silent.recv(1) == b""


def test_a_header_that_comes_byte_by_byte_is_not_waited_for(port):
    def drip(slow):
        slow.sendall(b"GET / HTTP/1.1\r\nx: ")
        while True:
            slow.sendall(b"x")
            time.sleep(0.05)

    with connect(port) as slow, pytest.raises(OSError, match=r"reset|[Bb]roken pipe|aborted"):
        drip(slow)


def test_a_connection_that_was_answered_once_is_closed_too_where_nothing_follows(port):
    with connect(port) as kept:
        kept.sendall(request(port))
        assert kept.recv(1 << 16).startswith(b"HTTP/1.1 200")
        kept.sendall(b"GET /api")
        while kept.recv(1 << 16):
            continue


def test_beyond_the_limit_connections_are_closed_and_within_it_answered(toy_folder, tmp_path):
    with served(toy_folder, tmp_path / "runs", connections=2) as port:
        with connect(port) as first, connect(port) as second:
            for each in (first, second):
                each.sendall(request(port))
                assert each.recv(1 << 16).startswith(b"HTTP/1.1 200")
            with connect(port) as third:
                assert third.recv(1) == b""
        with connect(port) as again:
            again.sendall(request(port))
            assert again.recv(1 << 16).startswith(b"HTTP/1.1 200")
