"""Debian's Chromium for the tests that look at pages: without a window where that is at hand, which is lighter."""

import os
import shutil
from importlib.util import find_spec

import pytest

NAMES = ("chromium-headless-shell", "chromium")
REQUIRED = os.environ.get("FITTINGROOM_REQUIRE_BROWSER") == "1"
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def chromium():
    """Its path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing(*packages) -> str:
    """What keeps these tests from running, or nothing."""
    absent = [name for name in ("playwright", "axe_playwright_python", *packages) if find_spec(name) is None]
    return ", ".join([*absent, *([] if chromium() else ["Debian's chromium"])])


def need_browser(*packages) -> None:
    """Skip, saying why, where there is no browser; fail where one is demanded."""
    if missing(*packages) and REQUIRED:
        pytest.fail(f"FITTINGROOM_REQUIRE_BROWSER=1, but there is no {missing(*packages)}")
    if missing(*packages):
        pytest.skip(f"no {missing(*packages)}: run `make browser`")


def launched(playwright):
    """Return Chromium, started; as root without its sandbox, which root cannot have."""
    is_user = os.geteuid() != 0
    return playwright.chromium.launch(executable_path=chromium(), chromium_sandbox=is_user, args=list(CAMERA))
