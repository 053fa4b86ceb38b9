"""Runs: the table sorts, compares, deletes only after asking, and leads to each run's page."""

import re
import shutil

import pytest

from helpers.page_checks import expect, overhang


@pytest.fixture
def doomed(runs):
    """A third run, for deleting."""
    folder = runs / "20260103-doomed"
    shutil.copytree(runs / "20260102-good", folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def table(watched, doomed):
    page = watched.go("runs")
    expect(page.get_by_role("link", name="20260103-doomed")).to_be_visible()
    return page


def names(page):
    return [text for text in page.locator("table.runs th[scope=row] a").all_inner_texts() if text.startswith("2026010")]


def test_a_row_shows_score_interval_cost_and_recipe(table):
    row = table.get_by_role("row").filter(has_text="20260102-good")
    expect(row).to_contain_text(re.compile(r"0\.\d{4}|1\.0000"))
    expect(row.locator("td.n small")).to_have_text(re.compile(r"0\.\d{4} – (0\.\d{4}|1\.0000)"))
    expect(row).to_contain_text("batch_size 32")
    expect(row).to_contain_text(re.compile(r"\d+ s"))


def test_it_sorts_by_a_column_and_the_other_way_round(table):
    head = table.get_by_role("columnheader", name="Test accuracy")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert names(table)[-1] == "20260101-worse"
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert names(table)[0] == "20260101-worse"


def test_two_chosen_runs_are_compared(table):
    for name in ("20260101-worse", "20260102-good"):
        table.get_by_label(f"Choose {name}").check()
    table.get_by_role("link", name="Compare").click()
    expect(table.get_by_role("heading", name="Look")).to_be_visible()
    expect(table.get_by_text(re.compile("McNemar"))).to_be_visible()


def test_delete_asks_first_and_only_then_deletes(table, doomed):
    button = table.get_by_role("button", name="Delete 20260103-doomed")
    for leave in (lambda: table.get_by_role("button", name="Cancel").click(), lambda: table.keyboard.press("Escape")):
        button.click()
        expect(table.get_by_role("dialog", name="Delete this run?")).to_be_visible()
        expect(table.get_by_role("button", name="Cancel")).to_be_focused()
        leave()
        expect(table.get_by_role("dialog")).to_have_count(0)
        assert doomed.is_dir()
    button.click()
    table.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(table.get_by_role("link", name="20260103-doomed")).to_have_count(0)
    assert not doomed.exists()


@pytest.mark.soak
def test_each_run_leads_to_its_page(table):
    with table.context.expect_page() as opened:
        table.get_by_role("button", name="Page 20260102-good").click()
    page = opened.value
    page.wait_for_url(re.compile("/api/runs/20260102-good/page"))
    expect(page.get_by_role("heading").first).to_be_visible()


def test_on_a_phone_score_and_delete_are_there_without_scrolling_sideways(look, doomed):
    page = look(width=360).go("runs")
    row = page.get_by_role("row").filter(has_text="20260102-good")
    for part in (row.locator("td.n small"), page.get_by_role("button", name="Delete 20260102-good")):
        expect(part).to_be_visible()
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    place = page.locator(".scroll")
    assert place.evaluate("box => box.scrollWidth <= box.clientWidth")


NAMES = ["two words", "Müllers Läufe", "_draft", "a#b?c%20d&e", "so long " * 20 + "a name"]


def test_a_run_of_any_name_is_listed_and_opened(watched, runs):
    folders = [shutil.copytree(runs / "20260102-good", runs / name) for name in NAMES]
    try:
        page = watched.go("runs")
        for name in NAMES:
            page.get_by_role("link", name=name, exact=True).click()
            expect(page.locator(".look-top select").first).to_have_value(name)
            expect(page.locator(".pair")).to_have_count(15)
            page.go_back()
        assert overhang(page) <= 0
    finally:
        for folder in folders:
            shutil.rmtree(folder)


@pytest.mark.parametrize("width", [768, 1024, 1200, 1440])
def test_the_tables_are_whole_at_every_width(look, doomed, width):
    watched = look(width=width)
    page = watched.go("runs")
    button = page.get_by_role("button", name="Delete 20260102-good")
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box["x"] + box["width"] <= width
    page = watched.go("look/20260102-good")
    expect(page.locator("table.confusion")).to_be_visible()
    assert page.locator(".scroll").evaluate_all("boxes => boxes.map(box => box.scrollWidth - box.clientWidth)") == [0]


def test_after_a_run_is_deleted_the_focus_is_on_the_next_ones_button(table, doomed):
    table.get_by_role("button", name="Delete 20260103-doomed").focus()
    table.keyboard.press("Enter")
    table.get_by_role("dialog").get_by_role("button", name="Delete").focus()
    table.keyboard.press("Enter")
    expect(table.get_by_role("link", name="20260103-doomed")).to_have_count(0)
    assert table.evaluate("document.activeElement.closest('table.runs') !== null")


def test_the_order_and_the_choice_come_back_from_the_address(table):
    table.get_by_role("columnheader", name="Test accuracy").get_by_role("button").click()
    table.get_by_label("Choose 20260101-worse").check()
    table.reload()
    expect(table.get_by_label("Choose 20260101-worse")).to_be_checked()
    expect(table.get_by_role("columnheader", name="Test accuracy")).to_have_attribute("aria-sort", "descending")


def test_where_there_are_no_runs_each_part_leads_to_the_form_and_one_line_says_what_to_do_first(
    look, start_studio, tmp_path
):
    watched = look(address=start_studio(at=tmp_path / "none").address)
    page = watched.go("data")
    expect(page.get_by_text("New here? First train the walk-through's network")).to_be_visible()
    for part in ("look", "runs"):
        watched.go(part).get_by_role("link", name="Train a network").click()
        expect(page.get_by_role("button", name="Start training")).to_be_visible()


def test_the_class_is_one_table_without_names_that_fits_a_phone(table):
    table.get_by_role("link", name="The class as one table").click()
    expect(table.get_by_role("heading", name="A class and its networks")).to_be_visible()
    expect(table.locator("table.class-runs tbody tr")).to_have_count(3)
    assert "2026010" not in table.locator("#main").inner_text()
    table.set_viewport_size({"width": 390, "height": 800})
    assert overhang(table) == 0
