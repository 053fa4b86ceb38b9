"""The exported web page in Chromium: answers as in Python, from plain files, without a network, and as one sees it."""

import base64
import functools
import io
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.inference.model_files import PHOTO_28_MODEL
from fittingroom.workflows.exporting import export_web_page
from helpers.cases import here_and_in_soak
from helpers.chromium import launched, need_browser
from helpers.noise_images import noise_images

ASK = """async (contents) => {
    const [{ readModels }, { answerPicture }, { openPicture }] = await Promise.all(
        ["networks", "answering", "pictures"].map((name) => import(`./js/${name}.js`)));
    const models = await readModels();
    const found = [];
    for (const [content, type] of contents) {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        const told = await answerPicture(models, await openPicture(new Blob([bytes], { type })));
        found.push({ ...told, seen: null });
    }
    return found;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Python's own server of plain files, which packs nothing and sets no header."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module", autouse=True)
def needed():
    need_browser("cv2", "onnx")


@pytest.fixture(scope="module")
def site(needed, tmp_path_factory):
    """The page of the 28x28 network for photos, and the network for photos: the largest."""
    data = fr.load("fashion-mnist")
    return export_web_page(PHOTO_28_MODEL, tmp_path_factory.mktemp("page") / "site", data)


@pytest.fixture(scope="module")
def address(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(needed):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, address):
    """The page on a phone; any fault that it tells the console fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened, faults = context.new_page(), []
    opened.set_default_timeout(120_000)
    opened.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda asked: faults.append(asked.url) if not asked.url.startswith(address) else None)
    opened.goto(address)
    opened.wait_for_selector(".drop")
    yield opened
    context.close()
    assert faults == []


def as_file(picture, kind="PNG", **more):
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def answers(page, contents, kind="image/png"):
    return page.evaluate(ASK, [[base64.b64encode(content).decode(), kind] for content in contents])


@pytest.mark.soak
def test_a_hundred_test_images_are_answered_as_in_python(page):
    images = fr.load("fashion-mnist").test.images[:100]
    expected = fr.predict(PHOTO_28_MODEL, images)
    found = answers(page, [as_file(Image.fromarray(image)) for image in images])
    assert not any(told["isPhoto"] for told in found)
    gaps = np.abs(np.array([told["probabilities"] for told in found]) - expected)
    assert gaps.max() < 1e-3
    assert [told["best"] for told in found] == expected.argmax(axis=1).tolist()


@pytest.fixture(scope="module")
def photos(shared_photos):
    return [Image.open(path).convert("RGB") for path in shared_photos]


@pytest.fixture(scope="module")
def shared_photos(request):
    """Twenty photos of many kinds, from the folder beside the repository; without it the few in the docs."""
    folder = request.config.rootpath.parent / "shared" / "photos"
    found = sorted(folder.rglob("*.jpg"))
    if not found:
        return sorted((request.config.rootpath / "docs" / "photos").glob("*.jpg"))
    return found[:: len(found) // 20][:20]


def rows(expected):
    return np.array([list(one.probabilities.values()) for one in expected])


@pytest.mark.soak
def test_photos_as_png_are_answered_as_in_python_and_declined_alike(page, photos):
    expected = fr.predict_photos(photos)
    found = answers(page, [as_file(photo) for photo in photos])
    assert all(told["isPhoto"] for told in found)
    gaps = np.abs(np.array([told["probabilities"] for told in found]) - rows(expected))
    assert gaps.max() < 1e-3
    assert [told["best"] for told in found] == rows(expected).argmax(axis=1).tolist()
    assert [told["isNone"] for told in found] == [one.none_of_these for one in expected]


@pytest.mark.soak
def test_photos_as_jpeg_which_two_decoders_read_are_called_the_same(page, photos):
    files = [as_file(photo, "JPEG", quality=92) for photo in photos]
    expected = fr.predict_photos([Image.open(io.BytesIO(content)) for content in files])
    found = answers(page, files, "image/jpeg")
    same = [told["best"] == row for told, row in zip(found, rows(expected).argmax(axis=1), strict=True)]
    assert sum(same) >= len(photos) - len(photos) // 20


@pytest.mark.parametrize("size", here_and_in_soak((30, 40), (200, 300), (700, 500), (1344, 448), (2700, 1801)))
def test_a_photo_of_any_size_is_answered_as_in_python(page, size):
    small = Image.fromarray(noise_images(1, 3)[0]).convert("RGB").crop((0, 0, 20, 14))
    photo = small.resize(size, Image.Resampling.BICUBIC)
    (expected,) = fr.predict_photos([photo])
    (told,) = answers(page, [as_file(photo)])
    assert np.abs(np.array(told["probabilities"]) - list(expected.probabilities.values())).max() < 1e-3
    assert (told["warning"] != "") == any("times as long" in note for note in expected.warnings)


def test_a_picture_turned_by_its_tag_is_seen_upright(page, photos):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = as_file(photos[0], "PNG", exif=exif)
    (expected,) = fr.predict_photos([Image.open(io.BytesIO(content))])
    (told,) = answers(page, [content])
    assert told["best"] == int(np.argmax(list(expected.probabilities.values())))


def test_a_photo_is_chosen_and_its_ten_bars_and_what_the_network_sees_are_shown(page):
    page.set_input_files("#file", "docs/photos/shirt.jpg")
    page.wait_for_selector(".try-answer")
    assert page.locator(".try-answer h2").inner_text() == "Shirt"
    assert page.locator(".bar-row").count() == 10
    assert page.locator("canvas.seen.photo").get_attribute("width") == "168"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_drawing_is_answered_by_the_network_for_data(page):
    page.get_by_role("button", name="Draw").click()
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 110, box["y"] + 250, steps=8)
    page.mouse.up()
    page.wait_for_selector(".try-answer .picture.seen")
    assert page.locator("canvas.seen").get_attribute("width") == "28"


@pytest.mark.soak
def test_what_the_camera_sees_is_answered_again_and_again(page):
    page.get_by_role("button", name="Camera").click()
    page.wait_for_selector(".try-answer canvas.photo")
    now = "document.querySelector('.try-answer canvas')?.toDataURL()"
    first = page.evaluate(now)
    for _ in range(300):
        if page.evaluate(now) not in (first, None):
            return
        page.wait_for_timeout(100)
    pytest.fail("the answer stayed the same for half a minute")


def test_what_is_no_picture_is_refused_in_a_sentence(page, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    page.set_input_files("#file", tmp_path / "a.png")
    page.wait_for_selector("[role=alert]")
    assert "cannot open the file as a picture" in page.locator("[role=alert]").inner_text()


def test_after_the_first_visit_it_works_without_a_network(page):
    page.get_by_text("Works without a network").wait_for()
    page.context.set_offline(True)
    page.reload()
    page.set_input_files("#file", "docs/photos/coat.jpg")
    page.wait_for_selector(".try-answer")
    assert page.locator(".try-answer h2").inner_text() == "Coat"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_on_it_is_hard_to_read_or_to_reach(page, theme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=theme)
    page.set_input_files("#file", "docs/photos/shirt.jpg")
    page.wait_for_selector(".try-answer")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found] == []


def test_it_is_as_small_as_is_promised(site):
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 10_000_000  # packed already, so it is as much over the wire
