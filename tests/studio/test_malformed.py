"""Malformed requests and pictures: no fault of ours, nothing that hangs, memory within bounds, and it still answers."""

import io
import json
import re
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FEW, MANY = 150, 5000
PATIENCE = 60  # seconds until an answer counts as a hang
SHORTLY = 0.15  # seconds until bytes that are no whole request are left alone
MOST_MEMORY = 1000  # MB; after 1,000 requests it stays where it is, at about 720
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")
MODEL = "shipped/fashion-mnist/walkthrough"
PATHS = [
    "/api/answers",
    "/api/maps",
    "/api/trainings",
    "/api/drawings",
    f"/api/photos?model={MODEL}",
    "/api/runs/x/page",
]
WORDS = ["dataset", "model", "method", "settings", "seed", "validation", "pixels", "height", "width", "recipe"]


class Asked:
    """A studio in a process of its own, asked byte by byte."""

    def __init__(self, folder, runs):
        command = [sys.executable, "-m", "fittingroom", "studio", str(folder), "--port", "0", "--no-browser"]
        self.process = subprocess.Popen([*command, "--runs", str(runs)], stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)/", self.process.stdout.readline()).group(1))
        self.cookie = re.search(rb"set-cookie: ([^;]+)", self.send(self.head("GET", "/"))).group(1).decode()

    def head(self, method, path, **headers):
        cookie = getattr(self, "cookie", "")
        lines = {"host": f"127.0.0.1:{self.port}", "cookie": cookie, "connection": "close", **headers}
        text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode("utf-8", "surrogateescape")

    def post(self, path, body, kind="application/json", length=None):
        size = len(body) if length is None else length
        return self.head("POST", path, content_type=kind, content_length=size) + body

    def send(self, content, patience=PATIENCE):
        """Send bytes, and return the answer: empty where the connection was closed, or where more is waited for."""
        with socket.create_connection(("127.0.0.1", self.port), patience) as connection:
            try:
                connection.sendall(content)
                return b"".join(iter(lambda: connection.recv(65536), b""))
            except (ConnectionResetError, BrokenPipeError):
                return b""
            except TimeoutError:
                assert patience < PATIENCE, f"no answer in {patience} s: {content[:300]!r}"
                return b""

    def memory(self):
        """Megabytes that the process holds; none where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        return int(re.search(r"VmRSS:\s+(\d+)", status.read_text()).group(1)) / 1024 if status.exists() else 0

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def asked(toy_folder, tmp_path):
    studio = Asked(toy_folder, tmp_path / "runs")
    yield studio
    studio.close()


def picture(random):
    """A small picture's file, damaged: bits turned over, cut short, lengthened, or with a lie in its header."""
    pixels = random.integers(0, 256, (random.integers(8, 40), random.integers(8, 40), 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, FORMATS[random.integers(len(FORMATS))])
    content = bytearray(file.getvalue())
    for _ in range(random.integers(0, 12)):
        content[random.integers(len(content))] = random.integers(256)
    way = random.integers(4)
    if way == 0:
        del content[random.integers(1, len(content)) :]
    if way == 1:
        content += random.bytes(random.integers(1, 2000))
    if way == 2:
        content[16:24] = random.bytes(8)  # where PNG keeps width and height
    return bytes(content)


def bomb(side):
    """A PNG of few bytes and many pixels."""
    file = io.BytesIO()
    image = Image.new("L", (side, side))
    image.paste(200, (side // 4, side // 4, side // 2, side // 2))
    image.save(file, "PNG")
    return file.getvalue()


def value(random):
    choices = [
        None,
        -1,
        10**400,
        "",
        "x" * 5000,
        "../../etc/passwd",
        "\x00",
        "\ud800",
        [],
        {},
        [[]] * 50,
        True,
        1e308,
        "bars",
        MODEL,
    ]
    return choices[random.integers(len(choices))]


def body(random):
    """JSON that is none, too deep, too large, or of the wrong kinds."""
    way = random.integers(6)
    if way == 0:
        return random.bytes(random.integers(0, 400))
    if way == 1:
        return b"[" * random.integers(1, 60_000)
    if way == 2:
        return b'{"dataset": NaN, "model": 1e999}'
    if way == 3:
        return json.dumps(value(random)).encode()
    made = json.dumps(
        {WORDS[random.integers(len(WORDS))]: value(random) for _ in range(random.integers(1, 8))}
    ).encode()
    return made if way == 4 else made[: random.integers(1, len(made) + 1)]


def raw(asked, random):
    """Bytes that are hardly a request."""
    name = bytes(random.integers(33, 256, random.integers(1, 60), np.uint8))
    host = f"host: 127.0.0.1:{asked.port}\r\n".encode()
    choices = [
        random.bytes(random.integers(1, 3000)),
        b"GET /api/runs/" + name + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /api/datasets/bars/images/" + b"9" * random.integers(1, 6000) + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /static/" + b"../" * random.integers(1, 90) + b"etc/passwd HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"x: " + b"y" * random.integers(1, 200_000) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: " + name + b"\r\ncookie: " + name + b"\r\n\r\n",
        b"POST /api/drawings HTTP/1.1\r\n" + host + b"transfer-encoding: chunked\r\n\r\n" + name + b"\r\n0\r\n\r\n",
        asked.head("BREW" if random.integers(2) else "PUT", PATHS[random.integers(len(PATHS))]),
        asked.post("/api/drawings", b"{}", length=10**12),
        asked.post("/api/drawings", b'{"model": "', length=500),
    ]
    return choices[random.integers(len(choices))]


def request(asked, random, number):
    """Return what is to be sent, and how long to wait for an answer: the rest of half a request may be waited for."""
    if number % 97 == 5:
        return asked.post(f"/api/photos?model={MODEL}", bomb(6000 if number % 2 else 7500), "image/png"), PATIENCE
    way = random.integers(3)
    if way == 0:
        return asked.post(f"/api/photos?model={MODEL}", picture(random), "image/jpeg"), PATIENCE
    if way == 1:
        return asked.post(PATHS[random.integers(len(PATHS))], body(random)), PATIENCE
    return raw(asked, random), SHORTLY


def pelt(asked, count):
    """Send that many, and return how often each status came."""
    random = np.random.default_rng(7)
    statuses = Counter()
    for number in range(count):
        sent, patience = request(asked, random, number)
        found = re.match(rb"HTTP/1.1 (\d+)", asked.send(sent, patience))
        status = int(found.group(1)) if found else 0
        assert status < 500 or status == 503, f"request {number} was answered with {status}: {sent[:300]!r}"
        statuses[status] += 1
    assert asked.process.poll() is None
    assert asked.send(asked.head("GET", "/api/about")).startswith(b"HTTP/1.1 200")
    assert asked.memory() < MOST_MEMORY
    return statuses


@pytest.mark.soak
def test_malformed_requests_and_pictures_are_refused_and_the_studio_goes_on(asked):
    statuses = pelt(asked, FEW)
    assert {400, 404, 405, 413, 415, 422} <= set(statuses)


@pytest.mark.soak_long
def test_thousands_of_malformed_requests_and_pictures_are_refused(asked):
    assert sum(pelt(asked, MANY).values()) == MANY
