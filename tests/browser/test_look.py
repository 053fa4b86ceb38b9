"""Look: the grid, the confusion matrix, the highest losses, reliability, two runs beside each other."""

import re
import shutil

import pytest

from fittingroom.runs import open_run
from fittingroom.workflows.evaluation import evaluate
from fittingroom.workflows.training import train
from helpers.page_checks import breaches, drawn, expect, overhang, without_jobs


@pytest.fixture
def grid(watched):
    page = watched.go("look/20260101-worse")
    expect(page.locator(".pair")).to_have_count(15)
    return page


@pytest.fixture
def answers(runs):
    return open_run(runs / "20260101-worse").predictions


def test_pictures_stand_five_by_three_with_green_or_red_captions_beside_ten_bars(grid, answers):
    right = (answers.probabilities.argmax(axis=1) == answers.labels)[:15]
    captions = grid.locator(".pair figcaption")
    assert [("right" in each.get_attribute("class")) for each in captions.all()] == right.tolist()
    first = captions.first.inner_text()
    assert re.fullmatch(r"[✓✗] bar \d \d+ % \(bar 0\)", first)
    green, red = ("rgb(26, 122, 58)", "rgb(196, 40, 28)")
    expect(captions.first).to_have_css("color", green if right[0] else red)
    assert grid.locator(".pair").first.locator(".bar-row").count() == 10
    lefts = {round(box.bounding_box()["x"]) for box in grid.locator(".pair").all()}
    assert len(lefts) == 3


def test_pages_turn_forward_and_back(grid):
    expect(grid.get_by_text("1 of 14", exact=True)).to_be_visible()
    links = grid.locator(".pair a")
    first = links.first.get_attribute("href")
    grid.get_by_role("button", name="Next page").click()
    expect(grid.get_by_text("2 of 14", exact=True)).to_be_visible()
    expect(links.first).not_to_have_attribute("href", first)
    grid.get_by_role("button", name="Previous page").click()
    expect(links.first).to_have_attribute("href", first)


def test_a_cell_of_the_confusion_matrix_opens_its_images(grid, answers):
    guesses = answers.probabilities.argmax(axis=1)
    wrong = next((int(true), int(guess)) for true, guess in zip(answers.labels, guesses, strict=True) if true != guess)
    count = int(((answers.labels == wrong[0]) & (guesses == wrong[1])).sum())
    grid.get_by_role("button", name=f"{count} of bar {wrong[0]} answered bar {wrong[1]}").click()
    expect(grid.get_by_role("heading", name=f"Predicted bar {wrong[1]}, true label bar {wrong[0]}")).to_be_visible()
    expect(grid.locator(".pair")).to_have_count(min(15, count))
    for caption in grid.locator(".pair figcaption").all_inner_texts():
        assert re.fullmatch(rf"✗ bar {wrong[1]} \d+ % \(bar {wrong[0]}\)", caption)


def test_the_highest_losses_come_first(grid, answers):
    grid.get_by_role("button", name="Highest loss").click()
    chances = answers.probabilities[range(200), answers.labels]
    worst = 640 + int(answers.indices[chances.argmin()])
    expect(grid.locator(".pair a").first).to_have_attribute("href", re.compile(rf"#/data/{worst}\?"))


def test_reliability_says_the_calibration_error_in_words(grid):
    expect(grid.get_by_role("img", name=re.compile(r"Reliability: Calibration error 0\.\d{4}"))).to_be_visible()
    assert grid.locator(".reliability circle").count() > 1


def test_two_runs_are_compared_on_the_same_images(grid):
    grid.get_by_label("Compare with").select_option(label="20260102-good")
    expect(
        grid.get_by_text(re.compile(r"20260102-good is better than 20260101-worse by [\d.]+ points \(McNemar"))
    ).to_be_visible()
    grid.get_by_role("button", name=re.compile(r"Show the \d+ images")).click()
    expect(grid.get_by_role("heading", name="Where the two differ")).to_be_visible()
    assert grid.locator(".pair").count() > 0


def test_a_picture_leads_to_its_place_on_the_wall(grid):
    grid.locator(".pair a").first.click()
    expect(grid.get_by_role("heading", name=re.compile(r"Image \d+"))).to_be_visible()
    expect(grid.get_by_text("test image 0")).to_be_visible()


def test_reload_and_back_keep_the_page_and_what_is_shown(grid):
    grid.get_by_role("button", name="Least confident").click()
    grid.get_by_role("button", name="Next page").click()
    first = grid.locator(".pair a").first.get_attribute("href")
    grid.reload()
    expect(grid.get_by_text("2 of 14", exact=True)).to_be_visible()
    expect(grid.locator(".pair a").first).to_have_attribute("href", first)
    expect(grid.get_by_role("button", name="Least confident")).to_have_attribute("aria-pressed", "true")
    grid.go_back()
    expect(grid.get_by_text("1 of 14", exact=True)).to_be_visible()


