"""Asking a model about every image, neighbours, maps: in processes of their own, kept, told of."""

import json
import time

import numpy as np
import pytest

from fittingroom.runs import open_run
from fittingroom.studio.jobs import Job, TaskQueue

RUN = {"dataset": "bars", "model": "run/20260101-a"}


@pytest.fixture
def asked(with_run):
    """The visitor, once the run has answered about every image."""
    assert with_run.get("/api/answers", params=RUN).json() == {"state": "absent", "costs_look": False}
    assert with_run.post("/api/answers", json=RUN).json()["state"] in ("working", "ready")
    end = time.monotonic() + 120
    while (state := with_run.get("/api/answers", params=RUN).json())["state"] == "working" and time.monotonic() < end:
        time.sleep(0.1)
    assert state["state"] == "ready", state
    return with_run


@pytest.mark.soak
def test_a_model_answers_about_every_image_and_is_laid_out_by_what_it_sees(asked, toy):
    columns = asked.get("/api/answers/columns", params=RUN).json()
    assert [len(columns[key]) for key in ("predicted", "confidence", "loss")] == [840, 840, 840]
    one = asked.get("/api/answers/image/650", params=RUN).json()
    assert int(np.argmax(one["probabilities"])) == columns["predicted"][650]
    assert len(one["neighbours"]) == 8
    assert all(0 <= index < 640 for index in one["neighbours"])
    placed = asked.get("/api/maps/positions", params=RUN).json()
    assert len(placed["x"]) == len(placed["y"]) == 840
    assert 0 <= min(placed["x"]) < max(placed["x"]) <= 65_535
    plain = asked.get("/api/maps/positions", params={"dataset": "bars"}).json()
    assert plain != placed


def untested(studio):
    """The run, as if it had never met the test images."""
    run = open_run(studio.runs / "20260101-a")
    (run.folder / "verdict.json").unlink()
    (run.folder / "test_looks.jsonl").unlink()
    return run


def test_a_look_at_the_test_images_is_spent_only_where_that_is_said(with_run, studio):
    run = untested(studio)
    assert with_run.get("/api/answers", params=RUN).json() == {"state": "absent", "costs_look": True}
    answer = with_run.post("/api/answers", json=RUN)
    assert answer.status_code == 409
    assert "is its first look at the test images" in answer.json()["error"]["message"]
    assert studio.tasks.under_way() == {}
    assert run.test_looks == []


def test_the_models_of_a_dataset_are_told_by_its_fingerprint_and_not_by_its_name(with_run, studio):
    def keys(dataset):
        return [model["key"] for model in with_run.get("/api/models", params={"dataset": dataset}).json()]

    assert keys("bars") == ["run/20260101-a"]
    path = studio.runs / "20260101-a" / "environment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "dataset": "a name it had elsewhere"}))
    assert keys("bars") == ["run/20260101-a"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "dataset": "bars", "fingerprint": "0" * 16}))
    assert keys("bars") == []


def test_what_is_under_way_is_listed_and_can_be_stopped(with_run, studio):
    with_run.post("/api/answers", json=RUN)
    listed = with_run.get("/api/jobs").json()
    assert [(job["kind"], job["title"]) for job in listed] == [("job", "Asking 20260101-a about bars")]
    assert with_run.post(f"/api/jobs/{listed[0]['key']}/stop").status_code == 200
    studio.tasks.find(listed[0]["key"]).process.wait()
    while with_run.get("/api/jobs").json():
        time.sleep(0.05)
    told = with_run.get("/api/answers", params=RUN).json()
    assert (told["state"], told["error"]) == ("failed", "Stopped.")
    assert with_run.post(f"/api/jobs/{listed[0]['key']}/stop").status_code == 404


def test_a_job_that_takes_too_long_is_ended_with_the_limit():
    job = TaskQueue(1, seconds=0.2).start("endless", "http.server", ["--bind", "127.0.0.1", "0"])
    while not job.is_over:
        time.sleep(0.05)
    assert "took longer than" in job.error


