"""The runs' part of the API: rows, predictions, comparing, pages, deleting; a run is a name and never a path."""

import base64
import json
import os
import shutil
from urllib.parse import quote

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.runs import Predictions, open_run
from fittingroom.studio import run_table

PATHS = ["..", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "/etc", "a%00b", "-x", ".studio", "20260101-a%2f..", "~"]


def test_a_row_has_score_interval_cost_and_recipe(with_run):
    row = with_run.get("/api/runs").json()[0]
    assert row["name"] == "20260101-a"
    assert row["test_interval"][0] <= row["test_accuracy"] <= row["test_interval"][1]
    assert row["n"] == 200
    assert row["seconds"] > 0
    assert row["recipe"] == {"epochs": 1, "batch_size": 64}
    assert row["looks"] == 1


def test_predictions_come_with_their_place_among_all_images(with_run):
    told = with_run.get("/api/runs/20260101-a/predictions").json()
    assert told["indices"] == list(range(640, 840))
    assert len(told["probabilities"][0]) == 10


def test_what_the_studio_says_of_predictions_is_what_a_verdict_and_the_reports_page_say(with_run, studio):
    """Of a run whose right answers differ from its wrong ones in the fifth decimal."""
    run = open_run(studio.runs / "20260101-a")
    kept = run.predictions
    chances = np.full((200, 10), 0.07, np.float32)
    chances[np.arange(200), kept.labels] = 0.22001
    chances[np.arange(200), (kept.labels + 9) % 10] = 0.21999
    chances[0, kept.labels[0]], chances[1, kept.labels[1]] = 1e-12, 0.21998
    chances /= chances.sum(axis=1, keepdims=True)
    run.write_predictions(Predictions(chances, kept.labels, kept.indices, "test", kept.class_names, kept.fingerprint))
    told = with_run.get("/api/runs/20260101-a/predictions").json()
    verdict = fr.judge(kept.labels, run.predictions.probabilities, kept.class_names, resamples=0)
    assert told["accuracy"] == verdict.accuracy == 0.99
    assert told["mistakes"] == 2
    assert told["confusion"] == [list(row) for row in verdict.confusion]
    assert np.mean(told["loss"]) == pytest.approx(verdict.log_loss)
    assert max(told["loss"]) == pytest.approx(-np.log(run.predictions.probabilities[0, kept.labels[0]]))
    assert told["calibration_error"] == verdict.calibration.error
    assert [each["n"] for each in told["bins"]] == [each.n for each in verdict.calibration.curve]
    assert told["predicted"] == run.predictions.probabilities.argmax(axis=1).tolist()


@pytest.mark.parametrize("name", PATHS)
def test_a_run_is_a_name_and_never_a_path(with_run, studio, name):
    for method, more in (("GET", ""), ("GET", "/predictions"), ("GET", "/page"), ("POST", "/page"), ("DELETE", "")):
        answer = with_run.request(method, f"/api/runs/{name}{more}")
        assert answer.status_code in (404, 405), f"{method} {more}"
        assert "root:" not in answer.text
    assert (studio.runs / "20260101-a" / "model.keras").exists()


def test_a_link_to_a_run_elsewhere_is_not_followed(with_run, studio, toy_run):
    (studio.runs / "20260102-link").symlink_to(toy_run)
    assert [row["name"] for row in with_run.get("/api/runs").json()] == ["20260101-a"]
    assert with_run.get("/api/runs/20260102-link").status_code == 404
    assert with_run.delete("/api/runs/20260102-link").status_code == 404
    assert (toy_run / "model.keras").exists()


def test_a_file_of_a_run_that_is_a_link_to_elsewhere_is_not_shown(with_run, studio, tmp_path):
    secret = tmp_path / "secret.html"
    secret.write_text("secret")
    (studio.runs / "20260101-a" / "report.html").unlink(missing_ok=True)
    (studio.runs / "20260101-a" / "report.html").symlink_to(secret)
    answer = with_run.get("/api/runs/20260101-a/page")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_page_is_written_and_runs_nothing(with_run):
    page = with_run.post("/api/runs/20260101-a/page").json()["page"]
    answer = with_run.get(page)
    assert "20260101-a" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_a_deleted_run_is_gone_whole(with_run, studio):
    assert with_run.delete("/api/runs/20260101-a").json() == {"deleted": "20260101-a"}
    assert with_run.get("/api/runs").json() == []
    assert [path for path in studio.runs.iterdir() if "20260101" in path.name] == []


