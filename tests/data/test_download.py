from __future__ import annotations

import errno
import gzip
import socket
from functools import partial

import numpy as np
import pytest

import fittingroom.data.download as download_module
from fittingroom.data.download import UnreachableError, download
from fittingroom.data.idx import UnwritableError, encode
from fittingroom.data.verified import read_verified
from fittingroom.errors import DataError
from helpers import tiny_dataset
from helpers.local_server import answer

FILE, ARRAY = tiny_dataset.TINY.files[0], tiny_dataset.ARRAYS[0]
PACKED = gzip.compress(encode(ARRAY))


@pytest.fixture
def fetch(server, tmp_path, lines):
    """A function that downloads a path of the local server as tiny's first file."""

    def call(path="/a.gz"):
        url = server.url.rstrip("/") + path
        check = partial(read_verified, file=FILE, where=url)
        return download(url, tmp_path / "work.gz", check, FILE.size_bytes, lines.append)

    yield call
    assert not (tmp_path / "work.gz").exists()


def test_a_file_is_fetched_and_verified(server, fetch, lines):
    server.files["/a.gz"] = PACKED
    np.testing.assert_array_equal(fetch(), ARRAY)
    assert lines[0] == f"Fetching {server.url}a.gz"
    assert server.asked == ["/a.gz"]


def test_progress_is_told_in_lines(server, fetch, lines):
    server.files["/a.gz"] = PACKED
    fetch()
    assert "  0 of 0 MB" in lines


def test_a_redirect_is_followed(server, fetch):
    server.answers["/a.gz"] = answer(b"", 302, headers=[("Location", "/b.gz")])
    server.files["/b.gz"] = PACKED
    np.testing.assert_array_equal(fetch(), ARRAY)


def test_redirects_in_a_circle_end(server, fetch):
    server.answers["/a.gz"] = answer(b"", 302, headers=[("Location", "/a.gz")])
    with pytest.raises(DataError, match=r"/a\.gz: expected the file, received the answer 302"):
        fetch()


def test_a_transfer_that_breaks_off_is_tried_again(server, fetch, lines):
    tries = iter([answer(PACKED[:50], length=len(PACKED)), answer(PACKED)])
    server.answers["/a.gz"] = lambda handler: next(tries)(handler)
    np.testing.assert_array_equal(fetch(), ARRAY)
    assert any("broke off" in line and "(try 1 of 3)" in line for line in lines)


def test_a_truncated_answer_that_claims_to_be_whole_is_tried_again(server, fetch):
    tries = iter([answer(PACKED[:50]), answer(PACKED)])
    server.answers["/a.gz"] = lambda handler: next(tries)(handler)
    np.testing.assert_array_equal(fetch(), ARRAY)


def test_after_three_truncated_answers_the_mirror_is_left(server, fetch):
    server.files["/a.gz"] = PACKED[:50]
    with pytest.raises(UnreachableError, match=r"a.gz: .*cut short.*\(try 3 of 3\)"):
        fetch()
    assert server.asked == ["/a.gz"] * 3


def test_a_server_that_stalls_is_left_after_three_tries(server, fetch):
    def stall(handler):
        answer(PACKED[:50], length=len(PACKED))(handler)
        server.ended.wait(5)

    server.answers["/a.gz"] = stall
    with pytest.raises(UnreachableError, match=r"broke off .*\(try 3 of 3\)"):
        fetch()
    server.ended.set()


def test_a_server_that_never_answers_is_left_after_three_tries(server, fetch):
    server.answers["/a.gz"] = lambda handler: server.ended.wait(5)
    with pytest.raises(UnreachableError, match=r"broke off .*\(try 3 of 3\)"):
        fetch()
    server.ended.set()


def test_an_overloaded_server_is_asked_again(server, fetch):
    tries = iter([answer(b"", 503), answer(PACKED)])
    server.answers["/a.gz"] = lambda handler: next(tries)(handler)
    np.testing.assert_array_equal(fetch(), ARRAY)


def test_a_missing_file_is_not_asked_for_again(server, fetch):
    with pytest.raises(DataError, match=r"a.gz: expected the file, received the answer 404") as caught:
        fetch()
    assert not isinstance(caught.value, UnreachableError)
    assert server.asked == ["/a.gz"]


def test_a_web_page_is_named_with_its_address_and_not_asked_for_again(server, fetch):
    server.files["/a.gz"] = b"<html>Please log in</html>"
    with pytest.raises(DataError, match=r"http://127.0.0.1:\d+/a.gz: .*received a web page"):
        fetch()
    assert server.asked == ["/a.gz"]


def test_another_dataset_is_named_with_its_address(tiny, server, fetch):
    server.files["/a.gz"] = gzip.compress(encode(tiny_dataset.OTHER_ARRAYS[0]))
    with pytest.raises(DataError, match=r"/a.gz: .*received train-images-idx3-ubyte of Other"):
        fetch()


def test_a_server_that_sends_too_much_is_stopped(server, fetch):
    server.files["/a.gz"] = bytes(download_module.SLACK_BYTES + 200_000)
    with pytest.raises(DataError, match=r"expected at most [\d,]+ bytes, received more"):
        fetch()


def test_a_server_that_sends_small_pieces_is_not_taken_for_one_that_sends_too_much(server, fetch):
    def in_pieces(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for byte in PACKED:
            handler.wfile.write(b"1\r\n" + bytes([byte]) + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    server.answers["/a.gz"] = in_pieces
    np.testing.assert_array_equal(fetch(), ARRAY)


def test_a_port_where_nobody_listens_is_unreachable_at_once(tmp_path, lines):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.gz"
        with pytest.raises(UnreachableError, match=r"127.0.0.1:\d+ cannot be reached"):
            download(url, tmp_path / "a.gz", None, 10, lines.append)
    assert lines == [f"Fetching {url}"]


def test_a_connection_that_does_not_come_is_given_up_after_the_connect_time(tmp_path, monkeypatch):
    seen = []

    def never(self, method, url, **options):
        import requests
        import urllib3

        seen.append((options["timeout"], options.get("verify", True)))
        raise requests.ConnectTimeout(urllib3.exceptions.MaxRetryError(None, url, TimeoutError()))

    monkeypatch.setattr("requests.sessions.Session.request", never)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        download("https://example.invalid/a.gz", tmp_path / "a.gz", None, 10, print)
    assert seen == [((1.0, 0.3), True)]


def test_five_seconds_are_the_time_to_connect():
    assert download_module.Patience().connect_seconds == 5
    assert download_module.Patience().tries == 3


def test_a_certificate_that_cannot_be_verified_is_named_and_never_ignored(tmp_path, monkeypatch):
    def untrusted(self, method, url, **options):
        import requests

        raise requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED")

    monkeypatch.setattr("requests.sessions.Session.request", untrusted)
    with pytest.raises(UnreachableError, match=r"certificate .*REQUESTS_CA_BUNDLE.* verification stays on"):
        download("https://example.invalid/a.gz", tmp_path / "a.gz", None, 10, print)


def test_a_full_disk_is_one_sentence(server, fetch, monkeypatch):
    def fill(self, count):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.files["/a.gz"] = PACKED
    monkeypatch.setattr(download_module._Progress, "update", fill)
    with pytest.raises(UnwritableError, match=r"No space left on device.*Free 200 MB"):
        fetch()
