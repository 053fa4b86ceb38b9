"""Servers of shipped models: one in this process for most tests, others in processes of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace

import pytest

pytest.importorskip("prometheus_client", reason="no prometheus-client: install the serve extra")

from starlette.testclient import TestClient

from fittingroom.inference.model_files import WEIGHTS
from fittingroom.serving.model_server import ServerSettings, build_app
from fittingroom.serving.served_models import read_sources

SHIPPED = WEIGHTS / "fashion-mnist"


def settings_of(*models, **more):
    """Settings of a server of these models, or of the two shipped ones."""
    return ServerSettings(read_sources(models), logs=False, **more)


def client_of(settings):
    """A program that asks a server in this process."""
    return TestClient(build_app(settings), base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client():
    with client_of(settings_of()) as asking:
        yield asking


@dataclass
class Running:
    """A server in processes of its own."""

    process: subprocess.Popen
    address: str

    def get(self, path, body=None, headers=()):
        """The answer to one request: its status, headers and body."""
        request = urllib.request.Request(self.address + path, body, dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def json(self, path, body=None):
        status, _, content = self.get(path, body)
        assert status == 200, content
        return json.loads(content)

    def stop(self):
        """Tell it to end, and wait until it has; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


@pytest.fixture
def start(tmp_path):
    """Return a function that starts `fittingroom serve` with some words, and waits until it answers."""
    begun = []

    def starting(*words, env=None):
        command = [sys.executable, "-m", "fittingroom", "serve", "--port", "0", *map(str, words)]
        path = tmp_path / f"server-{len(begun)}.log"
        with path.open("w") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **(env or {})}
            )
        for line in process.stdout:
            found = re.search(r"Serving at (http://\S+?)/ ", line)
            if found:
                break
        else:
            raise AssertionError(path.read_text())
        begun.append(Running(process, found.group(1)))
        wait_until(lambda: begun[-1].get("/v2/health/ready")[0] == 200)
        return begun[-1]

    yield starting
    for running in begun:
        running.stop()


def wait_until(is_so, seconds=30):
    """Wait until something is so; fail where it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if is_so():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds} s")


@pytest.fixture
def own_model(tmp_path):
    """A folder with a copy of rung 90 as net.onnx and its card."""
    folder = tmp_path / "served"
    folder.mkdir()
    for ending in ("onnx", "json"):
        shutil.copy(SHIPPED / f"90.{ending}", folder / f"net.{ending}")
    return folder


__all__ = ["Running", "client_of", "replace", "settings_of", "wait_until"]
