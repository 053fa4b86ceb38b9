"""Sweep: choose what is varied, start, watch the trials come, stop, go on, and what came out."""

import json
import os
import re
import shutil
import signal
from contextlib import suppress

import pytest

from helpers.made_sweep import NAME, make_sweep
from helpers.page_checks import breaches, expect, overhang

pytest.importorskip("optuna")


@pytest.fixture
def started(runs):
    """Ends every sweep that a test has begun, and takes it away."""
    yield
    for folder in (runs / ".studio" / "sweeps").glob("*"):
        if (folder / "process.json").is_file():
            with suppress(ProcessLookupError):
                os.kill(json.loads((folder / "process.json").read_text())["pid"], signal.SIGKILL)
            shutil.rmtree(folder)


@pytest.fixture
def made(runs):
    """Sweeps that are made up; taken away afterwards."""
    names = []

    def make(name, **more):
        names.append(make_sweep(runs, name, **more))
        return names[-1]

    yield make
    for name in names:
        shutil.rmtree(runs / ".studio" / "sweeps" / name, ignore_errors=True)
        shutil.rmtree(runs.parent / "sweeps" / name, ignore_errors=True)


def form(watched, trials="2"):
    """The form, filled in for a short sweep of the toy dataset; the page that a finished sweep stands beside."""
    page = watched.go("sweep")
    page.get_by_label("Trials", exact=True).fill(trials)
    page.get_by_text("More about the search").click()
    page.get_by_label("Best to train again").fill("1")
    page.get_by_label("Fresh seeds for each").fill("1")
    page.get_by_text(re.compile(r"\d+ settings, the same")).click()
    page.get_by_label("Epochs", exact=True).fill("1")
    return page


def start(page):
    """Press the button, and return the sweep's name."""
    with page.expect_response(re.compile("/api/sweeps$")) as answer:
        page.get_by_role("button", name="Start the sweep").click()
    name = answer.value.json()["name"]
    expect(page.locator(".live-head h2")).to_have_text(name)
    return name


