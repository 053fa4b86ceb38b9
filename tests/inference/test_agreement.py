"""Every door gives one answer: Python, command line, studio, server and export, for whatever stands for a model."""

import base64
import io
import json
import shutil
import time

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.errors import FittingRoomError
from fittingroom.inference.model_files import find_model
from fittingroom.inference.predictor import open_predictor
from fittingroom.judging import fit_temperature, tempered
from fittingroom.photos import whole_photo
from fittingroom.runs import open_run
from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.state import Studio
from fittingroom.web.security import Access
from helpers.cases import here_and_in_soak, one_in
from helpers.scenes import photo, shirt_mask

pytest.importorskip("onnxruntime", reason="no ONNX Runtime: install the photos extra")

CLOSE = 1e-4
TEMPERATURE = 1.7  # of the run asked: set by hand, so that it is far from 1 on any machine
ASKED = 6  # test images, spread over the classes
SHIPPED = "fashion-mnist/90"
PORT = 8765


def command(capsys, *words):
    """What a command prints on stdout."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return printed.out


def by_command(capsys, model, pictures, *more):
    """The probabilities that the command line gives to files, ``(n, classes)``."""
    told = json.loads(command(capsys, "predict", "--model", model, *more, *pictures, "--json"))
    assert told["schema"] == "fittingroom/predict/3"
    return np.array([list(answer["probabilities"].values()) for answer in told["answers"]])


@pytest.fixture(scope="module", params=here_and_in_soak((20, 12), (28, 28)), ids=["20x12", "28x28"])
def data(request, tmp_path_factory):
    """A dataset of noisy bars of a size, four classes, three in ten of the labels wrong."""
    height, width = request.param
    folder = tmp_path_factory.mktemp("sizes") / f"bars-{height}x{width}"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, n in (("train", 600), ("t10k", 60)):
        labels = generator.integers(0, 4, n).astype(np.uint8)
        images = generator.integers(0, 90, (n, height, width), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 2 * label : 2 * label + 2] += 150
        noisy = np.where(generator.random(n) < 0.3, (labels + 1) % 4, labels).astype(np.uint8)
        names = [name for name in FILE_NAMES if name.startswith(part)]
        for name, array in zip(names, (images, noisy), strict=True):
            write_idx(folder / name, array)
    (folder / "classes.txt").write_text("one\ntwo\nthree\nfour\n")
    return fr.load(folder), folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run with held-out images, so with a temperature, and its ONNX twin."""
    folder = tmp_path_factory.mktemp("runs") / "bars-run"
    words = ["train", "--dataset", data[1], "--epochs", 4, "--validation", 100, "--out", folder, "--quiet"]
    assert main([str(word) for word in words]) == 0
    (folder / "temperature.json").write_text(json.dumps({"temperature": TEMPERATURE}))
    return folder


@pytest.fixture
def pictures(data, tmp_path):
    """The test images asked about, as arrays and as files."""
    images = np.array(data[0].test.images[:ASKED])
    files = []
    for number, image in enumerate(images):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(image).save(files[-1])
    return images, files


def test_a_run_keeps_the_temperature_that_its_held_out_images_ask_for(data, tmp_path):
    run = fr.train(
        fr.build("walkthrough", image_shape=data[0].image_shape, classes=4), data[0], validation=100, out=tmp_path / "r"
    )
    _, held_out = fr.hold_out(data[0].train, 100)
    own = run.predict(held_out.images, tempered=False)
    value = run.read_json("temperature.json")["temperature"]
    assert value == pytest.approx(fit_temperature(held_out.labels, own))
    np.testing.assert_allclose(run.predict(held_out.images), tempered(own, value), atol=1e-6)


def test_a_temperature_changes_how_sure_the_answers_are_and_no_label(trained, pictures):
    own, answers = fr.predict(trained, pictures[0], tempered=False), fr.predict(trained, pictures[0])
    np.testing.assert_allclose(answers, tempered(own, TEMPERATURE), atol=1e-6)
    assert np.abs(answers - own).max() > 10 * CLOSE
    assert (answers.argmax(axis=1) == own.argmax(axis=1)).all()


def test_a_run_its_files_and_what_is_exported_from_it_answer_alike_at_every_door(
    trained, data, pictures, tmp_path, capsys
):
    images, files = pictures
    expected = fr.predict(trained, images)
    for ending in ("onnx", "keras"):
        out = tmp_path / f"out.{ending}"
        command(capsys, "export", "--model", trained, "--dataset", data[1], "--out", out, "--quiet")
        card = json.loads((tmp_path / "out.json").read_text())
        assert card["tempered"] is True
        (tmp_path / "out.json").rename(tmp_path / f"card-{ending}.json")
    run = open_run(trained)
    assert np.abs(run.predict(images) - expected).max() < CLOSE
    models = [trained, trained / "model.keras", trained / "model.onnx", tmp_path / "out.onnx", tmp_path / "out.keras"]
    for model in models:
        assert np.abs(fr.predict(model, images) - expected).max() < CLOSE, model
        assert np.abs(by_command(capsys, model, files, "--as", "data") - expected).max() < CLOSE, model


