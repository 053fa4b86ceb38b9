"""Train: choose, start, watch it learn, stop, resume; whatever ends, the rest goes on."""

import json
import os
import re
import signal

import pytest

from fittingroom.inference.model_files import load_model
from fittingroom.runs import open_run
from helpers.page_checks import expect, overhang

LONG = "100000"  # epochs
STOPPED = re.compile(r"Stopped in epoch \d+ after step \d+ of 17. It can be looked at and resumed.")


@pytest.fixture
def started(runs):
    """Ends every training that a test has begun."""
    yield
    for folder in (runs / ".studio" / "trainings").glob("*"):
        try:
            os.kill(pid_of(runs, folder.name), signal.SIGKILL)
        except ProcessLookupError:
            continue


def pid_of(runs, name):
    return json.loads((runs / ".studio" / "trainings" / name / "process.json").read_text())["pid"]


def form(watched, epochs=LONG):
    """The form, filled in for the toy dataset."""
    page = watched.go("train")
    page.get_by_label("Images held out").fill("100")
    page.get_by_label("Epochs", exact=True).fill(epochs)
    page.get_by_label("Batch size").fill("32")
    return page


def start(page):
    """Press the button, and return the training's name."""
    with page.expect_response(re.compile("/api/trainings$")) as answer:
        page.get_by_role("button", name="Start training").click()
    name = answer.value.json()["name"]
    expect(page.locator(".live-head h2")).to_have_text(name)
    return name


def learning(page):
    """Wait until curves have grown over some epochs."""
    expect(page.locator(".numbers")).to_contain_text(re.compile(r"([3-9]|\d\d+) of 100000"))


def test_a_training_is_started_watched_stopped_and_resumed(watched, started, runs, toy):
    page = form(watched)
    name = start(page)
    learning(page)
    for words in ("Loss", "Accuracy", "Validation accuracy", "images/s", "Time left"):
        expect(page.locator(".numbers")).to_contain_text(words)
    line = page.locator(".chart path.curve").first
    before = line.get_attribute("d")
    expect(line).not_to_have_attribute("d", before)
    expect(page.locator(".chart circle.dot").first).to_be_attached()
    expect(page.get_by_text("1 training under way")).to_be_visible()

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".live-head .badge")).to_have_text("stopped")
    expect(page.get_by_text(STOPPED)).to_be_visible()
    assert load_model(runs / name).predict(toy.test.images[:4], verbose=0).shape == (4, 10)
    epochs = len(open_run(runs / name).history)

    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".live-head .badge")).to_have_text("under way")
    expect(page.locator(".numbers dd").first).to_have_text(re.compile(r"\d+ of 100000"))
    page.wait_for_function(f"() => parseInt(document.querySelector('.numbers dd')?.textContent) > {epochs + 1}")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".live-head .badge")).to_have_text("stopped")
    assert len(open_run(runs / name).history) > epochs


def test_it_outlives_its_tab_and_a_second_tab_trains_beside_it(look, started, runs):
    first = form(look())
    name = start(first)
    learning(first)
    first.close()
    second = look(width=360)
    page = second.go("train")
    expect(page.locator(".live-head h2")).to_have_text(name)
    learning(page)
    assert overhang(page) <= 0
    other = start(form(second))
    assert other != name
    learning(page)
    expect(page.get_by_text("2 trainings under way")).to_be_visible()
    second.expected += ["429"]
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#toasts")).to_contain_text("2 trainings are under way")
    assert os.kill(pid_of(runs, name), 0) is None


def test_a_studio_killed_in_the_middle_loses_no_training_and_its_page_finds_the_next_one(look, start_studio, started):
    studio = start_studio()
    watched = look(address=studio.address)
    watched.expected += ["ERR_", "401"]
    page = form(watched)
    start(page)
    learning(page)
    studio.kill()
    expect(page.locator(".train-live [role=status]")).to_contain_text("The studio does not answer.")
    start_studio(port=int(studio.address.rsplit(":", 1)[1].rstrip("/")))
    expect(page.locator(".train-live [role=status]")).to_be_empty()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".live-head .badge")).to_have_text("stopped")


def test_a_killed_training_does_not_take_the_page_along_and_goes_on_from_its_checkpoint(watched, started, runs):
    page = form(watched)
    name = start(page)
    learning(page)
    os.kill(pid_of(runs, name), signal.SIGKILL)
    expect(page.locator(".live-head .badge")).to_have_text("broken off")
    expect(page.get_by_text("It goes on from its checkpoint")).to_be_visible()
    killed = pid_of(runs, name)
    with page.expect_response(re.compile("/resume$")):  # its new process is known then, and ended with the test
        page.get_by_role("button", name="Resume").click()
    assert pid_of(runs, name) != killed
    expect(page.locator(".live-head .badge")).to_have_text("under way")
    learning(page)


def test_every_knob_tells_what_it_does_and_a_recipe_fills_them_in(watched):
    page = watched.go("train")
    page.get_by_text(re.compile(r"\d+ more settings")).click()
    knobs = page.locator(".train-form input, .train-form select")
    helps = knobs.evaluate_all(
        "all => all.map(one => document.getElementById(one.getAttribute('aria-describedby'))?.textContent)"
    )
    assert len(helps) > 20
    assert all(helps[1:])  # a dataset needs none
    page.get_by_label("Recipe").select_option(label="92")
    expect(page.get_by_label("Architecture")).to_have_value(re.compile("stem"))
    expect(page.get_by_label("Learning rate")).not_to_have_value("")


def test_a_wrong_value_is_answered_with_what_was_expected(watched):
    watched.expected += ["422"]
    page = form(watched, epochs="many")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#toasts")).to_contain_text("a whole number, at least 1")
