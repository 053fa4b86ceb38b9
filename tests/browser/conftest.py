"""A studio in a process of its own, and Debian's Chromium that looks at it; every page is watched for faults."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fittingroom.runs import open_run
from fittingroom.workflows.evaluation import evaluate
from fittingroom.workflows.training import train
from helpers.chromium import launched, need_browser
from helpers.made_sweep import make_sweep

HERE = Path(__file__).parent
NEEDS = ("fastapi", "uvicorn", "cv2")
PATIENCE = 120_000  # milliseconds; a busy machine is no fault


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What is done by hand in a browser takes minutes: `make test` opens each part and no more."""
    for item in items:
        if item.path.parent == HERE and item.path.stem != "test_everywhere":
            item.add_marker("soak")


@pytest.fixture(scope="session", autouse=True)
def needed():
    """Skip, saying why, where there is no browser; fail where one is demanded."""
    need_browser(*NEEDS)


@pytest.fixture(scope="session")
def runs(needed, toy_folder, toy, tmp_path_factory):
    """A folder with two runs of the toy dataset that have met its test images, a good one and a worse one; a sweep."""
    folder = tmp_path_factory.mktemp("studio") / "runs"
    for name, rate in (("20260101-worse", 1e-5), ("20260102-good", 1e-3)):
        settings = {"epochs": 3, "batch_size": 32, "learning_rate": rate}
        run = train("walkthrough", toy_folder, settings=settings, validation=64, out=folder / name)
        evaluate(run, toy)
    make_sweep(folder)
    return folder


@dataclass
class Served:
    """A studio that runs: its process and its address."""

    process: subprocess.Popen
    address: str

    def close(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.gone()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.kill()
        self.gone()

    def gone(self) -> None:
        self.process.wait(20)
        self.process.stdout.close()


def serve(runs, *folders, port=0, options=(), env=None) -> Served:
    """Start a studio as a user would."""
    command = [sys.executable, "-m", "fittingroom", "studio", *map(str, folders), "--port", str(port), "--no-browser"]
    command += ["--runs", str(runs), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found, "the studio printed no address"
    return Served(process, found.group())


@pytest.fixture(scope="session")
def studio(runs, toy_folder):
    served = serve(runs, toy_folder)
    yield served
    served.close()


@pytest.fixture
def untested(runs):
    """A run that has not met the test images yet."""
    folder = runs / "20260104-untested"
    shutil.copytree(runs / "20260102-good", folder)
    for name in ("verdict.json", "test_looks.jsonl", "predictions.npz"):
        (folder / name).unlink()
    yield open_run(folder)
    shutil.rmtree(folder)


@pytest.fixture
def start_studio(runs, toy_folder):
    """Return a function that starts another studio on the same runs, at a port or at any that is free."""
    begun = []

    def start(*folders, at=runs, port=0, **more):
        begun.append(serve(at, *(folders or [toy_folder]), port=port, **more))
        return begun[-1]

    yield start
    for served in begun:
        if served.process.poll() is None:
            served.close()


@pytest.fixture(scope="module")
def browser(needed):
    """Chromium; closed with each module, since Playwright holds the thread's event loop as long as it lives."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: object
    address: str
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, part: str):
        """Open a part of the studio by its address."""
        self.page.goto(f"{self.address.partition('?')[0]}#/{part}")
        self.page.wait_for_selector("#bar nav a[aria-current=page]")
        return self.page

    def watch(self) -> None:
        """Take down console errors, exceptions, failed requests, refusals, and requests to elsewhere."""
        page, note = self.page, self.faults.append
        page.on("console", lambda said: note(f"console: {said.text}") if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: note(f"exception: {error}"))
        page.on("requestfailed", lambda asked: _is_left(asked) or note(f"failed: {asked.url} {asked.failure}"))
        page.on("response", lambda answer: note(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
        page.on("request", lambda asked: note(f"outside: {asked.url}") if self._is_outside(asked.url) else None)

    def _is_outside(self, url: str) -> bool:
        return not url.startswith((self.address.partition("?")[0], "data:", "blob:", "about:"))

    def unexpected(self) -> list[str]:
        """What went wrong and was not part of the test."""
        return [fault for fault in self.faults if not any(words in fault for words in self.expected)]


def _is_left(request) -> bool:
    """A request given up because its page was left is no failure."""
    return request.failure == "net::ERR_ABORTED"


@pytest.fixture
def look(browser, studio):
    """Return a function that opens a watched page of a width and theme; at the end none may have had a fault."""
    opened = []

    def new(width=1440, theme="light", address=studio.address, **settings):
        size = {"width": width, "height": 800 if width < 600 else 900}
        context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", **settings)
        context.set_default_timeout(PATIENCE)
        watched = Watched(context.new_page(), address)
        watched.watch()
        opened.append((context, watched))
        return watched

    yield new
    for context, _ in opened:
        context.close()
    assert [fault for _, watched in opened for fault in watched.unexpected()] == []


@pytest.fixture
def watched(look):
    return look()