def test_an_exported_file_is_not_tempered_twice_with_its_card_or_without(trained, data, pictures, tmp_path, capsys):
    out = tmp_path / "out.onnx"
    command(capsys, "export", "--model", trained, "--dataset", data[1], "--out", out, "--quiet")
    with_card = fr.predict(out, pictures[0])
    assert open_predictor(out).temperature == 1
    shutil.copy(out, tmp_path / "bare.onnx")
    assert np.abs(fr.predict(tmp_path / "bare.onnx", pictures[0]) - with_card).max() < 1e-6


def test_a_run_is_judged_by_its_own_probabilities(trained, data, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    verdict = fr.evaluate(folder, data[0])
    kept = open_run(folder).predictions
    own = fr.predict(folder, data[0].test.images, tempered=False)
    np.testing.assert_allclose(kept.probabilities, own, atol=1e-6)
    assert verdict.log_loss == pytest.approx(fr.judge(data[0].test.labels, own, data[0].class_names).log_loss)


def by_server(sources, images):
    """The probabilities that a server of models gives, ``(models, n, classes)``; it is told of them as NAME=MODEL."""
    pytest.importorskip("prometheus_client", reason="no prometheus-client: install the serve extra")
    from fittingroom.serving.model_server import ServerSettings, build_app
    from fittingroom.serving.served_models import read_sources

    settings = ServerSettings(read_sources([f"{name}={path}" for name, path in sources.items()]), logs=False)
    body = json.dumps({"instances": images.tolist()})
    with TestClient(build_app(settings), base_url="http://127.0.0.1:8000") as client:
        told = [client.post(f"/v1/models/{name}:predict", content=body).json() for name in sources]
    return np.array([each["predictions"] for each in told])


def test_a_server_answers_as_python_does_from_a_run_its_onnx_file_and_what_is_exported(
    trained, data, pictures, tmp_path, capsys
):
    images, _ = pictures
    out = tmp_path / "out.onnx"
    command(capsys, "export", "--model", trained, "--dataset", data[1], "--out", out, "--quiet")
    told = by_server({"run": trained, "file": trained / "model.onnx", "exported": out}, images)
    assert np.abs(told - fr.predict(trained, images)).max() < CLOSE


@pytest.fixture
def visit(shared_models):
    """A function that returns the visitor of a studio of a dataset and a folder of runs."""

    def visitor_of(folder, runs):
        studio = shared_models.lend_to(Studio(Access(port=PORT), runs, DatasetRegistry([folder])))
        return TestClient(build_app(studio), base_url=f"http://127.0.0.1:{PORT}")

    return visitor_of


def ask_studio(visitor, dataset, model, positions):
    """The studio's probabilities of images of a dataset, by their positions in its one row."""
    visitor.get("/")
    question = {"dataset": dataset, "model": model}
    visitor.post("/api/answers", json={**question, "spend_look": True})
    end = time.monotonic() + 120
    while visitor.get("/api/answers", params=question).json()["state"] == "working" and time.monotonic() < end:
        time.sleep(0.1)
    told = [visitor.get(f"/api/answers/image/{place}", params=question).json() for place in positions]
    return np.array([each["probabilities"] for each in told])


def draw(visitor, model, image):
    """The studio's probabilities of a drawing."""
    visitor.get("/")
    pixels = base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()
    drawn = {"pixels": pixels, "height": image.shape[0], "width": image.shape[1], "model": model}
    answer = visitor.post("/api/drawings", json=drawn)
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["probabilities"])


@pytest.mark.soak
def test_the_studio_answers_as_python_does_about_a_runs_images_and_a_drawing(trained, data, pictures, tmp_path, visit):
    (tmp_path / "runs").mkdir()
    shutil.copytree(trained, tmp_path / "runs" / "bars-run")
    visitor = visit(data[1], tmp_path / "runs")
    with visitor:
        first = len(data[0].train)
        told = ask_studio(visitor, data[1].name, "run/bars-run", range(first, first + ASKED))
        expected = fr.predict(trained, pictures[0])
        assert np.abs(told - expected).max() < CLOSE
        assert np.abs(draw(visitor, "run/bars-run", pictures[0][2]) - expected[2]).max() < CLOSE


