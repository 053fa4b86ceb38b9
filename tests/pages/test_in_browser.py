"""The pages as a browser shows them: on a phone, a tablet and a desk, in light, in dark and on paper."""

from __future__ import annotations

import numpy as np
import pytest

from fittingroom.pages.answers import Pictures
from fittingroom.pages.comparison.page import comparison_page
from fittingroom.pages.run.page import run_page
from fittingroom.pages.tutorial.page import tutorial_page
from helpers.cases import here_and_in_soak
from helpers.chromium import launched, need_browser
from helpers.report_samples import make_comparison, make_fitting, make_judged, make_pictures, make_report, make_run

pytestmark = pytest.mark.soak

WIDTHS = (360, 768, 1440)


@pytest.fixture(scope="module")
def browser():
    need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["run", "tutorial", "comparison", "curves only"])
def address(request, tmp_path_factory) -> str:
    """A page of each kind, as a file."""
    judged = make_judged()
    report, pictures = make_report(judged=judged, against=make_fitting("mnist", wrong=30))
    page = {
        "run": lambda: run_page(make_run(judged), make_pictures(judged)),
        "tutorial": lambda: tutorial_page(report, pictures | make_pictures(judged)),
        "comparison": lambda: comparison_page(
            make_comparison(5),
            Pictures({first.index: np.zeros((28, 28), np.uint8) for first, *_ in make_comparison(5).differences}),
        ),
        "curves only": lambda: run_page(make_run()),
    }[request.param]()
    path = tmp_path_factory.mktemp("pages") / "page.html"
    path.write_text(page, "utf-8")
    return path.as_uri()


@pytest.fixture
def seen(browser, address):
    """Open the page at a width, in light or dark, with or without scripts, and note what it asks for."""
    contexts = []

    def seen(width: int, scheme: str = "light", *, scripts: bool = True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page, [url for url in asked if not url.startswith(("file:", "data:"))]

    yield seen
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", here_and_in_soak(*WIDTHS))
def test_nothing_hangs_over_at_the_side_and_nothing_is_asked_for(seen, width: int) -> None:
    page, asked = seen(width)
    assert asked == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("scheme", here_and_in_soak("light", "dark"))
def test_everyone_can_use_it(seen, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(seen(1440, scheme)[0]).response["violations"]
    told = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]
    assert told == []


def test_dark_is_dark_and_paper_is_white(seen) -> None:
    page, _ = seen(768, "dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert max(int(part) for part in page.evaluate(ground)[4:-1].split(",")) < 60
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_it_reads_without_scripts(seen) -> None:
    (without, _), (with_them, _) = seen(768, scripts=False), seen(768)
    assert without.locator("body").inner_text() == with_them.locator("body").inner_text()
