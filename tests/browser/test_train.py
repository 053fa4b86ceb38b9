"""Train: choose, start, watch it learn, stop, resume; whatever ends, the rest goes on."""

import json
import os
import re
import signal

import pytest

import fittingroom as fr
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
    expect(page.get_by_role("button", name="1 job under way")).to_be_visible()

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


@pytest.mark.soak
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
    expect(page.get_by_role("button", name="2 jobs under way")).to_be_visible()
    second.expected += ["429"]
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#toasts")).to_contain_text("2 trainings are under way")
    assert os.kill(pid_of(runs, name), 0) is None


@pytest.mark.soak
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


@pytest.mark.soak
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
    page.get_by_label("Recipe").select_option(value="92")
    (rung,) = [recipe for recipe in fr.list_recipes() if recipe["name"] == "92"]
    expect(page.get_by_label("Architecture")).to_have_value(rung["model"])
    expect(page.get_by_label("Learning rate")).not_to_have_value("")


def test_a_wrong_value_is_answered_with_what_was_expected(watched):
    watched.expected += ["422"]
    page = form(watched, epochs="many")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#toasts")).to_contain_text("a whole number, at least 1")


def test_a_recipe_tells_what_it_reached_and_how_long_it_took(watched):
    page = watched.go("train")
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    options = page.get_by_label("Recipe").locator("option").all_inner_texts()
    assert len([text for text in options if re.search(r"· \d\d\.\d % · \d+ (s|min)$", text)]) >= 4
    page.get_by_label("Recipe").select_option(value="92")
    expect(
        page.get_by_text(re.compile(r"Reached 9\d\.\d\d % on the test images, the mean of \d+ seeds, in"))
    ).to_be_visible()


def test_the_form_comes_back_from_its_address(watched):
    page = form(watched, epochs="7")
    page.get_by_label("Recipe").select_option(value="90")
    page.get_by_label("Epochs", exact=True).fill("7")
    page.get_by_label("Seed").fill("11")
    page.reload()
    expect(page.get_by_label("Recipe")).to_have_value("90")
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("7")
    expect(page.get_by_label("Seed")).to_have_value("11")


NOTE_STREAMS = """() => {
    window.streams = [];
    window.EventSource = class extends EventSource {
        constructor(...more) { super(...more); window.streams.push(this); }
    };
}"""
SEEN = """(state) => {
    Object.defineProperty(document, "visibilityState", { get: () => state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
OPEN = "() => window.streams.filter((stream) => stream.readyState !== EventSource.CLOSED).length"


@pytest.mark.soak
def test_a_tab_that_nobody_sees_holds_no_connection_and_takes_up_where_it_was(watched, started):
    watched.page.add_init_script(f"({NOTE_STREAMS})()")
    page = form(watched)
    start(page)
    learning(page)
    assert page.evaluate(OPEN) == 1
    page.evaluate(SEEN, "hidden")
    assert page.evaluate(OPEN) == 0
    line = page.locator(".chart path.curve").first
    page.wait_for_function("() => document.querySelector('.chart path.curve')")
    before = line.get_attribute("d")
    page.evaluate(SEEN, "visible")
    expect(line).not_to_have_attribute("d", before)
    assert page.evaluate(OPEN) == 1
    assert "after=" in page.evaluate("() => window.streams.at(-1).url")
    assert not page.evaluate("() => window.streams.at(-1).url").endswith("after=0")


@pytest.mark.soak
def test_eight_tabs_that_watch_do_not_keep_a_ninth_from_opening(look, started):
    """All of one browser; a tab behind another is not seen, which a browser without a window does not tell."""
    first = look()
    start(form(first))
    learning(first.page)
    context = first.page.context
    for _ in range(7):
        page = context.new_page()
        page.goto(first.page.url)
        learning(page)
        page.evaluate(SEEN, "hidden")
    last = context.new_page()
    last.goto(first.address + "#/runs")
    expect(last.locator("table.runs")).to_be_visible()


@pytest.mark.soak
def test_what_is_under_way_is_listed_and_stopped_from_any_part(watched, started):
    page = form(watched)
    name = start(page)
    learning(page)
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("button", name="1 job under way").click()
    listed = page.get_by_role("region", name="Under way")
    expect(listed.get_by_role("link", name=name)).to_be_visible()
    listed.get_by_role("button", name=f"Stop {name}").click()
    expect(page.get_by_role("button", name="1 job under way")).to_have_count(0)


@pytest.mark.soak
def test_the_texts_of_a_chart_are_at_least_eleven_pixels_high_at_every_width(look, started):
    page = form(look(width=1440))
    start(page)
    learning(page)
    for width in (1440, 1200, 1024, 768, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("""() => {  // the chart is drawn anew in the next frame
            const heights = [...document.querySelectorAll(".chart text")].map((text) => {
                const [svg, size] = [text.ownerSVGElement, parseFloat(getComputedStyle(text).fontSize)];
                return (size * svg.getBoundingClientRect().width) / svg.viewBox.baseVal.width;
            });
            return heights.length > 6 && Math.min(...heights) >= 11;
        }""")
        assert overhang(page) <= 0, width


@pytest.mark.soak
def test_the_first_batch_is_shown_as_the_network_would_get_it(watched):
    page = watched.go("train")
    page.get_by_label("Images held out").fill("100")
    page.get_by_role("button", name="See the first batch").click()
    picture = page.get_by_role("img", name="8 images of the first batch as they are")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 400
    expect(page.get_by_role("button", name="See the first batch")).to_be_focused()
    assert overhang(page) <= 0