def test_a_shipped_rung_answers_alike_at_every_door(toy, toy_folder, tmp_path, capsys, visit):
    images = np.array(toy.test.images[:ASKED])
    expected = fr.predict(SHIPPED, images)
    own = fr.predict(SHIPPED, images, tempered=False)
    np.testing.assert_allclose(expected, tempered(own, open_predictor(SHIPPED).temperature), atol=1e-6)
    np.save(tmp_path / "images.npy", images)
    assert np.abs(by_command(capsys, SHIPPED, [tmp_path / "images.npy"]) - expected).max() < CLOSE
    out = tmp_path / "rung.onnx"
    command(capsys, "export", "--model", SHIPPED, "--out", out, "--dataset", toy_folder, "--quiet")
    assert np.abs(fr.predict(out, images) - expected).max() < CLOSE
    assert np.abs(by_server({"rung": SHIPPED}, images) - expected).max() < CLOSE
    visitor = visit(toy_folder, tmp_path / "runs")
    with visitor:
        first = len(toy.train)
        told = ask_studio(visitor, "bars", f"shipped/{SHIPPED}", range(first, first + ASKED))
        assert np.abs(told - expected).max() < CLOSE
        assert np.abs(draw(visitor, f"shipped/{SHIPPED}", images[1]) - expected[1]).max() < CLOSE


def ask_studio_about_photo(visitor, model, content):
    """The studio's answer to a photo."""
    with visitor:
        visitor.get("/")
        headers = {"content-type": "application/octet-stream"}
        answer = visitor.post("/api/photos", params={"model": f"shipped/{model}"}, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def phone_photo(path, kind):
    """A shirt as a phone takes it, or a shop cuts it out."""
    picture = Image.fromarray(photo(shirt_mask()))
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if kind == "cut-out":
        picture.putalpha(Image.fromarray(np.uint8(shirt_mask()) * 255))
    if kind == "CMYK":
        picture = picture.convert("CMYK")
    if kind == "lying":
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a right angle
        picture.rotate(90, expand=True).save(path, "JPEG", exif=exif, quality=95)
    elif kind == "48 megapixels":
        picture.resize((6000, 8000)).save(path, "JPEG", quality=60)
    else:
        picture.save(path, {"cut-out": "PNG", "CMYK": "TIFF"}.get(kind, kind))
    return path


@pytest.mark.parametrize("kind", one_in(3, ["JPEG", "PNG", "HEIF", "cut-out", "CMYK", "lying", "48 megapixels"]))
def test_the_network_for_photos_gives_the_same_answer_at_every_door(tmp_path, toy_folder, capsys, kind, visit):
    pytest.importorskip("cv2", reason="no OpenCV: install the photos extra")
    model, file = "fashion-mnist/photo", phone_photo(tmp_path / "shirt.jpg", kind)
    (answer,) = fr.predict_photos([file])
    assert answer.predictor.title == model
    expected = np.array(list(answer.probabilities.values()))
    assert np.abs(fr.predict(model, [file])[0] - expected).max() < CLOSE
    whole = whole_photo(file)[None]
    assert np.abs(open_predictor(model).predict(whole)[0] - expected).max() < CLOSE
    assert open_predictor(model).none_of_these(whole) == pytest.approx(answer.none_of_these_score)
    assert np.abs(by_command(capsys, model, [file]) - expected).max() < CLOSE
    told = json.loads(command(capsys, "predict", file, "--json"))
    assert np.abs(np.array(list(told["answers"][0]["probabilities"].values())) - expected).max() < CLOSE
    said = ask_studio_about_photo(visit(toy_folder, tmp_path / "runs"), model, file.read_bytes())
    assert np.abs(np.array(said["probabilities"]) - expected).max() < CLOSE
    assert said["none_of_these"] == answer.none_of_these == told["answers"][0]["none_of_these"]
    assert said["words"] == answer.words == told["answers"][0]["words"]
    assert said["warnings"] == list(answer.warnings) == told["answers"][0]["warnings"]


def test_both_networks_say_beside_each_other_what_each_says_alone(tmp_path, toy_folder, visit):
    pytest.importorskip("cv2", reason="no OpenCV: install the photos extra")
    file = phone_photo(tmp_path / "shirt.jpg", "JPEG")
    alone = {model: fr.predict_photos(file, f"fashion-mnist/{model}")[0] for model in ("photo", "photo-28")}
    for model, other in (("photo", "photo-28"), ("photo-28", "photo")):
        said = ask_studio_about_photo(visit(toy_folder, tmp_path / "runs"), f"fashion-mnist/{model}", file.read_bytes())
        assert said["words"] == alone[model].words
        assert said["beside"]["model"] == f"fashion-mnist/{other}"
        expected = np.array(list(alone[other].probabilities.values()))
        assert np.abs(np.array(said["beside"]["probabilities"]) - expected).max() < CLOSE


def test_a_photo_gets_the_same_28x28_answer_at_every_door(tmp_path, toy_folder, capsys, visit):
    pytest.importorskip("cv2", reason="no OpenCV: install the photos extra")
    model = "fashion-mnist/photo-28"
    file = io.BytesIO()
    Image.fromarray(photo(shirt_mask())).save(file, "PNG")
    (tmp_path / "shirt.png").write_bytes(file.getvalue())
    (answer,) = fr.predict_photos([tmp_path / "shirt.png"], model)
    expected = np.array(list(answer.probabilities.values()))
    assert np.abs(by_command(capsys, model, [tmp_path / "shirt.png"]) - expected).max() < CLOSE
    out = tmp_path / "photo.onnx"
    command(capsys, "export", "--model", model, "--out", out, "--dataset", toy_folder, "--quiet")
    assert np.abs(by_command(capsys, out, [tmp_path / "shirt.png"]) - expected).max() < CLOSE
    told = ask_studio_about_photo(visit(toy_folder, tmp_path / "runs"), model, file.getvalue())
    assert np.abs(np.array(told["probabilities"]) - expected).max() < CLOSE
    assert told["none_of_these"] == answer.none_of_these
    assert told["none_of_these_score"] == pytest.approx(answer.none_of_these_score, abs=1e-3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda data: fr.predict("fashion-mnist/photo", data),
        lambda data: fr.evaluate("fashion-mnist/photo", (data, np.zeros(len(data), np.uint8))),
        lambda data: open_predictor("fashion-mnist/photo").predict(data),
        lambda data: fr.load_model("fashion-mnist/photo"),
        lambda data: fr.export_model("fashion-mnist/photo", "never-written.onnx"),
        lambda data: find_model("fashion-mnist/photo"),
    ],
)
def test_data_and_keras_are_told_which_model_to_take_in_place_of_the_one_for_photos(ask, toy):
    with pytest.raises(FittingRoomError, match=r"photos.*fashion-mnist/photo-28") as told:
        ask(toy.test.images[:3])
    assert "\n" not in str(told.value)