def test_a_run_that_cannot_be_read_says_so_and_hides_no_other(with_run, studio):
    broken = studio.runs / "20260102-broken"
    broken.mkdir()
    (broken / "environment.json").write_text("{")
    rows = {row["name"]: row for row in with_run.get("/api/runs").json()}
    assert "environment.json: expected a JSON object" in rows["20260102-broken"]["error"]
    assert str(studio.runs) not in rows["20260102-broken"]["error"]
    assert "error" not in rows["20260101-a"]


@pytest.mark.parametrize("step", ["is_own", "check_files", "own_file", "changes"])
def test_a_run_deleted_while_the_table_is_read_hides_no_other(with_run, studio, toy_run, monkeypatch, step):
    shutil.copytree(toy_run, studio.runs / "20260102-going")
    real = getattr(run_table, step)

    def then_delete(given, *more):
        found = real(given, *more)
        shutil.rmtree(studio.runs / "20260102-going", ignore_errors=True)
        return found

    monkeypatch.setattr(run_table, step, then_delete)
    assert [row["name"] for row in with_run.get("/api/runs").json()] == ["20260101-a"]


def test_a_run_deleted_while_it_is_shown_is_told_of_as_gone(with_run, studio, monkeypatch):
    monkeypatch.setattr(run_table, "check_files", lambda run: (run.folder / "gone").stat())
    answer = with_run.get("/api/runs/20260101-a")
    assert (answer.status_code, "deleted meanwhile" in answer.text) == (404, True)


def test_two_runs_are_compared_on_the_same_images_only(with_run, studio):
    shutil.copytree(studio.runs / "20260101-a", studio.runs / "20260102-b")
    told = with_run.get("/api/runs/20260101-a/against/20260102-b").json()
    assert (told["n"], told["only_first"], told["only_second"], told["p"]) == (200, 0, 0, 1.0)
    (studio.runs / "20260102-b" / "predictions.npz").unlink()
    answer = with_run.get("/api/runs/20260101-a/against/20260102-b")
    assert answer.status_code == 409
    assert "has no predictions yet" in answer.json()["error"]["message"]


def test_a_model_that_carries_code_is_not_opened(with_run, studio):
    import keras  # whose Lambda layers run Python that lies in the file

    layers = keras.layers
    network = keras.Sequential([layers.Input((28, 28)), layers.Lambda(lambda x: x), layers.Flatten(), layers.Dense(10)])
    folder = studio.runs / "20260101-a"
    network.save(folder / "model.keras")
    (folder / "model.onnx").unlink()
    pixels = base64.b64encode(bytes(28 * 28)).decode()
    drawn = {"model": "run/20260101-a", "height": 28, "width": 28, "pixels": pixels}
    answer = with_run.post("/api/drawings", json=drawn)
    assert answer.status_code == 422
    assert "opens in safe mode" in answer.json()["error"]["message"]
    assert str(studio.runs) not in answer.text


def test_an_environment_that_lies_about_its_data_is_told(with_run, studio):
    path = studio.runs / "20260101-a" / "environment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "fingerprint": "0" * 16}))
    assert with_run.get("/api/runs/20260101-a").json()["open_as"] is None


NAMES = ["two words", "Müllers Läufe", "_draft", "-x", "~", "a#b?c&d%", "x" * 200, "日本"]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_any_name_that_a_folder_may_have_is_listed_shown_and_deleted(with_run, studio, name):
    (studio.runs / "20260101-a").rename(studio.runs / name)
    assert [row["name"] for row in with_run.get("/api/runs").json()] == [name]
    assert with_run.get(f"/api/runs/{quote(name)}/predictions").status_code == 200
    assert f"run/{name}" in [model["key"] for model in with_run.get("/api/models").json()]
    assert with_run.delete(f"/api/runs/{quote(name)}").json() == {"deleted": name}


def endless(path):
    path.symlink_to("/dev/zero")


