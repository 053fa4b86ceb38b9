"""Data: the wall and the map, filters, search, an image large, the lasso."""

import re

import pytest

from helpers.page_checks import drawn, expect


@pytest.fixture
def wall(watched):
    page = watched.go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    return page


def ask(page, title):
    """Choose a model, and wait until it has answered about every image."""
    page.get_by_label("Model", exact=True).select_option(label=title)
    expect(page.get_by_label("Answers", exact=True)).to_be_visible()


def test_all_images_hang_on_the_wall_by_class_in_a_handful_of_requests(watched):
    asked = []
    watched.page.on("request", lambda request: asked.append(request.url))
    page = watched.go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    expect(page.locator(".wall-titles span")).to_have_count(10)
    assert sum("/sheets/" in url for url in asked) == 1
    assert drawn(page) > 0.2


def test_filters_by_class_and_split_say_how_many_are_left(wall):
    wall.get_by_label("Class", exact=True).select_option(label="bar 3")
    expect(wall.get_by_text("84 of 840 images")).to_be_visible()
    wall.get_by_label("Split", exact=True).select_option(label="test")
    expect(wall.get_by_text("20 of 840 images")).to_be_visible()


def test_what_a_model_answered_sorts_groups_colours_and_filters(wall):
    ask(wall, "20260101-worse")
    wall.get_by_label("Group by").select_option(label="Right or wrong")
    titles = wall.locator(".wall-titles span")
    expect(titles).to_have_count(2)
    counts = [int(re.search(r"\d+$", text).group()) for text in titles.all_inner_texts()]
    assert sum(counts) == 840
    wall.get_by_label("Order by").select_option(label="Highest loss first")
    wall.get_by_label("Colour by").select_option(label="Loss")
    expect(wall.get_by_text("high loss")).to_be_visible()
    wall.get_by_label("Colour by").select_option(label="Answer")
    wall.get_by_label("Answers", exact=True).select_option(label="Wrong")
    expect(wall.get_by_text(f"{counts[0]} of 840 images")).to_be_visible()


def test_an_image_opens_by_index_with_pixels_label_bars_and_neighbours(wall):
    ask(wall, "20260102-good")
    wall.get_by_label("Open image by index").fill("650")
    wall.get_by_role("button", name="Open", exact=True).click()
    panel = wall.get_by_role("complementary", name="Selection")
    expect(panel.get_by_role("heading", name="Image 650")).to_be_visible()
    expect(panel.get_by_text("test image 10")).to_be_visible()
    expect(panel.locator(".bar-row")).to_have_count(10)
    expect(panel.locator(".thumb")).to_have_count(8)
    panel.locator(".picture.large").hover()
    expect(panel.get_by_text(re.compile(r"row \d+, column \d+: \d+"))).to_be_visible()
    panel.locator(".thumb").first.click()
    expect(panel.get_by_text(re.compile(r"training image \d+"))).to_be_visible()


def test_a_wrong_index_is_told_what_is_expected(wall):
    wall.get_by_label("Open image by index").fill("9999")
    wall.get_by_role("button", name="Open", exact=True).click()
    expect(wall.get_by_text("Index: 0 – 839")).to_be_visible()


def test_a_click_on_the_wall_opens_the_image_under_it(wall):
    wall.locator(".wall-canvas").click(position={"x": 60, "y": 120})
    expect(wall.get_by_role("complementary").get_by_role("heading", name=re.compile(r"Image \d+"))).to_be_visible()
    wall.keyboard.press("Escape")
    expect(wall.get_by_role("complementary")).to_be_hidden()


def test_the_map_comes_at_once_and_a_lasso_selects_from_it(wall):
    wall.get_by_role("button", name="Map").click()
    expect(wall.get_by_label("Laid out by")).to_have_value("pca")
    expect(wall.locator(".legend li")).to_have_count(10)
    wall.get_by_role("button", name="Select with a lasso").click()
    box = wall.locator(".wall-canvas").bounding_box()
    corners = [(0.004, 0.004), (0.996, 0.004), (0.996, 0.996), (0.004, 0.996), (0.004, 0.004)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    wall.mouse.move(*places[0])
    wall.mouse.down()
    for place in places[1:]:
        wall.mouse.move(*place, steps=4)
    wall.mouse.up()
    expect(wall.get_by_role("heading", name="840 selected")).to_be_visible()
    expect(wall.locator(".tally li")).to_have_count(10)


@pytest.mark.soak
def test_the_map_by_umap_is_laid_out_in_the_background_with_progress(wall):
    pytest.importorskip("umap", reason="no umap-learn: run `make browser`")
    wall.get_by_role("button", name="Map").click()
    wall.get_by_label("Laid out by").select_option(label="UMAP")
    expect(wall.get_by_text(re.compile(r"Laying out, \d+ %"))).to_be_visible()
    expect(wall.get_by_text("840 images", exact=True)).to_be_visible(timeout=120_000)
    assert drawn(wall) > 0.001  # 840 dots in tight groups


def test_the_wall_is_walked_and_opened_by_keyboard(wall):
    wall.locator(".wall-canvas").focus()
    for key in ("ArrowRight", "ArrowDown", "+", "ArrowLeft", "-", "0"):
        wall.keyboard.press(key)
    said = wall.locator(".wall-view [role=status]")
    expect(said).to_have_text(re.compile(r"\d+ · bar \d · (training|test)"))
    index = said.inner_text().split(" · ")[0]
    wall.keyboard.press("Enter")
    expect(wall.get_by_role("heading", name=f"Image {index}", exact=True)).to_be_visible()
