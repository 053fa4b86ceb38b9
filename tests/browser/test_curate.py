"""Curate: suspects are decided about by keyboard alone, one at a time and many at once; all of it is in edits.csv."""

import json
import re
import shutil

import pytest

import fittingroom as fr
from fittingroom.data.edits import read_edits
from helpers.page_checks import breaches, expect, overhang

pytest.importorskip("cleanlab", reason="the extra audit is not installed")

from helpers.audited_toy import WRONG, audit_toy


@pytest.fixture
def audits(runs, toy):
    """The studio's folder of audits, with an audit of the toy in it whose networks are sure of two other labels."""
    folder = runs.parent / "audits"
    shutil.rmtree(folder, ignore_errors=True)
    audit_toy(toy, folder / "bars-90")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def curate(watched, audits):
    page = watched.go("curate")
    expect(page.locator(".curate-large .picture")).to_be_visible()
    return page


def decided(audits, toy, name="bars-90"):
    return read_edits(audits / name / "edits.csv", toy)


def said(page, words):
    """Wait until the page tells of a decision, and close that."""
    expect(page.locator(".toast").filter(has_text=words).first).to_be_visible()


def image_of(page):
    """The training image that is looked at."""
    return int(re.search(r"\d+", page.locator(".curate-facts .panel-class").inner_text()).group())


def test_suspects_are_kept_excluded_relabelled_and_undone_by_keys_alone(curate, audits, toy):
    page = curate
    page.locator("#main").focus()
    first = image_of(page)
    assert first in WRONG
    expect(page.locator(".curate-alike h2")).to_have_count(2)
    page.keyboard.press("x")
    said(page, "1 picture: excluded")
    second = image_of(page)
    assert {first, second} == WRONG.keys()
    assert decided(audits, toy).excluded == (first,)
    page.keyboard.press("a")
    said(page, f"1 picture: now bar {WRONG[second]}")
    assert decided(audits, toy).relabelled == {second: WRONG[second]}
    page.keyboard.press("u")
    said(page, "Undone: 1 picture")
    expect(page.locator(".curate-facts")).to_contain_text("undecided")
    assert image_of(page) == second
    page.keyboard.press("r")
    expect(page.get_by_role("dialog", name="Which class is it?")).to_be_visible()
    expect(page.get_by_role("button", name=f"{WRONG[second]} bar {WRONG[second]}")).to_be_focused()
    page.keyboard.press("5")
    said(page, "1 picture: now bar 5")
    assert decided(audits, toy).relabelled == {second: 5}
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    page.keyboard.press("k")
    said(page, "1 picture: kept")
    assert decided(audits, toy).kept == (first,)
    expect(page.locator(".curate-progress")).to_contain_text(
        "1 kept, 0 excluded, 1 relabelled, in audits/bars-90/edits.csv"
    )


def test_in_the_list_of_classes_arrows_choose_and_escape_leaves_all_as_it_was(curate, audits, toy):
    page = curate
    page.locator("#main").focus()
    image = image_of(page)
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert decided(audits, toy).relabelled == {}
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    said(page, f"1 picture: now bar {WRONG[image] + 1}" if WRONG[image] < 9 else "1 picture: now bar 0")


def test_many_on_a_sheet_are_marked_and_decided_about_with_one_key(curate, audits, toy):
    page = curate
    page.locator("#main").focus()
    page.keyboard.press("v")
    expect(page.locator(".curate-card").first).to_be_visible()
    count = page.locator(".curate-card").count()
    page.keyboard.press(" ")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.get_by_text("2 pictures marked")).to_be_visible()
    page.keyboard.press("x")
    said(page, "2 pictures: excluded")
    assert set(decided(audits, toy).excluded) == WRONG.keys()
    page.keyboard.press("u")
    said(page, "Undone: 2 pictures")
    page.keyboard.press("m")
    page.keyboard.press("k")
    said(page, f"{count} pictures: kept")
    assert len(decided(audits, toy).kept) == count