def pipe(path):
    os.mkfifo(path)


def huge(path):
    with path.open("wb") as file:
        file.truncate(1 << 40)  # one hole, a terabyte long


def bomb(path):
    """An archive of a few kilobytes that claims to hold, and holds, a gigabyte of zeros."""
    np.savez_compressed(path.with_suffix(".npz"), probabilities=np.zeros((1 << 15, 1 << 12), np.float64))
    path.with_suffix(".npz").replace(path)


@pytest.mark.parametrize("name", ["environment.json", "history.jsonl", "recipe.toml", "predictions.npz", "report.html"])
@pytest.mark.parametrize("make", [endless, pipe, huge])
def test_a_file_of_a_run_without_an_end_is_told_of_and_fills_nothing(with_run, studio, name, make):
    path = studio.runs / "20260101-a" / name
    path.unlink(missing_ok=True)
    make(path)
    assert f"{name}: expected" in with_run.get("/api/runs").json()[0]["error"]
    for more in ("", "/predictions", "/page"):
        answer = with_run.get(f"/api/runs/20260101-a{more}")
        assert answer.status_code in (404, 422), more
    assert with_run.post("/api/runs/20260101-a/page").status_code == 422
    assert with_run.get("/api/models").status_code == 200
    assert with_run.delete("/api/runs/20260101-a").status_code == 200


def test_predictions_that_unpack_into_more_than_is_read_are_refused_unopened(with_run, studio):
    path = studio.runs / "20260101-a" / "predictions.npz"
    bomb(path)
    assert path.stat().st_size < 2 << 20
    answer = with_run.get("/api/runs/20260101-a/predictions")
    assert answer.status_code == 422
    assert "expected at most 268 MB of arrays" in answer.json()["error"]["message"]


def test_the_class_is_one_table_without_names_told_as_it_is_now(with_run, studio, toy_folder):
    first = with_run.get("/api/class", params={"dataset": toy_folder.name}).json()
    assert [row["counts"] for row in first["runs"]] == [True]
    assert first["test"]["mean"] == pytest.approx(with_run.get("/api/runs").json()[0]["test_accuracy"])
    shutil.copytree(studio.runs / "20260101-a", studio.runs / "anna" / "her-run")
    second = with_run.get("/api/class", params={"dataset": toy_folder.name})
    assert {kind["kind"] for row in second.json()["runs"] for kind in row["marks"]} >= {"copied"}
    assert "anna" not in second.text
    assert "20260101" not in second.text
    assert str(studio.runs) not in second.text


def test_a_class_of_nobody_and_a_dataset_that_is_not_here_are_one_sentence(visitor, studio, toy_folder):
    studio.runs.mkdir(parents=True)
    answer = visitor.get("/api/class", params={"dataset": toy_folder.name})
    assert answer.status_code == 422
    assert "expected run folders in it, found none" in answer.json()["error"]["message"]
    assert str(studio.runs) not in answer.text
    assert visitor.get("/api/class", params={"dataset": "none"}).status_code == 404


def test_a_training_is_replayed_from_its_snapshots(with_run, studio, toy_folder):
    settings = {"epochs": 1, "batch_size": 64}
    run = fr.train("walkthrough", toy_folder, settings=settings, snapshots=True, onnx=False, out=studio.runs / "kept")
    assert with_run.get("/api/runs/kept").json()["snapshots"] == 6
    told = with_run.get("/api/runs/kept/replay").json()
    assert [one["step"] for one in told["steps"]] == [0, 1, 2, 4, 8, 10]
    assert len(told["steps"][0]["map"]) == len(told["map_labels"]) == 400
    assert [uri[:11] for uri in told["pictures"]] == ["data:image/"] * 3
    assert told["sheets"][-1]["uri"].startswith("data:image/")
    assert len(told["colours"]) == len(told["class_names"]) == 10
    assert run.test_looks == []


def test_a_run_without_snapshots_says_how_to_have_them(with_run):
    assert with_run.get("/api/runs/20260101-a").json()["snapshots"] == 0
    answer = with_run.get("/api/runs/20260101-a/replay")
    assert answer.status_code == 404
    assert "Train with --snapshots" in answer.json()["error"]["message"]
