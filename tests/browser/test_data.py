"""Data: the wall and the map, filters, search, an image large, the lasso."""

import re
import shutil

import pytest

from helpers.page_checks import drawn, expect


@pytest.fixture
def wall(watched):
    page = watched.go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    return page


def ask(page, title):
    """Choose a model, and wait until it has answered about every image; asked by its button where it was not yet."""
    with page.expect_response(re.compile(r"/api/answers\?")) as state:
        page.get_by_label("Model", exact=True).select_option(label=title)
    if state.value.json()["state"] != "ready":
        page.get_by_role("button", name="Ask it about all 840 images").click()
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


@pytest.mark.soak
def test_where_no_image_fits_the_filters_a_button_takes_them_away(wall, toy):
    def all_right(route):
        told = route.fetch().json()
        told["predicted"] = [*toy.train.labels.tolist(), *toy.test.labels.tolist()]
        route.fulfill(json=told)

    wall.route("**/api/answers/columns?**", all_right)
    ask(wall, "20260102-good")
    wall.get_by_label("Answers", exact=True).select_option(label="Wrong")
    wall.get_by_role("button", name="Show all images").click()
    expect(wall.get_by_text("840 images", exact=True)).to_be_visible()
    expect(wall.locator(".wall-canvas")).to_be_focused()
    expect(wall.get_by_role("button", name="Show all images")).to_be_hidden()


@pytest.mark.soak
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
    wall.reload()
    expect(wall.get_by_role("heading", name="840 selected")).to_be_visible()
    expect(wall.get_by_role("button", name="Map")).to_have_attribute("aria-pressed", "true")


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


@pytest.mark.soak
def test_choosing_runs_with_the_arrow_keys_asks_none_and_spends_no_look(watched, untested):
    asked = []
    watched.page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page = watched.go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    chosen = page.get_by_label("Model", exact=True)
    chosen.focus()
    for _ in range(3):
        chosen.press("ArrowDown")
    chosen.select_option(label=untested.name)
    expect(page.get_by_text("Asking it is a look at the test images.")).to_be_visible()
    assert asked == []
    assert untested.test_looks == []
    page.get_by_role("button", name="Ask it about all 840 images").click()
    expect(page.get_by_label("Answers", exact=True)).to_be_visible()
    assert [look["asked_by"] for look in untested.test_looks] == ["studio"]


def test_reload_back_and_a_link_keep_model_grouping_filters_and_image(wall, look):
    ask(wall, "20260102-good")
    wall.get_by_label("Group by").select_option(label="Right or wrong")
    wall.get_by_label("Class", exact=True).select_option(label="bar 3")
    wall.get_by_label("Open image by index").fill("650")
    wall.keyboard.press("Enter")
    expect(wall.get_by_role("heading", name="Image 650")).to_be_visible()

    def is_kept(page):
        expect(page.get_by_role("heading", name="Image 650")).to_be_visible()
        expect(page.get_by_label("Model", exact=True)).to_have_value("run/20260102-good")
        expect(page.get_by_label("Group by")).to_have_value("right")
        expect(page.get_by_text("84 of 840 images")).to_be_visible()

    wall.reload()
    is_kept(wall)
    wall.get_by_role("link", name="Runs").click()
    expect(wall.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    wall.go_back()
    is_kept(wall)
    other = look()
    other.page.goto(wall.url)
    is_kept(other.page)


def test_after_a_change_of_dataset_its_images_hang_on_the_wall(look, start_studio, toy_folder, tmp_path):
    for parent in ("first", "second"):
        shutil.copytree(toy_folder, tmp_path / parent / "bars")
    studio = start_studio(tmp_path / "first" / "bars", tmp_path / "second" / "bars")
    page = look(address=studio.address).go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    ask(page, "20260102-good")
    page.get_by_label("Group by").select_option(label="Answer")
    page.get_by_label("Answers", exact=True).select_option(label="Wrong")
    page.get_by_label("Class", exact=True).select_option(label="bar 9")
    page.get_by_label("Dataset").select_option(label="bars (second)")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    expect(page.locator(".wall-titles span")).to_have_count(10)
    assert drawn(page) > 0.2


def at_rest(title):
    """The width of a title once the wall has stopped moving."""
    before, now = None, title.evaluate("one => one.style.maxWidth")
    while now != before:
        title.page.wait_for_timeout(300)
        before, now = now, title.evaluate("one => one.style.maxWidth")
    return now


def test_a_small_change_of_the_windows_size_keeps_the_zoom(wall):
    for _ in range(3):
        wall.get_by_role("button", name="Zoom in").click()
    title = wall.locator(".wall-titles span").nth(4)
    width = at_rest(title)
    canvas = wall.locator(".wall-canvas")
    before = canvas.evaluate("one => one.width")
    wall.set_viewport_size({"width": 1400, "height": 860})
    wall.wait_for_function(f"() => document.querySelector('.wall-canvas').width !== {before}")
    drawn(wall)
    assert at_rest(title) == width


def test_the_focus_stays_where_it_was_when_the_controls_are_drawn_anew(wall):
    for control in (wall.get_by_role("button", name="Map"), wall.get_by_role("button", name="Wall")):
        control.focus()
        control.press("Enter")
        expect(control).to_have_attribute("aria-pressed", "true")
        expect(control).to_be_focused()
    chosen = wall.get_by_label("Model", exact=True)
    chosen.focus()
    with wall.expect_response(re.compile(r"/api/answers\?")):
        chosen.select_option(label="20260102-good")
    expect(wall.get_by_label("Model", exact=True)).to_be_focused()


def test_data_that_are_not_on_this_machine_are_told_with_the_command_and_others_can_be_chosen(
    look, start_studio, tmp_path
):
    studio = start_studio(
        env={"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "FITTINGROOM_CACHE": str(tmp_path)}
    )
    watched = look(address=studio.address)
    watched.expected += ["409"]
    page = watched.go("data")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    page.get_by_label("Dataset").select_option(label="MNIST (not on this machine)")
    expect(page.get_by_role("alert")).to_contain_text("Get it with: fittingroom data get mnist")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_text("Loading")).to_have_count(0)
    page.get_by_label("Dataset").select_option(label="bars")
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