def test_the_focus_stays_on_the_button_that_turns_the_page(grid):
    button = grid.get_by_role("button", name="Next page")
    button.focus()
    button.press("Enter")
    expect(grid.get_by_text("2 of 14", exact=True)).to_be_visible()
    expect(button).to_be_focused()


def until(page, held):
    """Let the page go on until a request is held."""
    while not held:
        page.wait_for_timeout(10)


def test_what_comes_when_another_part_is_open_is_drawn_nowhere(watched):
    held = []
    watched.page.route("**/api/runs/*/predictions", lambda route: held.append(route))
    page = watched.go("look/20260101-worse")
    until(page, held)
    page.get_by_role("link", name="Runs").click()
    expect(page.locator("table.runs")).to_be_visible()
    for route in held:
        route.continue_()
    page.get_by_role("link", name="20260102-good").wait_for()
    expect(page.locator(".pair")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")


def test_a_part_that_loads_slowly_does_not_replace_the_one_that_was_opened_after_it(watched):
    held = []
    page = watched.go("train")
    page.route("**/api/runs", lambda route: held.append(route) if not held else route.continue_())
    page.get_by_role("link", name="Look").click()
    until(page, held)
    page.get_by_role("link", name="Runs").click()
    expect(page.locator("table.runs")).to_be_visible()
    held[0].continue_()
    page.wait_for_load_state("networkidle")
    expect(page.locator("table.runs")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")


def test_a_run_that_was_not_tested_is_tested_by_a_button_that_says_what_it_costs(watched, untested):
    page = watched.go(f"look/{untested.name}")
    expect(page.get_by_text("Testing it is a look at them, and is written down in the run.")).to_be_visible()
    assert untested.test_looks == []
    without_jobs(page)
    page.get_by_role("button", name="Test it").click()
    expect(page.locator(".pair")).to_have_count(15)
    assert len(untested.test_looks) == 1


@pytest.fixture
def kept(runs, toy_folder, toy):
    """A run that kept snapshots and has met the test images."""
    folder = runs / "20260105-kept"
    settings = {"epochs": 2, "batch_size": 64}
    run = train("walkthrough", toy_folder, settings=settings, validation=64, snapshots=True, onnx=False, out=folder)
    evaluate(run, toy)
    yield run
    shutil.rmtree(folder)


def test_why_an_image_was_answered_so_and_what_the_network_makes_of_it_open_by_keyboard(grid):
    button = grid.get_by_role("button", name="Why this answer to image 642?")
    button.focus()
    button.press("Enter")
    shown = grid.locator(".look-why")
    expect(shown.get_by_role("heading", name=re.compile(r"Image 642: bar \d \(bar 2\)"))).to_be_focused()
    expect(shown.locator(".why-map")).to_have_attribute("aria-label", re.compile("What speaks for bar"))
    assert drawn(grid, ".look-why .why-map") > 0
    inside = shown.get_by_text("What the network makes of it", exact=True)
    inside.focus()
    inside.press("Enter")
    expect(shown.locator("svg.weights")).to_be_visible()
    expect(shown.locator(".units-table tbody tr")).to_have_count(6)
    expect(shown.get_by_text(re.compile(r"units? (is|are) silent and \d+ speak"))).to_be_visible()
    shown.get_by_text(re.compile("Layer by layer")).click()
    assert shown.locator(".layer img").count() > 1
    assert breaches(grid) == []
    shown.get_by_role("button", name="Close").click()
    expect(shown.locator("*")).to_have_count(0)


def test_a_training_with_snapshots_is_replayed_by_a_slider(watched, kept):
    page = watched.go("look/20260105-kept")
    page.get_by_text(re.compile(r"The training replayed \(\d+ snapshots\)")).click()
    slider = page.get_by_label("Step of the training")
    expect(slider).to_be_visible()
    told = page.locator(".replay-slider output")
    expect(told).to_contain_text("After step 18, epoch 2.00.")
    last = page.locator(".replay-map").inner_html()
    slider.press("Home")
    expect(told).to_contain_text("Before the first step.")
    assert slider.get_attribute("aria-valuetext") == "Before the first step."
    assert page.locator(".replay-map").inner_html() != last
    assert page.locator(".replay-map path").count() == 10
    slider.press("ArrowRight")
    expect(told).to_contain_text("After step 1, epoch 0.11.")
    counts = [int(each) for each in page.locator(".replay-step .confusion td").all_inner_texts() if each != "·"]
    assert sum(counts) == 64
    assert breaches(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert overhang(page) <= 0
