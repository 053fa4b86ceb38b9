"""A model in a folder of Triton's layout: OpenVINO and our own server give Python's answers from it."""

import json
import re
import shutil

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.export.model_repository import write_tempered
from fittingroom.inference.model_files import WEIGHTS
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.inference.predictor import open_predictor
from fittingroom.workflows.exporting import export_model_repository
from helpers.noise_images import noise_images

SHIPPED = WEIGHTS / "fashion-mnist"
pytest.importorskip("onnx", reason="no onnx: install the export extra")


@pytest.fixture(scope="module")
def repository(tmp_path_factory, toy_folder):
    """A folder of models: a rung, the 28x28 network for photos with its second one, and the network for photos."""
    folder = tmp_path_factory.mktemp("repository") / "models"
    for model, name in (("fashion-mnist/90", None), ("fashion-mnist/photo-28", "look"), ("fashion-mnist/photo", None)):
        export_model_repository(model, folder, toy_folder, name=name)
    return folder


def test_each_model_has_its_file_its_configuration_and_its_labels(repository):
    assert sorted(path.name for path in repository.iterdir()) == ["90", "look", "look-none", "photo"]
    for entry in repository.iterdir():
        found = sorted(path.relative_to(entry).as_posix() for path in entry.rglob("*") if path.is_file())
        assert found == ["1/model.onnx", "config.pbtxt", "labels.txt"]
    assert (repository / "90" / "labels.txt").read_text().splitlines() == list(fr.class_names)


def test_the_configuration_says_what_the_file_takes_and_gives_and_that_requests_may_be_one_batch(repository):
    text = " ".join((repository / "90" / "config.pbtxt").read_text().split())
    assert text.startswith('name: "90" backend: "onnxruntime" max_batch_size: 64')
    assert 'input [ { name: "pixels" data_type: TYPE_UINT8 dims: [ 28, 28 ] } ]' in text
    assert 'output [ { name: "probabilities" data_type: TYPE_FP32 dims: [ 10 ] label_filename: "labels.txt" } ]' in text
    assert "dynamic_batching { max_queue_delay_microseconds: 2000 }" in text
    photo = " ".join((repository / "photo" / "config.pbtxt").read_text().split())
    assert 'name: "photo" data_type: TYPE_UINT8 dims: [ 224, 168, 3 ]' in photo
    assert 'name: "none_of_these" data_type: TYPE_FP32 dims: [ 1 ] reshape: { shape: [ ] }' in photo


def test_the_configuration_is_read_by_the_protocols_own_definition_of_it(repository):
    """Triton's client brings the message that `config.pbtxt` is the text of."""
    pytest.importorskip("tritonclient.grpc.model_config_pb2", reason="no grpc: tritonclient[grpc]")
    from google.protobuf import text_format
    from tritonclient.grpc import model_config_pb2

    for entry in repository.iterdir():
        config = text_format.Parse((entry / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
        assert config.name == entry.name
        assert config.input[0].data_type == model_config_pb2.TYPE_UINT8


def by_openvino(file, images):
    openvino = pytest.importorskip("openvino", reason="no openvino: pip install openvino")
    model = openvino.Core().compile_model(openvino.Core().read_model(file), "CPU")
    parts = [model(images[start : start + 500]) for start in range(0, len(images), 500)]
    return [np.concatenate([part[output] for part in parts]) for output in range(len(model.outputs))]


@pytest.mark.parametrize("name", ["90", "look"])
def test_openvino_gives_the_answers_of_predict_on_all_test_images(repository, name):
    images = fr.load("fashion-mnist").test.images
    model = "fashion-mnist/90" if name == "90" else "fashion-mnist/photo-28"
    (got,) = by_openvino(repository / name / "1" / "model.onnx", images)
    expected = fr.predict(model, images)
    assert (got.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert np.abs(got - expected).max() < 1e-3


def test_openvino_gives_the_answers_of_the_network_for_photos(repository):
    photos = np.random.default_rng(0).integers(0, 256, (3, 224, 168, 3), np.uint8)
    got, none = by_openvino(repository / "photo" / "1" / "model.onnx", photos)
    assert np.abs(got - fr.predict("fashion-mnist/photo", photos)).max() < 5e-3  # its int8 weights are summed otherwise
    at_home = open_onnx(repository / "photo" / "1" / "model.onnx").answer(photos)[1]
    assert none.shape == at_home.shape == (3,)
    assert np.abs(none - at_home).max() < 5e-3
    assert np.abs(at_home - open_predictor("fashion-mnist/photo").ask(photos)[1]).max() < 1e-5


def test_our_own_server_serves_the_folder(repository):
    pytest.importorskip("prometheus_client", reason="no prometheus-client: install the serve extra")
    from starlette.testclient import TestClient

    from fittingroom.serving.model_server import ServerSettings, build_app
    from fittingroom.serving.served_models import read_sources

    sources = read_sources(f"{entry.name}={entry / '1' / 'model.onnx'}" for entry in sorted(repository.iterdir()))
    images = noise_images(3, 2)
    tensor = {"name": "pixels", "shape": [3, 28, 28], "datatype": "UINT8", "data": images.ravel().tolist()}
    app = build_app(ServerSettings(sources, logs=False))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answer = client.post("/v2/models/90/infer", content=json.dumps({"inputs": [tensor]})).json()["outputs"][0]
        classes = client.get("/v2/models/90").json()["parameters"]["class_names"]
    got = np.array(answer["data"]).reshape(answer["shape"])
    assert np.abs(got - fr.predict("fashion-mnist/90", images)).max() < 1e-4
    assert classes == list(fr.class_names)


def test_the_folded_temperature_is_that_of_the_card(tmp_path):
    shutil.copy(SHIPPED / "94.onnx", tmp_path / "own.onnx")
    card = json.loads((SHIPPED / "94.json").read_text())
    images = noise_images(20, 3)
    write_tempered(SHIPPED / "94.onnx", tmp_path / "tempered.onnx", card["temperature"])
    got = open_onnx(tmp_path / "tempered.onnx").predict(images)
    assert np.abs(got - fr.predict("fashion-mnist/94", images)).max() < 1e-5
    write_tempered(SHIPPED / "94.onnx", tmp_path / "same.onnx", 1.0)
    assert np.array_equal(
        open_onnx(tmp_path / "same.onnx").predict(images), open_onnx(tmp_path / "own.onnx").predict(images)
    )


def test_a_model_that_is_there_already_stays(repository, toy_folder):
    before = (repository / "90" / "config.pbtxt").read_text()
    with pytest.raises(UsageError, match="is there already"):
        export_model_repository("fashion-mnist/90", repository, toy_folder)
    assert (repository / "90" / "config.pbtxt").read_text() == before
    assert not [path for path in repository.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["a b", "", "../a", "ä"])
def test_a_name_that_fits_no_address_is_refused(tmp_path, toy_folder, name):
    with pytest.raises(UsageError, match=re.escape("Expected a name of letters")):
        export_model_repository("fashion-mnist/photo", tmp_path, toy_folder, name=name or " ")
