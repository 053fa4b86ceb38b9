"""Trying on: what is accepted, what is refused and with which limit, corrections by hand."""

import asyncio
import base64
import io
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from fittingroom.studio.asgi import build_app
from fittingroom.studio.photo_routes import Queue
from fittingroom.studio.state import Studio
from fittingroom.web.problems import Problem

pytest.importorskip("cv2", reason="no OpenCV: install the photos extra")
MODEL, MODEL_28 = "shipped/fashion-mnist/photo", "shipped/fashion-mnist/photo-28"
JPEG = {"content-type": "image/jpeg"}


def photo(size=(120, 160)) -> bytes:
    """A dark T-shirt shape on a light floor."""
    scene = np.full((*size, 3), 210, np.uint8)
    scene[size[0] // 5 : -size[0] // 5, size[1] // 3 : -size[1] // 3] = (30, 40, 90)
    scene[size[0] // 5 : size[0] // 2, size[1] // 6 : -size[1] // 6] = (30, 40, 90)
    file = io.BytesIO()
    Image.fromarray(scene).save(file, "JPEG")
    return file.getvalue()


def ask(visitor, content, headers=JPEG, **query):
    return visitor.post("/api/photos", params={"model": MODEL, **query}, content=content, headers=headers)


def refusal(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def test_a_photo_is_named_with_every_step_down_to_28x28(visitor):
    told = ask(visitor, photo()).json()
    assert len(told["steps"]) >= 5
    assert all(step["picture"].startswith("data:image/png;base64,") and step["reason"] for step in told["steps"])
    assert len(base64.b64decode(told["image"])) == 28 * 28
    assert abs(sum(told["probabilities"]) - 1) < 1e-3
    assert told["none_of_these"] in (True, False)


def test_polarity_mirroring_and_crop_are_taken_from_the_user(visitor):
    seen = {
        words: base64.b64decode(ask(visitor, photo(), **query).json()["image"])
        for words, query in {
            "keep": {"polarity": "keep"},
            "invert": {"polarity": "invert"},
            "crop": {"polarity": "keep", "crop": "0,0,0.5,1"},
        }.items()
    }
    assert len(set(seen.values())) == 3


def scene(size, kind):
    """A dark T-shirt shape on a light floor, large, as a phone writes it."""
    picture = Image.open(io.BytesIO(photo())).resize(size, Image.Resampling.NEAREST)
    file = io.BytesIO()
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    picture.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "size", "sent_as"),
    [
        ("JPEG", (8064, 6048), "image/jpeg"),
        ("HEIF", (640, 480), "image/heic"),
        ("HEIF", (640, 480), "application/octet-stream"),  # what a browser sends that does not know the ending
    ],
)
def test_photos_as_phones_take_them_are_named(visitor, kind, size, sent_as):
    told = ask(visitor, scene(size, kind), {"content-type": sent_as})
    assert told.status_code == 200, told.text
    assert f"{size[0]} x {size[1]} pixels" in told.json()["steps"][0]["reason"]


def test_what_is_no_picture_is_415(visitor):
    assert "Expected a picture (JPEG" in refusal(ask(visitor, b"no picture"), 415)["message"]
    assert "content-type image/" in refusal(ask(visitor, photo(), {"content-type": "text/html"}), 415)["message"]


@pytest.mark.parametrize("crop", ["1", "0,0,2,1", "0.5,0,0.5,1", "a,b,c,d", "nan,0,1,1", "0,0,1,1,1"])
def test_a_crop_that_is_none_is_422(visitor, crop):
    assert "crop: expected" in refusal(ask(visitor, photo(), crop=crop), 422)["message"]


def test_a_damaged_picture_is_422_in_words_without_a_path(visitor):
    words = refusal(ask(visitor, photo()[:300]), 422)["message"]
    assert "damaged" in words
    assert "/" not in words


@pytest.fixture
def strict(studio):
    """The visitor of a studio with limits that are soon reached."""
    limits = replace(studio.limits, pixels=10_000, body_bytes=50_000)
    app = build_app(Studio(studio.access, studio.runs, studio.registry, limits))
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        client.get("/")
        yield client


def test_more_pixels_or_bytes_than_the_limit_are_refused_with_the_limit(strict):
    assert refusal(ask(strict, photo()), 422)["limit"] == 10_000
    assert refusal(ask(strict, photo() + b"x" * 60_000), 413)["limit"] == 50_000


def test_a_model_that_is_not_there_is_404(visitor):
    assert "No model 'run/none' that can be asked" in refusal(ask(visitor, photo(), model="run/none"), 404)["message"]


def draw(visitor, **changes):
    pixels = base64.b64encode(bytes(28 * 28)).decode()
    return visitor.post(
        "/api/drawings", json={"model": MODEL_28, "height": 28, "width": 28, "pixels": pixels, **changes}
    )


def test_a_drawing_for_the_network_that_takes_whole_photos_is_answered_by_the_28x28_one_and_that_is_said(visitor):
    told, beside = draw(visitor, model=MODEL).json(), draw(visitor).json()
    assert told["probabilities"] == beside["probabilities"]
    assert told["warnings"] == [
        "fashion-mnist/photo answers whole photos: a drawing is answered by fashion-mnist/photo-28"
    ]
    assert beside["warnings"] == []


def test_a_blank_photo_is_none_of_these_to_one_network_and_nothing_to_cut_out_to_the_other(visitor):
    file = io.BytesIO()
    Image.new("RGB", (200, 300), (120, 130, 140)).save(file, "PNG")
    told = ask(visitor, file.getvalue(), {"content-type": "image/png"}).json()
    assert told["none_of_these"]
    assert told["beside"] is None
    refused = ask(visitor, file.getvalue(), {"content-type": "image/png"}, model=MODEL_28)
    assert "the picture is of one colour" in refusal(refused, 422)["message"]


def test_a_blank_drawing_is_none_of_these(visitor):
    assert draw(visitor).json()["none_of_these"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pixels": "!"}, "pixels: expected base64"),
        ({"pixels": "AAAA"}, "pixels: expected 784 bytes, received 3"),
        ({"height": 10**9}, "height"),
        ({"height": 14, "width": 56}, "takes 28x28 pixels, received 14x56"),
    ],
)
def test_a_drawing_of_another_size_is_422(visitor, changes, words):
    assert words in refusal(draw(visitor, **changes), 422)["message"]


def test_more_photos_than_may_wait_are_429():
    async def crowd():
        queue, held = Queue(1, 1), threading.Event()
        asked = [asyncio.ensure_future(queue.run(lambda: {"waited": held.wait()})) for _ in range(2)]
        while queue.inside < 2:
            await asyncio.sleep(0)
        with pytest.raises(Problem, match="1 photos are waiting already") as third:
            await queue.run(dict)
        held.set()
        return third.value.status, await asyncio.gather(*asked)

    assert asyncio.run(crowd()) == (429, [{"waited": True}, {"waited": True}])


def test_the_network_for_photos_is_listed_and_asked_about_a_dataset_names_the_28x28_one(visitor):
    assert MODEL in [model["key"] for model in visitor.get("/api/models").json() if model["kind"] == "photo"]
    dataset = visitor.get("/api/about").json()["datasets"][0]["name"]
    for answer in (
        visitor.get("/api/answers", params={"dataset": dataset, "model": MODEL}),
        visitor.post("/api/answers", json={"dataset": dataset, "model": MODEL}),
    ):
        assert "For 28x28 pictures take fashion-mnist/photo-28" in refusal(answer, 422)["message"]
