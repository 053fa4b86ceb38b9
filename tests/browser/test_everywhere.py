"""What holds on every part: axe-core's rules, light and dark, three widths, the keyboard alone."""

import re

import pytest

from helpers.cases import here_and_in_soak
from helpers.page_checks import breaches, expect, overhang

READY = {
    "data": ("data/650", ".wall-panel .thumb"),
    "curate": ("curate", ".curate-start .primary"),
    "train": ("train", ".train-form .primary"),
    "sweep": ("sweep/20260103-090000-made", ".sweep-trials tbody tr"),
    "look": ("look/20260102-good?against=20260101-worse", ".pair"),
    "try": ("try", ".drop"),
    "runs": ("runs", "table.runs tbody tr"),
}


def opened(watched, part):
    path, mark = READY[part]
    page = watched.go(path)
    page.locator(mark).first.wait_for()
    return page


@pytest.mark.parametrize("theme", here_and_in_soak("light", "dark"))
@pytest.mark.parametrize("part", READY)
def test_axe_finds_nothing_wrong(look, part, theme):
    page = opened(look(theme=theme), part)
    if part == "try":
        page.get_by_role("button", name="Draw").click()
        page.locator(".pad").focus()
        for _ in range(9):
            page.keyboard.press("ArrowRight")
        page.locator(".try-answer").wait_for()
    if part == "train":
        page.get_by_text(re.compile("more settings")).click()
    assert breaches(page) == []
    if part == "runs":
        page.get_by_role("button", name="Delete 20260102-good").click()
        assert breaches(page) == []


@pytest.mark.parametrize("width", here_and_in_soak(360, 768, 1024, 1200, 1440))
def test_no_part_is_wider_than_its_window(look, width):
    watched = look(width=width)
    for part in READY:
        page = opened(watched, part)
        assert overhang(page) <= 0, part
        expect(page.locator("#bar nav a[aria-current=page]")).to_be_in_viewport()


def test_on_a_phone_the_filters_and_the_panel_open_and_close(look):
    page = look(width=360).go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Class", exact=True).select_option(label="bar 3")
    expect(page.get_by_text("84 of 840 images")).to_be_visible()
    page.get_by_label("Open image by index").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Image 7")).to_be_in_viewport()
    assert overhang(page) <= 0
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("complementary")).to_be_hidden()


def test_the_keyboard_alone_reaches_every_part(watched):
    page = watched.go("train")
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    for part, words in (("runs", "Runs"), ("sweep", "Sweep"), ("look", "Look")):
        for _ in range(9):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.dataset.part") == part:
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=words, level=1)).to_be_visible()
        expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("part", READY)
def test_whatever_the_tab_key_stops_at_has_a_name_and_shows_that_it_is_there(watched, part):
    page = opened(watched, part)
    stops = page.evaluate("""() => {
        const bad = [];
        for (const one of document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")) {
            if (one.disabled || !one.checkVisibility()) continue;
            one.focus();
            const label = one.labels?.[0]?.textContent ?? "";
            const name = one.getAttribute("aria-label") || label || one.textContent;
            if (document.activeElement !== one) bad.push("not reached: " + one.outerHTML);
            if (!name.trim()) bad.push("no name: " + one.outerHTML);
        }
        return bad;
    }""")
    assert stops == []


def test_the_theme_is_chosen_and_remembered(watched):
    page = watched.go("train")
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.locator("body")).to_have_css("background-color", "rgb(22, 23, 26)")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark == "rgb(22, 23, 26)"


def test_a_studio_that_is_gone_is_told(look, start_studio):
    studio = start_studio()
    watched = look(address=studio.address)
    watched.expected += ["ERR_CONNECTION_REFUSED"]
    page = watched.go("train")
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    studio.close()
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#toasts")).to_contain_text("The studio does not answer. Is it still running in its terminal?")
