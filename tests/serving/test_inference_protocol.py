"""The Open Inference Protocol: its clients get the answers of `fr.predict`, and all else its own form of an error."""

import gzip
import json
import random

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import DataError
from fittingroom.serving.inference_protocol import DATATYPES, read_request
from helpers.noise_images import noise_images

IMAGES = noise_images(5, 3)
LENGTH = "Inference-Header-Content-Length"


def request_of(images=IMAGES, datatype="UINT8", **more):
    tensor = {"name": "pixels", "shape": list(images.shape), "datatype": datatype, "data": images.ravel().tolist()}
    return {"inputs": [tensor | more]}


def asked(client, told, model="94"):
    return client.post(f"/v2/models/{model}/infer", content=json.dumps(told))


def probabilities(answer):
    (output,) = answer.json()["outputs"]
    assert output["datatype"] == "FP32"
    return np.array(output["data"], np.float32).reshape(output["shape"])


@pytest.fixture(scope="module")
def expected():
    return fr.predict("fashion-mnist/94", IMAGES)


def test_a_request_in_json_is_answered_as_predict_answers_and_repeats_its_id(client, expected):
    answer = asked(client, request_of() | {"id": "mine"})
    assert np.abs(probabilities(answer) - expected).max() < 1e-4
    assert answer.json() | {"outputs": 0} == {"model_name": "94", "model_version": "1", "id": "mine", "outputs": 0}


@pytest.mark.parametrize("shape", [(5, 28, 28, 1), (5, 1, 28, 28), (5, 784)])
def test_shapes_that_mean_the_same_pictures_are_taken(client, expected, shape):
    answer = asked(client, request_of(IMAGES.reshape(shape)))
    assert np.abs(probabilities(answer) - expected).max() < 1e-4


def test_floats_that_are_exactly_k_by_255_are_taken_back_and_that_is_said(client, expected):
    answer = asked(client, request_of((IMAGES / 255).astype(np.float32), "FP32"))
    assert np.abs(probabilities(answer) - expected).max() < 1e-4
    assert "taken back to the whole pixels" in answer.json()["parameters"]["notes"]


def test_other_floats_in_0_to_1_are_refused_by_the_rule_of_predict_even_beside_a_good_request(client):
    answer = asked(client, request_of((IMAGES / 256).astype(np.float32), "FP32"))
    assert answer.status_code == 400
    assert "scaling happens inside" in answer.json()["error"]


def test_binary_tensors_go_in_and_out(client, expected):
    tensor = {"name": "pixels", "shape": [5, 28, 28], "datatype": "UINT8", "parameters": {"binary_data_size": 3920}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    answer = client.post("/v2/models/94/infer", content=head + IMAGES.tobytes(), headers={LENGTH: str(len(head))})
    length = int(answer.headers[LENGTH])
    told = json.loads(answer.content[:length])["outputs"][0]
    got = np.frombuffer(answer.content[length:], np.float32).reshape(told["shape"])
    assert told["parameters"]["binary_data_size"] == len(answer.content) - length
    assert np.abs(got - expected).max() < 1e-4


def test_metadata_says_what_is_taken_and_given(client):
    told = client.get("/v2/models/94").json()
    assert told["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 28, 28]}]
    assert told["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]
    assert told["parameters"]["pixels"].startswith("uint8, 0 to 255")
    assert told["parameters"]["class_names"] == list(fr.class_names)
    photo = client.get("/v2/models/photo/versions/1").json()
    assert photo["inputs"] == [{"name": "photo", "datatype": "UINT8", "shape": [-1, 224, 168, 3]}]
    assert [one["name"] for one in photo["outputs"]] == ["probabilities", "none_of_these"]


def test_health_and_the_server_are_told(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/94/ready").json() == {"name": "94", "ready": True}
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": [4, 28, 28]}, "expected 3136 values for shape [4, 28, 28], received 3920"),
        ({"shape": [5, 14, 56]}, "expected shape (n, 28, 28), received (5, 14, 56)"),
        ({"shape": [5, -28, 28]}, "expected a shape of at most 8 whole numbers"),
        ({"shape": [5, 28.0, 28]}, "expected a shape of at most 8 whole numbers"),
        ({"shape": None}, "expected a shape"),
        ({"shape": [0, 28, 28], "data": []}, "expected at least one image, received none"),
        ({"shape": [100_000, 0, 28], "data": []}, "expected at most 10,000 images, received 100,000"),
        ({"datatype": "BYTES"}, "expected a datatype of BOOL, UINT8"),
        ({"datatype": ["UINT8"]}, "received a list"),
        ({"datatype": "BOOL"}, "expected values of BOOL"),
        ({"data": [300] * 3920}, "expected values of UINT8, received others"),
        ({"data": [-1] * 3920}, "expected values of UINT8, received others"),
        ({"data": [0.5] * 3920}, "expected values of UINT8, received others"),
        ({"data": [10**30] * 3920}, "expected numbers"),
        ({"data": [None] * 3920}, "expected numbers"),
        ({"data": ["1"] * 3920}, "expected numbers"),
        ({"data": [[1, 2], [3]]}, "lists of one length"),
        ({"data": 7}, "expected data as a list of numbers, received a number"),
        ({"data": [float("nan")] * 3920, "datatype": "FP32"}, "not finite"),
        ({"data": [1] * 3920}, "only 0 and 1"),
        ({"name": "other"}, "expected the one input of this model, 'pixels'"),
        ({"name": 7}, "expected a text, received a number"),
        ({"parameters": {"binary_data_size": 3920}}, "expected either data or binary_data_size"),
        ({"parameters": []}, "expected an object, received a list"),
    ],
)
def test_a_tensor_that_is_wrong_is_refused_in_one_sentence(client, change, words):
    answer = asked(client, request_of(**change))
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert asked(client, request_of()).status_code == 200  # and the server goes on


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "expected JSON"),
        (b"\xff\xfe", "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b"7", "expected a JSON object, received a number"),
        (b"{}", "expected a list of one tensor, received nothing"),
        (b'{"inputs": []}', "received 0 entries"),
        (b'{"inputs": [7]}', "expected a list of one tensor"),
        (b'{"inputs": [{}]}', "expected a text, received nothing"),
    ],
)
def test_a_body_that_is_wrong_is_refused(client, body, words):
    answer = client.post("/v2/models/94/infer", content=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"outputs": [{"name": "logits"}]}, "expected one of probabilities"),
        ({"outputs": [{"name": "probabilities", "parameters": {"classification": 3}}]}, "Ask for the probabilities"),
        ({"outputs": 7}, "outputs: expected a list"),
        ({"id": 7}, "id: expected a text"),
        ({"parameters": {"binary_data_output": "yes"}}, "expected true or false"),
    ],
)
def test_what_is_asked_beside_the_tensor_is_checked_too(client, more, words):
    answer = asked(client, request_of() | more)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "words"),
    [("nope", "No model 'nope' here"), ("94/versions/2", "no version '2' here"), ("94/versions/x", "no version 'x'")],
)
def test_an_unknown_model_or_version_is_told(client, path, words):
    for answer in (client.get(f"/v2/models/{path}"), asked(client, request_of(), path)):
        assert answer.status_code == 404
        assert words in answer.json()["error"]


