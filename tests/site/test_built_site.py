"""The built site in Chromium: from files and under a sub-path, on a phone, light and dark, searched, drawn on."""

import functools
import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.cli.app import COMMANDS, GROUPS
from fittingroom.pages.glossary import GLOSSARY
from helpers.chromium import launched, need_browser
from helpers.page_checks import breaches, expect, overhang

ROOT = Path(__file__).parent.parent.parent
SHORT = ("index", "api/train", "commands/train", "guides/class", "start", "results/index")  # one of each kind
MAIN = (
    *SHORT,
    *("walkthrough", "guides/index", "guides/judging", "guides/scale", "guides/suggesting"),
    *("class/index", "class/lesson-2-a-first-network", "reference/index", "reference/recipe", "reference/glossary"),
    *("api/index", "api/Recipe", "commands/index", "results/ladder-results", "results/versions"),
    *("gallery", "try-it", "project/cite", "project/changelog", "search"),
)
PATIENCE = 120_000  # milliseconds; a busy machine is no fault
pytestmark = pytest.mark.soak  # the site is built once, as `make site` does it
long = pytest.mark.soak_long
BUILD = """
import sys
from pathlib import Path
out, small, scripts = sys.argv[1:]
sys.path.insert(0, scripts)
import build
build.SHOWN_MODEL = "fashion-mnist/90"
build.write_pages = lambda work, dataset: dict.fromkeys(build.PAGES, Path(small))
print(build.build(Path(out), "fashion-mnist"))
"""
SMALL = "<!doctype html><html lang=en><title>A page</title><p>Written by a command.</p></html>"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site below two folders, as `make site` builds it, but for the pages whose trainings take a minute."""
    pytest.importorskip("sphinx", reason="no Sphinx: install the dev extra")
    if fr.locate("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; `make data` gets it")
    folder = tmp_path_factory.mktemp("root")
    (folder / "small.html").write_text(SMALL)
    out = folder / "some" / "where" / "site"
    out.parent.mkdir(parents=True)
    environment = os.environ | {"FITTINGROOM_OFFLINE": "1"}
    command = [sys.executable, "-c", BUILD, str(out), str(folder / "small.html"), str(ROOT / "scripts" / "site")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "[]\n", done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def browser(site):
    need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


class Quiet(SimpleHTTPRequestHandler):
    """Python's own server of plain files."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Of the site under a sub-path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site.parents[2])))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{site.relative_to(site.parents[2]).as_posix()}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def look(browser):
    """Return a function that opens a page of a width and theme; at the end none may have had a fault."""
    contexts, faults = [], []

    def new(width=1200, theme="light", is_watched=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        if is_watched:
            page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("response", lambda answer: faults.append(answer.url) if answer.status >= 400 else None)
        contexts.append(context)
        return page

    yield new
    for context in contexts:
        context.close()
    assert faults == []


def test_every_public_name_command_and_word_is_on_the_site_and_in_its_search(site):
    names = [f"api/{name.strip('_')}" for name in fr.__all__]
    names += [f"commands/{name}" for name in COMMANDS]
    names += [f"commands/{group}-{name}" for group, (_, members) in GROUPS.items() for name in members]
    searched = (site / "searchindex.js").read_text("utf-8")
    for name in names:
        assert "<h1>" in (site / f"{name}.html").read_text("utf-8"), name
        assert f'"{name}"' in searched, name
    glossary = (site / "reference" / "glossary.html").read_text("utf-8")
    assert [word for word in GLOSSARY if f"<h2>{word}<" not in glossary] == []


@pytest.mark.parametrize(
    ("width", "theme", "names"),
    [
        (390, "dark", SHORT),
        (1200, "light", SHORT[:3]),
        *(pytest.param(width, theme, MAIN, marks=long) for width in (390, 1200) for theme in ("light", "dark")),
    ],
)
def test_pages_are_legible_and_reachable(look, address, width, theme, names):
    page = look(width, theme, is_watched=False)  # axe-core asks for sheets under wrong names
    for name in names:
        page.goto(f"{address}/{name}.html")
        assert page.locator("h1").count() == 1, name
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        assert overhang(page) <= 0, name
        assert breaches(page) == [], name


@pytest.mark.parametrize(
    ("width", "names"),
    [(390, SHORT), (768, SHORT), *(pytest.param(width, MAIN, marks=long) for width in (390, 768, 1024, 1440))],
)
def test_from_files_no_page_has_a_fault_or_is_wider_than_its_window(look, site, width, names):
    page = look(width)
    for name in names:
        page.goto((site / f"{name}.html").as_uri())
        assert overhang(page) <= 0, name
        bar = page.locator(".bd-header").bounding_box()
        assert bar["height"] < 90, name  # the parts' names on one line


def found(page, words):
    """The titles of the pages that a search finds."""
    page.locator("button.search-button__button:visible, button.search-button-field:visible").first.click()
    page.locator("dialog input[type=search]").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?**")
    page.locator("#search-results ul.search li").first.wait_for()
    return page.locator("#search-results ul.search li > a").all_inner_texts()


def test_search_finds_pages_and_names_from_files(look, site):
    page = look()
    page.goto((site / "index.html").as_uri())
    assert any("Judging" in title for title in found(page, "calibration"))
    page.goto((site / "index.html").as_uri())
    assert any("train_seeds" in title for title in found(page, "train_seeds"))


def test_search_and_links_work_under_a_sub_path(look, address):
    page = look()
    page.goto(f"{address}/index.html")
    assert any("Judging" in title for title in found(page, "calibration"))
    page.locator("#search-results ul.search li > a").first.click()
    expect(page.locator("h1")).to_be_visible()
    page.locator("header a", has_text="Results").first.click()
    assert page.url == f"{address}/results/index.html"


def test_from_files_the_page_to_try_says_in_one_sentence_which_command_to_run(look, site):
    page = look()
    page.goto((site / "try-it.html").as_uri())
    said = page.locator("#try-it").inner_text()
    assert "python3 -m http.server 8000" in said
    assert "http://localhost:8000/try-it.html" in said
    assert said.strip().count(". ") == 0
    assert page.locator("#try-it iframe").count() == 0


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), pytest.param(1200, "light", marks=long)])
def test_a_visitor_draws_and_is_answered(look, address, width, theme):
    page = look(width, theme)
    page.goto(f"{address}/try-it.html")
    frame = page.frame_locator("#try-it iframe")
    frame.get_by_role("button", name="Draw").click()
    frame.locator(".pad").scroll_into_view_if_needed()
    box = frame.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 110, box["y"] + 200, steps=8)
    page.mouse.up()
    frame.locator(".try-answer h2").wait_for()
    assert frame.locator(".bar-row").count() == 10
    assert overhang(page) <= 0
    inside = next(each for each in page.frames if each.url.endswith("model/index.html"))
    assert inside.evaluate("document.documentElement.scrollHeight - innerHeight") <= 2  # it scrolls with the page
    paper = inside.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper.strip("rgb()").split(",")[:3])) < 200) == (theme == "dark")


@long
def test_the_theme_of_the_site_is_the_network_pages_too(look, address):
    page = look(1200, "light")
    page.goto(f"{address}/try-it.html")
    page.frame_locator("#try-it iframe").locator(".try-page").wait_for()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    inside = next(each for each in page.frames if each.url.endswith("model/index.html"))
    inside.wait_for_function(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every((x) => x < 80)"
    )