@pytest.mark.soak
def test_a_sweep_is_started_watched_stopped_and_gone_on_with_to_its_page(watched, started, runs):
    page = form(watched, "5000")
    name = start(page)
    expect(page.get_by_role("button", name="1 job under way")).to_be_visible()
    page.wait_for_function("() => document.querySelectorAll('.sweep-trials tbody tr').length > 3")
    expect(page.locator(".sweep-jobs th[scope=row]")).to_contain_text("trial-")
    expect(page.locator(".chart path.curve")).to_be_attached()
    expect(page.locator(".numbers")).to_contain_text(re.compile(r"0\.\d{4}"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".live-head .badge")).to_have_text("stopped")
    expect(page.get_by_text("What is finished is kept")).to_be_visible()
    kept = len(list((runs.parent / "sweeps" / name).glob("trials/*/job.json")))
    order = runs / ".studio" / "sweeps" / name / "order.json"
    order.write_text(json.dumps(json.loads(order.read_text()) | {"trials": kept + 1}))
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".live-head .badge")).to_have_text("under way")
    expect(page.locator(".live-head .badge")).to_have_text("done")
    assert len(list((runs.parent / "sweeps" / name).glob("trials/*/job.json"))) in (kept + 1, kept + 2)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the sweep's page").click()
    expect(opened.value.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.soak
def test_a_closed_page_finds_its_sweep_again_and_lists_it_everywhere(look, started):
    first = form(look(), "5000")
    name = start(first)
    first.close()
    second = look(width=390)
    page = second.go("sweep")
    expect(page.locator(".live-head h2")).to_have_text(name)
    page.locator(".sweep-trials tbody tr").first.wait_for()
    assert overhang(page) <= 0
    second.expected += ["429"]
    page.get_by_role("button", name="Start the sweep").click()
    expect(page.locator("#toasts")).to_contain_text("1 sweep is under way")
    second.go("runs")
    page.get_by_role("button", name="1 job under way").click()
    listed = page.get_by_role("region", name="Under way")
    expect(listed.get_by_role("link", name=name)).to_be_visible()
    listed.get_by_role("button", name=f"Stop {name}").click()
    expect(page.get_by_role("button", name="1 job under way")).to_have_count(0)


def test_what_is_varied_is_chosen_by_the_keyboard_and_comes_back_from_the_address(watched):
    page = watched.go("sweep")
    expect(page.get_by_role("group", name="Learning rate", exact=True)).to_be_visible()
    page.get_by_label("Add a setting").select_option("optimizer")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    optimizer = page.get_by_role("group", name="Optimizer", exact=True)
    optimizer.get_by_label("muon").press("Space")
    page.get_by_label("Add a setting").select_option("batch_size")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    batch = page.get_by_role("group", name=re.compile("^Batch size"))
    batch.get_by_role("button", name="A list").press("Enter")
    batch.get_by_label("Values, with commas between").fill("32, 64")
    page.get_by_role("button", name="Remove Learning rate").press("Enter")
    expect(page.get_by_label("Add a setting")).to_be_focused()
    expect(page.get_by_role("group", name="Learning rate", exact=True)).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Values, with commas between")).to_have_value("32, 64")
    expect(optimizer.get_by_label("muon")).not_to_be_checked()
    expect(optimizer.get_by_label("adam", exact=True)).to_be_checked()
    expect(page.get_by_role("group", name="Learning rate", exact=True)).to_have_count(0)


def test_a_wrong_order_is_answered_with_what_was_expected(watched):
    watched.expected += ["422"]
    page = watched.go("sweep")
    page.get_by_label("From", exact=True).fill("1")
    page.get_by_role("button", name="Start the sweep").click()
    expect(page.locator("#toasts")).to_contain_text("expected low below high")
    page.get_by_label("Who proposes").select_option("grid")
    expect(page.get_by_label("Trials", exact=True)).to_be_disabled()


def test_what_came_out_is_told_and_leads_to_a_training_with_the_best_settings(watched):
    page = watched.go(f"sweep/{NAME}")
    expect(page.locator(".numbers")).to_contain_text("0.9100")
    rows = page.locator(".sweep-trials tbody tr")
    expect(rows).to_have_count(8)
    expect(rows.first).to_contain_text("trial-0004")
    expect(rows.first).to_contain_text("best so far")
    expect(rows.last).to_contain_text("The loss is nan")
    page.get_by_role("button", name="Latest first").click()
    expect(rows.first).to_contain_text("trial-0007")
    expect(page.get_by_text("Its score was too high by 1.00.")).to_be_visible()
    page.get_by_role("link", name="Train with the best settings").click()
    expect(page.get_by_label("Recipe")).to_have_value("90")
    expect(page.get_by_label("Learning rate")).to_have_value("0.0123456")
    expect(page.get_by_label("Optimizer")).to_have_value("adam")
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("3")


def test_a_sweep_is_deleted_after_a_question_and_one_that_broke_off_says_so(watched, made, runs):
    name = made("20260105-090000-gone", how=None)
    page = watched.go(f"sweep/{name}")
    expect(page.locator(".live-head .badge")).to_have_text("broken off")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    assert breaches(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No sweep is under way.")).to_be_visible()
    assert not (runs / ".studio" / "sweeps" / name).exists()


def test_a_name_that_there_is_not_is_told(watched):
    watched.expected += ["404"]
    page = watched.go("sweep/nothing")
    expect(page.get_by_role("alert")).to_contain_text("No sweep 'nothing' was started here.")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_every_part_of_the_form_fits_and_axe_finds_nothing(look, theme):
    page = look(width=390, theme=theme).go(f"sweep/{NAME}")
    page.locator(".sweep-trials tbody tr").first.wait_for()
    page.get_by_label("Add a setting").select_option("nesterov")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Add a setting").select_option("model")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("More about the search").click()
    page.get_by_text(re.compile(r"\d+ settings, the same")).click()
    assert overhang(page) <= 0
    assert breaches(page) == []
