"""A studio in a process of its own and Chromium before it, for the scripts that draw and measure it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INSTALL = "Chromium or Playwright is missing. Run: make browser"
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@contextmanager
def open_studio(runs: Path) -> Iterator[str]:
    """Start a studio on a folder of runs, and give its address."""
    command = [sys.executable, "-m", "fittingroom", "studio", "--port", "0", "--no-browser", "--runs", str(runs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        found = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
        if found is None:
            sys.exit("The studio did not start.")
        yield found.group()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def open_chromium() -> Iterator[Any]:
    """Start Debian's Chromium without a window; as root without its sandbox, which root cannot have."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        sys.exit(INSTALL)
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium") or sys.exit(INSTALL)
    with sync_playwright() as playwright:
        options = {"executable_path": path, "chromium_sandbox": os.geteuid() != 0, "args": list(CAMERA)}
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()