def test_data_given_to_the_network_for_photos_is_told_so_and_goes_to_the_28x28_one_by_itself(toy, tmp_path, capsys):
    np.save(tmp_path / "two.npy", toy.test.images[:2])
    Image.fromarray(toy.test.images[2]).save(tmp_path / "three.png")
    files = [tmp_path / "two.npy", tmp_path / "three.png"]
    for words in (["--model", "fashion-mnist/photo"], ["--model", "fashion-mnist/photo", "--as", "data"]):
        assert main(["predict", *words, *map(str, files)]) == 2
        assert capsys.readouterr().err.count("Ask fashion-mnist/photo-28") == 2
    told = json.loads(command(capsys, "predict", *files, "--json"))
    assert {answer["model"] for answer in told["answers"]} == {"fashion-mnist/photo-28"}
    expected = fr.predict("fashion-mnist/photo-28", toy.test.images[:3])
    assert np.abs(np.array([list(each["probabilities"].values()) for each in told["answers"]]) - expected).max() < CLOSE


def test_a_run_is_opened_once_and_again_where_its_file_has_changed(trained, pictures, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    first = open_predictor(folder)
    assert open_predictor(folder) is first
    (folder / "temperature.json").write_text(json.dumps({"temperature": 3.0}))
    assert open_predictor(folder).temperature == 3
    assert open_predictor(first) is first


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"temperature": "warm"}, "expected a JSON object with 'temperature' as a number"),
        ({"temperature": 0}, "expected a temperature above 0, found 0"),
        ({"temperature": -1.0}, "expected a temperature above 0, found -1.0"),
        ({"data": "x"}, "'data' as an object"),
        ({"data": {"classes": "abcdefghij"}}, "'classes' as a list of texts"),
        ({"none_of_these": {"file": "x.onnx"}}, "'threshold' as a number"),
        ({"data": {"classes": ["a", "b"]}}, "expected a class name for each of 10 outputs, its run or card names 2"),
    ],
)
def test_a_card_that_cannot_be_used_is_one_sentence(toy, tmp_path, capsys, card, words):
    model = shutil.copy(find_model(SHIPPED), tmp_path / "mine.keras")
    (tmp_path / "mine.json").write_text(json.dumps({"schema": "fittingroom/card/1", **card}))
    np.save(tmp_path / "images.npy", toy.test.images[:2])
    assert main(["predict", "--model", str(model), str(tmp_path / "images.npy")]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("classes", "words"), [(10, "Fashion-MNIST's are taken"), (4, "its outputs are numbered")])
def test_a_model_that_does_not_name_its_classes_is_said_so(toy, tmp_path, capsys, classes, words):
    fr.build("walkthrough", classes=classes).save(tmp_path / "plain.keras")
    np.save(tmp_path / "images.npy", toy.test.images[:2])
    assert main(["predict", "--model", str(tmp_path / "plain.keras"), str(tmp_path / "images.npy")]) == 0
    assert words in capsys.readouterr().err