def test_tags_are_saved_selections_that_are_found_again_and_seen_on_the_wall(curate, audits):
    page = curate
    page.locator("#main").focus()
    page.keyboard.press("t")
    page.keyboard.type("two of them")
    page.keyboard.press("Enter")
    said(page, "1 picture: tag two of them")
    image = image_of(page)
    page.reload()
    page.get_by_label("Show").select_option(label="Tag: two of them (1)")
    expect(page.locator(".curate-facts")).to_contain_text("two of them")
    assert image_of(page) == image
    assert "two of them" in (audits / "bars-90" / "edits.csv").read_text()
    page.get_by_role("link", name="See them on the wall").click()
    expect(page.get_by_role("heading", name="1 selected")).to_be_visible()


def test_all_that_the_wall_shows_is_selected_and_curated_by_keyboard_alone(watched, audits, toy):
    page = watched.go("data?label=3&split=test")
    expect(page.get_by_text("20 of 840 images")).to_be_visible()
    page.get_by_label("Split", exact=True).select_option(label="training")
    expect(page.get_by_text("64 of 840 images")).to_be_visible()
    page.get_by_role("button", name="Select all that are shown").press("Enter")
    expect(page.get_by_role("heading", name="64 selected")).to_be_visible()
    page.get_by_role("link", name="Curate these").press("Enter")
    expect(page.get_by_text("64 pictures marked")).to_be_visible()
    page.keyboard.press("x")
    said(page, "64 pictures: excluded")
    found = decided(audits, toy)
    assert {int(toy.train.labels[index]) for index in found.excluded} == {3}
    assert len(found.excluded) == 64


def test_what_is_shown_comes_back_by_reload_back_and_a_link(curate, look):
    page = curate
    page.get_by_label("Show").select_option(label="Suspect labels")
    page.get_by_role("button", name="Next picture").click()
    expect(page.locator(".curate-pager")).to_contain_text("2 of 2")
    image = image_of(page)
    page.reload()
    expect(page.locator(".curate-pager")).to_contain_text("2 of 2")
    other = look()
    other.page.goto(page.url)
    expect(other.page.locator(".curate-pager")).to_contain_text("2 of 2")
    assert image_of(other.page) == image
    page.get_by_role("button", name="Sheet", exact=True).click()
    expect(page.locator(".curate-card")).to_have_count(2)
    page.go_back()
    expect(page.locator(".curate-large")).to_be_visible()


def test_a_training_on_the_result_is_one_link_away_and_two_runs_are_compared_on_the_same_images(curate, audits, runs):
    page = curate
    page.locator("#main").focus()
    page.keyboard.press("x")
    said(page, "1 picture: excluded")
    for side, run in (("Before", "20260101-worse"), ("After", "20260102-good")):
        choice = page.get_by_label(side, exact=True)
        choice.select_option(value=run)
    expect(page.locator(".curate-compared [role=status]")).to_contain_text(
        "20260102-good is better than 20260101-worse"
    )
    page.reload()
    expect(page.locator(".curate-compared [role=status]")).to_contain_text("McNemar")
    page.get_by_role("link", name="Train on the result").click()
    expect(page.get_by_label("Edits", exact=True)).to_have_value("audit/bars-90")
    page.get_by_label("Epochs", exact=True).fill("1")
    page.get_by_label("Images held out").fill("64")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator(".live-head .badge.done")).to_be_visible()
    made = runs / page.locator(".live-head h2").inner_text()
    facts = json.loads((made / "environment.json").read_text())["edits"]
    assert (facts["excluded"], facts["relabelled"]) == (1, 0)
    shutil.rmtree(made)