def test_a_body_that_was_packed_on_the_way_is_refused(client):
    body = gzip.compress(json.dumps(request_of()).encode())
    answer = client.post("/v2/models/94/infer", content=body, headers={"content-encoding": "gzip"})
    assert answer.status_code == 400
    assert "received it packed (gzip)" in answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "99999", "0", "٣"])
def test_a_length_of_the_json_that_cannot_be_is_refused(length):
    with pytest.raises(DataError, match="inference-header-content-length"):
        read_request(b'{"inputs": []}', length)


def test_a_binary_tensor_of_another_number_of_bytes_is_refused():
    tensor = {"name": "pixels", "shape": [5, 28, 28], "datatype": "UINT8", "parameters": {"binary_data_size": 3920}}
    head = json.dumps({"inputs": [tensor]}).encode()
    with pytest.raises(DataError, match="expected 3920 bytes for UINT8"):
        read_request(head + b"x" * 3919, str(len(head)))


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_is_read_from_json_and_from_bytes_alike(datatype):
    values = np.array([[0, 1], [1, 1]], DATATYPES[datatype])
    tensor = {"name": "x", "shape": [2, 2], "datatype": datatype}
    by_json = read_request(json.dumps({"inputs": [tensor | {"data": values.tolist()}]}).encode(), None)
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": values.nbytes}}]}).encode()
    by_bytes = read_request(head + values.tobytes(), str(len(head)))
    assert by_json.values.dtype == by_bytes.values.dtype == values.dtype
    assert np.array_equal(by_json.values, values)
    assert np.array_equal(by_bytes.values, values)


def mutated(generator):
    """A good request in which something was broken, or its head."""
    tensor = {"name": "pixels", "shape": [1, 28, 28], "datatype": "UINT8", "data": [7] * 784}
    body = bytearray(json.dumps({"inputs": [tensor]}).encode())
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(body))
        match generator.randrange(4):
            case 0:
                body[at] = generator.randrange(256)
            case 1:
                del body[at : at + generator.randrange(60)]
            case 2:
                body[at:at] = generator.randbytes(generator.randrange(1, 9))
            case 3:
                body[at:at] = generator.choice([b"[", b"]", b"{", b'"', b"null", b"-1", b"1e999", b"NaN", b"\\ud800"])
        if not body:
            break
    headers = {LENGTH: generator.choice(["0", "10", str(len(body)), "x"])} if generator.random() < 0.2 else {}
    return bytes(body), headers


def ask_broken(client, count, seed):
    generator = random.Random(seed)
    paths = ("/v2/models/94/infer", "/v1/models/94:predict", "/v1/predict", "/v2/models/photo/infer")
    statuses = set()
    for _ in range(count):
        body, headers = mutated(generator)
        answer = client.post(generator.choice(paths), content=body, headers=headers)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (body, answer.text)
        assert answer.status_code == 200 or "error" in answer.json()
    return statuses


def test_requests_broken_in_any_way_are_refused_and_never_a_fault_of_ours(client):
    assert 400 in ask_broken(client, 400, 1)


@pytest.mark.soak
def test_five_thousand_broken_requests_are_no_fault_of_ours(client):
    assert 400 in ask_broken(client, 5000, 2)
