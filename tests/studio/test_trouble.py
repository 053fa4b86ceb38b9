"""Two on one port, a kill in the middle of a request, a full disk: a clear message each, and nothing lost."""

import json
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.error import HTTPError

import pytest

from fittingroom.errors import UsageError
from fittingroom.studio.training_jobs import write_line
from fittingroom.web.listening import listen

pytestmark = pytest.mark.soak


def command(folder, runs, port=0):
    start = [sys.executable, "-m", "fittingroom", "studio", str(folder), "--port", str(port), "--no-browser"]
    return [*start, "--runs", str(runs)]


class Started:
    """A studio in a process of its own."""

    def __init__(self, folder, runs, port=0, **options):
        self.process = subprocess.Popen(command(folder, runs, port), stdout=subprocess.PIPE, text=True, **options)
        self.address = re.search(r"http://\S+", self.process.stdout.readline()).group()
        self.port = int(self.address.rsplit(":", 1)[1].strip("/"))
        with urllib.request.urlopen(self.address) as page:
            self.cookie = page.headers["set-cookie"].partition(";")[0]

    def ask(self, path, body=None):
        """Return status and answer."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"cookie": self.cookie, "content-type": "application/json"}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.address}api/{path}", content, headers)
            ) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def end(self, kill=False):
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def begin(toy_folder, toy_run, tmp_path):
    """Return a function that starts a studio on a folder with one run."""
    runs = tmp_path / "runs"
    shutil.copytree(toy_run, runs / toy_run.name)
    started = []

    def start(port=0, **options):
        started.append(Started(toy_folder, runs, port, **options))
        return started[-1]

    start.runs = runs
    yield start
    for each in started:
        if each.process.poll() is None:
            each.end()


def files(folder):
    """Every file of a folder with its content."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_second_studio_on_one_port_says_what_to_do(begin, toy_folder, tmp_path):
    studio = begin()
    second = subprocess.run(command(toy_folder, tmp_path, studio.port), capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert f"Port {studio.port} is taken; perhaps by a studio that is open already" in second.stderr
    assert "--port 0" in second.stderr
    assert "Traceback" not in second.stderr
    assert studio.ask("about")[0] == 200


def test_a_port_that_is_none_is_told():
    with pytest.raises(UsageError, match="Expected a port from 0 to 65535, received 70000"):
        listen("127.0.0.1", 70_000)
    with pytest.raises(UsageError, match=r"cannot listen at no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 0)


def test_a_studio_killed_in_the_middle_of_requests_loses_nothing(begin):
    studio = begin()
    before = files(begin.runs / "20260101-a")
    studio.ask("answers", {"dataset": "bars", "model": "run/20260101-a"})
    with socket.create_connection(("127.0.0.1", studio.port)) as upload:
        head = f"POST /api/drawings HTTP/1.1\r\nhost: 127.0.0.1:{studio.port}\r\ncookie: {studio.cookie}\r\n"
        upload.sendall(f"{head}content-length: 900000\r\n\r\n{{".encode())
        studio.end(kill=True)
    after = begin(studio.port)
    assert [row["name"] for row in after.ask("runs")[1]] == ["20260101-a"]
    assert files(begin.runs / "20260101-a") == before
    assert after.ask("answers", {"dataset": "bars", "model": "run/20260101-a"})[0] == 200


def small_files():
    """Let a process write no file above 30 kB: to it, the disk is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def test_a_full_disk_ends_a_training_with_a_clear_message_and_nothing_lost(begin):
    studio = begin(preexec_fn=small_files)
    before = files(begin.runs / "20260101-a")
    order = {"dataset": "bars", "model": "walkthrough", "settings": {"epochs": 3, "batch_size": 32}}
    status, told = studio.ask("trainings", order)
    assert status == 200
    while told["how"] == "running":
        time.sleep(0.1)
        told = studio.ask(f"trainings/{told['name']}")[1]
    assert told["how"] == "failed"
    assert re.search("File too large|disk", told["words"])
    assert "/" not in told["words"]
    assert files(begin.runs / "20260101-a") == before
    assert studio.ask("runs")[0] == 200


def test_a_full_disk_refuses_what_would_be_kept_with_507(begin):
    studio = begin(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    status, told = studio.ask("maps/positions?dataset=bars")
    assert status == 507
    assert told["error"]["message"] == "The disk cannot be written or read: File too large."
    assert list((begin.runs / ".studio").iterdir()) == []
    assert studio.ask("datasets/bars")[0] == 200


def test_progress_that_cannot_be_written_stops_no_training(tmp_path):
    (tmp_path / "progress.jsonl").symlink_to("/dev/full")
    write_line(tmp_path, {"kind": "says", "words": "x" * 100_000})
    assert (tmp_path / "progress.jsonl").is_symlink()
