"""Try it on: a photo dropped, pasted or chosen, the camera, a drawing; every step shown, corrections by hand."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from helpers.page_checks import expect, ink

SEEN = """() => Array.from(document.querySelector(".picture.seen").getContext("2d").getImageData(0, 0, 28, 28).data)
    .filter((_, at) => at % 4 === 3)"""
DROP = """async ([content, type, target, kind]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "photo", { type }));
    const place = target ? document.querySelector(target) : window;
    const more = { bubbles: true, cancelable: true };
    if (kind === "paste") place.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, ...more }));
    const drag = (name) => place.dispatchEvent(new DragEvent(name, { dataTransfer: data, ...more }));
    const drags = kind === "drop" ? ["dragover", "drop"].map(drag) : [];
    return drags.filter(Boolean).length; // that nobody has prevented from taking the page's place
}"""


def made_up_photo() -> bytes:
    """A blue T-shirt on a bright, grainy floor: drawn, and read like a photo."""
    scene = np.random.default_rng(0).normal((205, 190, 165), 5, (480, 400, 3))
    rows, columns = np.mgrid[:480, :400]
    body = (abs(columns - 200) < 85) & (rows > 110) & (rows < 400)
    sleeves = (abs(columns - 200) < 165) & (rows > 115) & (rows < 215) & (abs(columns - 200) < 85 + (rows - 60))
    neck = (columns - 200) ** 2 + (rows - 105) ** 2 < 40**2
    scene[(body | sleeves) & ~neck] = (40, 55, 120)
    file = io.BytesIO()
    Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture(scope="module")
def photo(request):
    """A real photo of a T-shirt where shared/photos is beside the repository, a made-up one otherwise."""
    folder = request.config.rootpath.parent / "shared" / "photos" / "t-shirt"
    files = sorted(folder.glob("*.jpg")) if folder.is_dir() else []
    return files[0].read_bytes() if files else made_up_photo()


@pytest.fixture
def room(watched):
    page = watched.go("try")
    expect(page.get_by_label("Model", exact=True)).to_have_value("shipped/fashion-mnist/photo")
    return page


def hand_over(page, content, kind="drop", media="image/jpeg", target=".drop"):
    page.evaluate(DROP, [base64.b64encode(content).decode(), media, target if kind == "drop" else None, kind])


def left_to_the_browser(page, content, target):
    """How many of the two events of a drop nobody has taken from the browser, which would open the file itself."""
    return page.evaluate(DROP, [base64.b64encode(content).decode(), "image/jpeg", target, "drop"])


def answered(page):
    """Wait for an answer, and return the 28x28 pixels that the model saw."""
    expect(page.locator(".try-result.waiting")).to_have_count(0)
    expect(page.locator(".try-answer .bar-row")).to_have_count(10)
    return np.array(page.evaluate(SEEN), np.uint8).reshape(28, 28)


def after(page, act):
    """Do something that asks again, and return what the model saw then."""
    with page.expect_response(re.compile("/api/(photos|drawings)")):
        act()
    return answered(page)


def test_a_photo_is_dropped_and_every_step_down_to_28x28_is_shown(room, photo):
    seen = after(room, lambda: hand_over(room, photo))
    assert seen.max() > 200
    steps = room.locator(".steps li")
    assert steps.count() >= 5
    for step in steps.all():
        assert step.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
        expect(step.locator("p")).not_to_be_empty()
    assert steps.last.locator("img").evaluate("image => image.naturalWidth") == 28
    expect(room.locator(".try-answer h2")).not_to_be_empty()
    expect(room.get_by_text(re.compile(r"None of these: 0\.\d\d, from 0"))).to_be_visible()


def test_polarity_mirroring_and_crop_are_corrected_by_hand(room, photo):
    plain = after(room, lambda: hand_over(room, photo)).astype(int)
    kept = after(room, room.get_by_role("button", name="Keep", exact=True).click).astype(int)
    inverted = after(room, room.get_by_role("button", name="Invert", exact=True).click).astype(int)
    assert not np.array_equal(kept, inverted)
    expect(room.get_by_text("Set by hand: light and dark change places.")).to_be_visible()
    after(room, room.get_by_role("button", name="Decide", exact=True).click)
    mirrored = after(room, room.get_by_label("Mirror left to right").check).astype(int)
    likeness = [np.corrcoef(other.ravel(), mirrored.ravel())[0, 1] for other in (plain[:, ::-1], plain)]
    assert likeness[0] > likeness[1]
    size = room.locator(".steps li p").first.inner_text()
    room.get_by_text("Crop", exact=True).click()
    edge = room.get_by_label("Crop, right edge in per cent")

    def crop():
        edge.fill("60")
        edge.press("Tab")

    after(room, crop)
    expect(room.locator(".steps li p").first).not_to_have_text(size)


def test_a_crop_is_dragged_over_the_photo(room, photo):
    after(room, lambda: hand_over(room, photo))
    room.get_by_text("Crop", exact=True).click()
    room.locator(".crop-area img").scroll_into_view_if_needed()
    box = room.locator(".crop-area img").bounding_box()

    def drag():
        room.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
        room.mouse.down()
        room.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.9 * box["height"], steps=3)
        room.mouse.up()

    after(room, drag)
    edges = [room.get_by_label(f"Crop, {side} edge").input_value() for side in ("left", "top", "right", "bottom")]
    assert np.allclose([float(edge) for edge in edges], [10, 10, 80, 90], atol=2)


def test_a_photo_is_pasted_or_chosen_as_a_file(room, photo):
    pasted = after(room, lambda: hand_over(room, photo, kind="paste"))
    chosen = after(
        room,
        lambda: room.get_by_label("Choose a photo").set_input_files(
            {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
        ),
    )
    assert np.array_equal(pasted, chosen)


def test_what_is_no_picture_is_said_in_words(watched, room):
    watched.expected += ["415"]
    hand_over(room, b"not a picture at all", media="image/png")
    expect(room.get_by_role("alert")).to_contain_text("Expected a picture (JPEG, PNG")


def test_the_camera_takes_the_picture(room):
    room.get_by_role("button", name="Camera").click()
    shoot = room.get_by_role("button", name="Take the picture")
    expect(shoot).to_be_enabled()
    after(room, shoot.click)
    expect(room.locator(".steps li p").first).to_contain_text(re.compile(r"\d+ x \d+ pixels"))


def stroke(page, *places):
    box = page.locator(".pad").bounding_box()
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=3)
    page.mouse.up()


def test_the_thinnest_brush_is_a_fourteenth_of_the_pad_and_clear_clears(room):
    room.get_by_role("button", name="Draw").click()
    side = room.locator(".pad").evaluate("pad => pad.width")
    brush = room.get_by_label("Brush")
    brush.evaluate("range => { range.value = 0; range.dispatchEvent(new Event('input')); }")
    after(room, lambda: stroke(room, (0.5, 0.5)))
    columns, rows, _ = ink(room, ".pad")
    assert min(columns, rows) >= side / 14 - 1  # its edge is soft
    room.get_by_role("button", name="Clear").click()
    assert ink(room, ".pad") == (0, 0, 0)
    expect(room.get_by_text("The answer appears here.")).to_be_visible()


def test_a_drawing_of_a_garment_is_named_and_a_scribble_is_none_of_these(room):
    room.get_by_role("button", name="Draw").click()
    legs = [(0.35, 0.1), (0.65, 0.1), (0.66, 0.9), (0.58, 0.9), (0.5, 0.25), (0.42, 0.9), (0.34, 0.9), (0.35, 0.1)]
    filling = [(0.4, 0.15), (0.4, 0.85), (0.45, 0.2), (0.5, 0.15), (0.6, 0.2), (0.6, 0.85)]
    after(room, lambda: stroke(room, *legs, *filling))
    expect(room.locator(".try-answer h2")).to_have_text("Trouser")
    room.get_by_role("button", name="Clear").click()
    rings = [
        (0.3, 0.1),
        (0.75, 0.1),
        (0.75, 0.85),
        (0.3, 0.85),
        (0.3, 0.2),
        (0.6, 0.25),
        (0.6, 0.75),
        (0.45, 0.7),
        (0.45, 0.3),
    ]
    after(room, lambda: stroke(room, *rings))
    expect(room.locator(".try-answer h2")).to_have_text("None of these")


def test_one_draws_and_erases_by_keyboard_alone(room):
    room.get_by_role("button", name="Draw").focus()
    room.keyboard.press("Enter")
    room.locator(".pad").focus()
    after(room, lambda: [room.keyboard.press("ArrowRight") for _ in range(4)])
    drawn = ink(room, ".pad")
    assert drawn[0] > drawn[1] > 0
    room.get_by_role("button", name="Erase").press("Enter")
    room.locator(".pad").focus()
    after(room, lambda: [room.keyboard.press("ArrowLeft") for _ in range(4)])
    assert ink(room, ".pad")[2] < drawn[2]


def test_a_photo_that_is_dropped_beside_the_zone_is_taken_and_the_page_stays(room, photo):
    assert left_to_the_browser(room, photo, "h1") == 0
    answered(room)
    expect(room.locator(".steps li").first).to_be_visible()


def test_a_photo_that_is_dropped_while_drawing_is_taken_as_a_photo(room, photo):
    room.get_by_role("button", name="Draw").click()
    assert left_to_the_browser(room, photo, "#bar") == 0
    answered(room)
    expect(room.get_by_role("button", name="Photo", exact=True)).to_have_attribute("aria-pressed", "true")


def test_where_no_photo_is_wanted_a_dropped_file_does_not_leave_the_page(watched, photo):
    page = watched.go("runs")
    expect(page.locator("table.runs")).to_be_visible()
    assert left_to_the_browser(page, photo, "table.runs") == 0


def test_model_and_way_come_back_from_the_address(room):
    room.get_by_label("Model", exact=True).select_option(label="fashion-mnist/walkthrough")
    room.get_by_role("button", name="Draw").click()
    room.reload()
    expect(room.locator(".pad")).to_be_visible()
    expect(room.get_by_label("Model", exact=True)).to_have_value("shipped/fashion-mnist/walkthrough")
