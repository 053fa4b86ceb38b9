"""`fittingroom serve` in processes of its own: without Keras and Torch, two workers, replaced files, an orderly end."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.inference.model_files import WEIGHTS
from fittingroom.serving.model_server import ServerSettings, refuse
from fittingroom.serving.served_models import read_sources
from fittingroom.web.limits import LIMITS
from fittingroom.web.problems import Problem
from helpers.noise_images import noise_images

SHIPPED = WEIGHTS / "fashion-mnist"
IMAGES = noise_images(4, 5)
BLOCKED = """
import sys
for name in ("torch", "keras", "tensorflow", "jax"):
    sys.modules[name] = None
sys.argv = ["fittingroom", *sys.argv[1:]]
from fittingroom.__main__ import main
sys.exit(main())
"""


def body_of(images=IMAGES):
    tensor = {"name": "pixels", "shape": list(images.shape), "datatype": "UINT8", "data": images.ravel().tolist()}
    return json.dumps({"inputs": [tensor]}).encode()


def figure(running, name):
    """The sum of a figure over its labels."""
    text = running.get("/metrics")[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))


def test_with_two_workers_every_answer_is_right_and_the_figures_are_those_of_both(start):
    running = start("--workers", 2, "--model", "net=fashion-mnist/90")
    expected = fr.predict("fashion-mnist/90", IMAGES)

    def ask(_):
        told = running.json("/v2/models/net/infer", body_of())["outputs"][0]
        return np.array(told["data"]).reshape(told["shape"])

    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(ask, range(60)):
            assert np.abs(got - expected).max() < 1e-4
    for _ in range(10):  # whichever process is asked
        assert figure(running, "fittingroom_images_total") == 4 * 60
    assert running.stop() == 0


def test_both_workers_log_and_a_request_keeps_its_id(start, tmp_path):
    running = start("--workers", 2, "--model", "net=fashion-mnist/90")
    _, headers, _ = running.get("/v2", headers={"X-Request-Id": "mine-7"})
    assert headers["x-request-id"] == "mine-7"
    _, headers, _ = running.get("/v2", headers={"X-Request-Id": 'no"id'})
    assert re.fullmatch("[0-9a-f]{20}", headers["x-request-id"])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: running.get("/v2/models/net/infer", body_of()), range(40)))
    running.stop()
    lines = [json.loads(line) for line in (tmp_path / "server-0.log").read_text().splitlines() if line[0] == "{"]
    assert [one["status"] for one in lines if one["id"] == "mine-7"] == [200]
    asked = [one for one in lines if one["path"] == "/v2/models/net/infer"]
    assert len(asked) == 40
    assert {one["status"] for one in asked} == {200}


@pytest.mark.soak
def test_a_replaced_file_answers_in_every_worker_without_a_lost_request_and_a_broken_one_nowhere(start, own_model):
    running = start("--workers", 2, "--model", f"net={own_model / 'net.onnx'}", "--no-access-log")
    old, new = (fr.predict(f"fashion-mnist/{rung}", IMAGES) for rung in ("90", "92"))
    found, ends = [], threading.Event()

    def ask():
        while not ends.is_set():
            status, _, content = running.get("/v2/models/net/infer", body_of())
            found.append((status, np.array(json.loads(content)["outputs"][0]["data"], np.float32).reshape(4, 10)))

    def replace_by(content, card=None):
        if card is not None:
            shutil.copy(card, own_model / "card.tmp")
            (own_model / "card.tmp").replace(own_model / "net.json")
        (own_model / "new.tmp").write_bytes(content)
        (own_model / "new.tmp").replace(own_model / "net.onnx")

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    time.sleep(0.5)
    replace_by(b"no model")
    time.sleep(2.5)
    assert all(np.allclose(each, old, atol=1e-3) for _, each in found)
    replace_by((SHIPPED / "92.onnx").read_bytes(), SHIPPED / "92.json")
    time.sleep(4)
    ends.set()
    for thread in asking:
        thread.join()
    assert {status for status, _ in found} == {200}
    assert all(np.allclose(each, new, atol=1e-3) for _, each in found[-20:])
    assert figure(running, "fittingroom_model_reloads_total") == 4  # refused and taken, by each of two


def test_told_to_end_it_first_answers_what_is_under_way(start):
    running = start("--model", "photo=fashion-mnist/photo")
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8)).save(file, "PNG")
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(running.get, "/v1/predict", file.getvalue()) for _ in range(6)]
        while figure(running, "fittingroom_requests_under_way") < 2:  # this one, and a picture
            time.sleep(0.01)
        running.process.send_signal(signal.SIGTERM)
        statuses = [one.result()[0] if one.exception() is None else None for one in asked]
    assert 200 in statuses
    assert set(statuses) <= {200, None}  # None: it had not been taken up yet
    assert running.stop() == 0


def test_it_runs_where_neither_torch_nor_keras_can_be_imported(tmp_path):
    command = [sys.executable, "-c", BLOCKED, "serve", "--port", "0", "--no-access-log"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = [process.stdout.readline() for _ in range(3)]
        address = re.search(r"Serving at (\S+)/ ", lines[2]).group(1)
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"{address}/v2/models/94/infer", body_of(), timeout=30) as answer:
                    told = json.load(answer)
                break
            except OSError:
                time.sleep(0.1)
        assert told["outputs"][0]["shape"] == [4, 10]
        photo = (SHIPPED.parents[3] / "docs" / "photos" / "shirt.jpg").read_bytes()
        with urllib.request.urlopen(f"{address}/v1/predict", photo, timeout=30) as answer:
            assert json.load(answer)["label"] == "Shirt"
        with urllib.request.urlopen(f"{address}/v1/predict?model=94", photo, timeout=30) as answer:
            assert json.load(answer)["as"] == "photo"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def refused(*words, env=None):
    """What `fittingroom serve` says where it does not start."""
    command = [sys.executable, "-m", "fittingroom", "serve", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.soak
def test_what_it_cannot_start_with_is_one_sentence(own_model):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "is taken" in refused("--port", taken.getsockname()[1])
    assert "cannot listen at no.such.host" in refused("--host", "no.such.host")
    assert "'a' twice" in refused("--model", "a=fashion-mnist/90", "--model", "a=fashion-mnist/92")
    (own_model / "net.onnx").write_bytes(b"broken")
    assert "expected an ONNX model" in refused("--model", own_model / "net.onnx", "--port", 0)
    assert "expected at least 16 letters" in refused("--port", 0, env={"FITTINGROOM_TOKEN": "short"})


def test_off_this_machine_a_token_is_asked_for_but_for_the_probes(start):
    env = {"FITTINGROOM_TOKEN": "a-token-of-my-own"}
    running = start("--model", "net=fashion-mnist/90", "--host", "0.0.0.0", env=env)
    address = re.sub(r"//[^:]+:", "//127.0.0.1:", running.address)
    running.address = address
    assert running.get("/v2/health/live")[0] == 200
    status, _, content = running.get("/v2/models/net/infer", body_of())
    assert status == 401
    assert "Authorization: Bearer" in json.loads(content)["error"]
    assert running.get("/v2/models/net/infer", body_of(), {"Authorization": "Bearer wrong-token"})[0] == 401
    good = {"Authorization": "Bearer a-token-of-my-own", "Host": "model.default.svc.cluster.local"}
    assert running.get("/v2/models/net/infer", body_of(), good)[0] == 200


def test_a_page_elsewhere_cannot_ask_a_server_on_this_machine(client):
    answer = client.post("/v2/models/94/infer", content=body_of(), headers={"origin": "http://evil.example"})
    assert (answer.status_code, list(answer.json())) == (403, ["error"])
    answer = client.post("/v2/models/94/infer", content=body_of(), headers={"host": "evil.example:8000"})
    assert answer.status_code == 403


def test_a_body_beyond_the_limit_is_refused_in_the_protocols_form(client):
    answer = client.post("/v2/models/94/infer", content=b"x" * 32_000_001)
    assert (answer.status_code, list(answer.json())) == (413, ["error"])
    assert "32 MB at most" in answer.json()["error"]


def test_beyond_the_queue_a_request_is_refused_with_429_and_when_to_come_again(start):
    running = start("--model", "photo=fashion-mnist/photo", "--queue", 2, "--no-access-log")
    file = io.BytesIO()
    Image.fromarray(np.zeros((1500, 1500, 3), np.uint8)).save(file, "PNG")
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: running.get("/v1/predict", file.getvalue()), range(36)))
    statuses = {status for status, _, _ in found}
    assert statuses == {200, 429}
    refusals = [headers for status, headers, _ in found if status == 429]
    assert {headers["retry-after"] for headers in refusals} == {"2"}
    assert running.get("/v1/predict", file.getvalue())[0] == 200


def test_the_limits_of_all_processes_together_are_shared_among_them():
    settings = ServerSettings(read_sources(["fashion-mnist/90"]), workers=4)
    assert settings.own_limits.uploads * 4 == settings.limits.uploads
    assert settings.own_limits.body_bytes == settings.limits.body_bytes
    few = ServerSettings(read_sources(["fashion-mnist/90"]), limits=LIMITS, workers=64)
    assert few.own_limits.photos == 1


@pytest.mark.parametrize(
    ("path", "status", "is_text"),
    [("/v2/models/a/infer", 400, True), ("/v1/models/a:predict", 400, True), ("/v1/predict", 422, False)],
)
def test_each_protocol_has_its_own_form_of_a_refusal(path, status, is_text):
    answer = refuse(Problem(422, "Expected this, received that."), {"path": path})
    assert answer.status_code == status
    assert isinstance(json.loads(answer.body)["error"], str) == is_text


def test_a_client_that_goes_away_is_no_harm(start):
    running = start("--model", "net=fashion-mnist/90", "--no-access-log")
    host, port = running.address.removeprefix("http://").split(":")
    for cut in (10, 200, None):
        head = f"POST /v2/models/net/infer HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body_of())}\r\n\r\n"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall((head.encode() + body_of())[:cut])
    assert running.get("/v2/models/net/infer", body_of())[0] == 200
    assert figure(running, "fittingroom_requests_under_way") == 1


@pytest.fixture
def triton(start):
    """A server, and NVIDIA's own client of it."""
    http = pytest.importorskip("tritonclient.http", reason="no tritonclient: make serve-clients")
    running = start("--model", "net=fashion-mnist/90", "--model", "photo=fashion-mnist/photo", "--no-access-log")
    with http.InferenceServerClient(running.address.removeprefix("http://")) as asking:
        yield http, asking


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "json"])
def test_tritons_client_gets_the_answers_of_predict(triton, is_binary):
    http, asking = triton
    assert asking.is_server_live()
    assert asking.is_server_ready()
    assert asking.is_model_ready("net", "1")
    assert asking.get_model_metadata("net")["inputs"][0]["shape"] == [-1, 28, 28]
    pixels = http.InferInput("pixels", list(IMAGES.shape), "UINT8")
    pixels.set_data_from_numpy(IMAGES, binary_data=is_binary)
    wanted = [http.InferRequestedOutput("probabilities", binary_data=is_binary)]
    answer = asking.infer("net", [pixels], outputs=wanted, request_id="7")
    assert np.abs(answer.as_numpy("probabilities") - fr.predict("fashion-mnist/90", IMAGES)).max() < 1e-4
    assert answer.get_response()["id"] == "7"


def test_tritons_client_is_told_what_is_wrong(triton):
    from tritonclient.utils import InferenceServerException

    http, asking = triton
    floats = http.InferInput("pixels", list(IMAGES.shape), "FP32")
    floats.set_data_from_numpy((IMAGES / 256).astype(np.float32))
    with pytest.raises(InferenceServerException, match="scaling happens inside"):
        asking.infer("net", [floats])
    with pytest.raises(InferenceServerException, match="No model 'other'"):
        asking.get_model_metadata("other")