@pytest.mark.soak
def test_asking_a_run_was_not_tested_is_a_look_at_the_test_images_and_written_down(with_run, studio):
    run = untested(studio)
    with_run.post("/api/answers", json={**RUN, "spend_look": True})
    studio.tasks.find(next(iter(studio.tasks._jobs))).process.wait(120)
    assert [look["asked_by"] for look in run.test_looks] == ["studio"]


@pytest.mark.soak
def test_a_run_that_owes_its_look_once_more_is_not_called_ready_for_work_done_before(with_run, studio):
    run = untested(studio)
    with_run.post("/api/answers", json={**RUN, "spend_look": True})
    job = studio.tasks.find(next(iter(studio.tasks._jobs)))
    while not job.is_over:
        time.sleep(0.05)
    assert with_run.get("/api/answers", params=RUN).json()["state"] == "ready"
    (run.folder / "test_looks.jsonl").unlink()
    assert with_run.get("/api/answers", params=RUN).json() == {"state": "absent", "costs_look": True}


def test_what_was_not_asked_is_409_in_words(with_run):
    for path in ("answers/columns", "answers/image/3", "maps/positions"):
        answer = with_run.get(f"/api/{path}", params=RUN)
        assert answer.status_code == 409
        assert "has not been asked about these images yet" in answer.json()["error"]["message"]


def test_without_umap_the_words_name_the_line_that_installs_it(visitor, monkeypatch):
    monkeypatch.setattr("fittingroom.studio.answer_routes.find_spec", lambda name: None)
    answer = visitor.post("/api/maps", json={"dataset": "bars", "method": "umap"})
    assert answer.status_code == 422
    assert "pip install umap-learn" in answer.json()["error"]["message"]


def test_a_process_that_dies_without_a_word_is_told_of():
    import subprocess
    import sys

    command = [sys.executable, "-c", "import os; print('{\"share\": 0.5}', flush=True); os.abort()"]
    job = Job(process=subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
    job.follow()
    assert job.process.stdout.closed
    assert job.state()["state"] == "failed"
    assert "ended without an answer" in job.state()["error"]


def test_too_many_jobs_at_once_are_429(with_run, studio):
    studio.tasks.most = 0
    answer = with_run.post("/api/answers", json=RUN)
    assert answer.status_code == 429
    assert answer.json()["error"]["limit"] == 0


def test_what_a_network_has_learned_is_told_with_what_it_makes_of_one_image(with_run):
    told = with_run.get("/api/answers/image/3/inside", params=RUN).json()
    assert (told["kind"], told["count"]) == ("units", 128)
    assert told["sheet"].startswith("data:image/")
    assert told["overlay"].startswith("data:image/png")
    assert len(told["units"]) == 6
    assert all(
        0 <= one["corner"][0] < told["size"][0] and 0 <= one["corner"][1] < told["size"][1] for one in told["units"]
    )
    strongest = [abs(one["push"]) for one in told["units"]]
    assert strongest == sorted(strongest, reverse=True)
    assert [layer["kind"] for layer in told["layers"]][-1] == "Dense"
    shipped = {"dataset": "bars", "model": "shipped/fashion-mnist/92"}
    assert with_run.get("/api/answers/image/3/inside", params=shipped).json()["kind"] in ("kernels", "other")


def test_only_networks_of_keras_layers_are_looked_into_and_no_unmet_test_image(with_run, studio):
    photo = {"dataset": "bars", "model": "shipped/fashion-mnist/photo"}
    answer = with_run.get("/api/answers/image/3/inside", params=photo)
    assert answer.status_code in (404, 422)
    untested(studio)
    answer = with_run.get("/api/answers/image/700/inside", params=RUN)
    assert answer.status_code == 409
    assert "has not met the test images yet" in answer.json()["error"]["message"]
    assert with_run.get("/api/answers/image/9999/inside", params=RUN).status_code == 404