def test_what_is_typed_into_the_form_stays_when_the_edits_arrive(curate):
    page = curate
    page.locator("#main").focus()
    page.keyboard.press("x")
    said(page, "1 picture: excluded")
    waiting = []
    page.route("**/api/curate/sheets**", lambda route: waiting.append(route))
    page.get_by_role("link", name="Train on the result").click()
    field = page.get_by_label("Images held out")
    field.fill("6")
    field.evaluate("input => (window.typedInto = input)")
    while not waiting:
        page.wait_for_timeout(50)
    for route in waiting:
        route.continue_()
    expect(page.get_by_label("Edits", exact=True).locator("option")).to_have_count(2)
    expect(page.get_by_label("Edits", exact=True).locator("option").nth(1)).to_contain_text("excluded")
    page.keyboard.type("4")
    assert page.evaluate("window.typedInto.isConnected && window.typedInto.value") == "64"


def test_pictures_to_label_are_labelled_by_the_same_keys(watched, audits, toy):
    fr.suggest_labels(toy.train.images[:30], "fashion-mnist/walkthrough", count=5, out=audits / "new")
    page = watched.go("curate?sheet=labels/new")
    expect(page.get_by_text("0 of 5 pictures decided")).to_be_visible()
    page.locator("#main").focus()
    page.keyboard.press("k")
    said(page, "1 picture: kept")
    page.keyboard.press("r")
    page.keyboard.press("4")
    said(page, "1 picture: now Coat")
    page.keyboard.press("x")
    said(page, "1 picture: excluded")
    expect(page.get_by_text("3 of 5 pictures decided")).to_be_visible()
    sheet = fr.pages.label_sheet.open_label_sheet(audits / "new") if hasattr(fr, "pages") else None
    assert sheet is None or len(sheet.decisions()) == 2


def test_why_not_another_class_is_drawn_where_an_image_is_open(curate):
    page = curate
    page.get_by_text("Why?", exact=True).click()
    page.get_by_label("Model", exact=True).select_option(label="20260101-worse")
    page.get_by_role("button", name="Show it").click()
    drawn = page.locator(".why-map")
    expect(drawn).to_be_visible()
    before = drawn.evaluate("canvas => canvas.toDataURL()")
    page.get_by_label("And not").select_option(label="bar 1")
    expect(drawn).to_have_attribute("aria-label", re.compile("What speaks for bar \\d, and not bar 1"))
    assert drawn.evaluate("canvas => canvas.toDataURL()") != before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_and_nothing_is_too_wide(look, audits, theme):
    watched = look(theme=theme)
    page = watched.go("curate")
    expect(page.locator(".curate-large .picture")).to_be_visible()
    assert breaches(page) == []
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert breaches(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("v")
    expect(page.locator(".curate-card").first).to_be_visible()
    assert breaches(page) == []
    for width in (360, 768, 1024, 1200, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert overhang(page) <= 0, width


def test_where_nothing_is_on_a_sheet_the_way_to_one_is_told(look, start_studio, tmp_path, runs):
    shutil.copytree(runs / "20260102-good", tmp_path / "runs" / "20260102-good")
    page = look(address=start_studio(at=tmp_path / "runs").address).go("curate")
    expect(page.get_by_text("Nothing is on this sheet yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Audit these data")).to_be_visible()
    page.get_by_role("link", name="Go to Data").click()
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()


def test_who_may_only_look_sees_the_sheet_and_no_button_that_decides(look, start_studio, audits, runs):
    studio = start_studio(options=["--read-only"])
    watched = look(address=studio.process.stdout.readline().partition(": ")[2].strip())
    watched.page.goto(watched.address)
    page = watched.go("curate")
    expect(page.locator(".curate-large .picture")).to_be_visible()
    expect(page.get_by_text("you may look")).to_be_visible()
    expect(page.get_by_role("button", name="Exclude")).to_have_count(0)
    page.locator("#main").focus()
    before = (audits / "bars-90" / "edits.csv").read_bytes()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".curate-pager")).to_contain_text("2 of")
    assert (audits / "bars-90" / "edits.csv").read_bytes() == before
