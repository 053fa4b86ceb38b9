"""TensorFlow Serving's routes, as its documentation asks them, and pictures as files."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.workflows.picture_answers import as_json
from helpers.noise_images import noise_images

IMAGES = noise_images(3, 4)
PHOTOS = sorted((Path(__file__).parents[2] / "docs" / "photos").glob("*.jpg"))


def png(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_instances_go_in_and_predictions_come_out(client):
    answer = client.post("/v1/models/94:predict", content=json.dumps({"instances": IMAGES.tolist()}))
    assert np.abs(np.array(answer.json()["predictions"]) - fr.predict("fashion-mnist/94", IMAGES)).max() < 1e-4


def test_instances_may_be_named_have_an_axis_of_one_or_come_as_columns(client):
    plain = client.post("/v1/models/94:predict", content=json.dumps({"instances": IMAGES.tolist()})).json()
    for told in (
        {"instances": IMAGES[..., None].tolist(), "signature_name": "serving_default"},
        {"instances": [{"pixels": image.tolist()} for image in IMAGES]},
    ):
        again = client.post("/v1/models/94/versions/1:predict", content=json.dumps(told)).json()
        assert np.allclose(again["predictions"], plain["predictions"])
    columns = client.post("/v1/models/94:predict", content=json.dumps({"inputs": IMAGES.tolist()})).json()
    assert np.allclose(columns["outputs"], plain["predictions"])


def test_the_network_for_photos_names_both_its_outputs(client):
    photo = np.zeros((1, 224, 168, 3), np.uint8)
    (row,) = client.post("/v1/models/photo:predict", content=json.dumps({"instances": photo.tolist()})).json()[
        "predictions"
    ]
    assert len(row["probabilities"]) == 10
    assert 0 <= row["none_of_these"] <= 1


def test_status_and_metadata_are_as_tensorflow_serving_gives_them(client):
    (version,) = client.get("/v1/models/94").json()["model_version_status"]
    assert version == {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    told = client.get("/v1/models/94/metadata").json()
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["pixels"]["dtype"] == "DT_UINT8"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, 'Expected either "instances"'),
        ({"instances": [], "inputs": []}, 'Expected either "instances"'),
        ({"instances": 7}, "expected a list of pictures"),
        ({"instances": []}, "received (0,)"),
        ({"instances": [{"other": [1]}]}, "expected each as"),
        ({"instances": [[1, 2], [3]]}, "lists of one length"),
        ({"instances": (IMAGES / 256).tolist()}, "scaling happens inside"),
        ({"instances": IMAGES.tolist(), "signature_name": "other"}, "expected serving_default"),
        ({"inputs": {"other": 7}}, "expected a list of pictures"),
    ],
)
def test_what_is_no_request_is_refused_with_a_text_as_error(client, told, words):
    answer = client.post("/v1/models/94:predict", content=json.dumps(told))
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_grey_picture_of_the_models_size_is_data_and_answered_as_predict_answers(client):
    told = client.post("/v1/predict", content=png(IMAGES[0])).json()
    assert (told["as"], told["model"]) == ("data", "94")
    expected = fr.predict("fashion-mnist/94", IMAGES[:1])[0]
    assert np.abs(np.array(list(told["probabilities"].values())) - expected).max() < 1e-4
    assert list(told["probabilities"]) == list(fr.class_names)


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.stem)
def test_a_photo_is_answered_as_predict_answers_by_body_and_by_form(client, photo):
    (expected,) = as_json(fr.predict_photos(photo))["answers"]
    by_body = client.post("/v1/predict", content=photo.read_bytes()).json()
    by_form = client.post("/v1/predict", files={"file": (photo.name, photo.read_bytes())}).json()
    assert by_form["path"] == photo.name
    for told in (by_body, by_form):
        assert set(told) == set(expected)
        for name in ("words", "label", "none_of_these", "warnings", "as"):
            assert told[name] == expected[name]
        gaps = [abs(told["probabilities"][name] - value) for name, value in expected["probabilities"].items()]
        assert max(gaps) < 1e-4


def test_a_model_can_be_asked_by_name_and_a_28x28_one_is_shown_the_photo_as_its_dataset_would(client):
    told = client.post("/v1/predict?model=94", content=PHOTOS[0].read_bytes()).json()
    assert (told["model"], told["as"]) == ("94", "photo")
    answer = client.post("/v1/predict?model=nope", content=b"x")
    assert answer.status_code == 404
    assert "No model 'nope'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"no picture", 415),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, 422),
        (png(IMAGES[0])[:-40], 422),
        (png(np.zeros((400, 300, 3), np.uint8), "JPEG")[:-200], 422),
        (png(np.zeros((2, 2, 3), np.uint8)), 422),
    ],
)
def test_what_is_no_picture_is_refused(client, content, status):
    answer = client.post("/v1/predict", content=content)
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) >= {"kind", "message"}


def test_a_form_without_a_file_or_with_two_is_refused(client):
    one = {"file": ("a.png", png(IMAGES[0]))}
    none = {"content-type": "multipart/form-data; boundary=y"}
    assert client.post("/v1/predict", content=b"--y--\r\n", headers=none).status_code == 400
    answer = client.post("/v1/predict", files=[("file", one["file"]), ("file", one["file"])])
    assert answer.status_code == 400
    broken = client.post("/v1/predict", content=b"--x", headers={"content-type": "multipart/form-data; boundary=y"})
    assert broken.status_code == 400


def test_a_picture_beyond_the_limits_is_refused_before_it_is_decoded(client):
    answer = client.post("/v1/predict", content=png(np.zeros((1, 20_001), np.uint8)))
    assert answer.status_code == 422
    assert "pixels at most" in answer.json()["error"]["message"]


def test_the_docs_name_every_request_and_load_nothing(client):
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path.replace("&", "&amp;") in page
    assert "<script" not in page
    assert "http" not in page.replace("http://127.0.0.1:8000", "").replace("tritonclient.http as http", "").replace(
        "http.Infer", ""
    )


def test_a_route_that_is_not_there_and_another_method_are_refused(client):
    assert client.get("/nothing").status_code == 404
    assert client.get("/v2/models/94/infer").status_code == 405
    assert client.post("/v1/models/94:classify", content=b"{}").status_code == 405
