"""Sharing from the studio: a page, files, a table; written in a process of its own, and fetched by whoever may look."""

import csv
import io
import zipfile

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.inference.onnx_engine import open_onnx

pytest.importorskip("onnx", reason="no onnx: install the export extra")


def shared(visitor, kind, model="run/20260101-a"):
    answer = visitor.post("/api/share", json={"model": model, "kind": kind})
    assert answer.status_code == 200, answer.text
    file = visitor.get(f"/{answer.json()['file']}")
    assert file.status_code == 200
    return answer.json()["file"].rpartition("/")[2], file


@pytest.mark.soak
def test_a_run_is_shared_as_an_onnx_file_with_its_own_answers(with_run, studio, toy, tmp_path):
    name, file = shared(with_run, "onnx")
    assert name == "20260101-a.onnx"
    assert "attachment" in file.headers["content-disposition"]
    (tmp_path / name).write_bytes(file.content)
    expected = fr.predict(studio.runs / "20260101-a", toy.test.images)
    assert np.abs(open_onnx(tmp_path / name).predict(toy.test.images) - expected).max() < 1e-4


@pytest.mark.soak
def test_a_run_is_shared_as_a_web_page(with_run):
    name, file = shared(with_run, "page")
    assert name == "20260101-a-page.zip"
    inside = zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    assert {"20260101-a-page/index.html", "20260101-a-page/models.json", "20260101-a-page/sw.js"} <= set(inside)


@pytest.mark.soak
def test_a_run_is_shared_as_a_keras_file(with_run, tmp_path):
    name, file = shared(with_run, "keras")
    (tmp_path / name).write_bytes(file.content)
    assert fr.load_model(tmp_path / name).count_params() > 0


def test_predictions_are_shared_as_a_table_that_a_spreadsheet_opens(with_run, toy):
    name, file = shared(with_run, "predictions")
    assert name == "20260101-a-predictions.csv"
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [int(row["label"]) for row in rows] == toy.test.labels.tolist()
    assert all(row["predicted_name"] == f"bar {row['predicted']}" for row in rows)
    assert abs(sum(float(rows[0][name]) for name in toy.class_names) - 1) < 1e-4


def test_without_predictions_there_is_no_table_and_what_to_do_is_told(with_run, studio):
    (studio.runs / "20260101-a" / "predictions.npz").unlink()
    answer = with_run.post("/api/share", json={"model": "run/20260101-a", "kind": "predictions"})
    assert answer.status_code == 422
    assert "no predictions yet. Try: fittingroom evaluate" in answer.json()["error"]["message"]


@pytest.mark.soak
def test_the_network_for_photos_is_shared_as_onnx_and_not_as_keras(visitor):
    name, _ = shared(visitor, "onnx", "shipped/fashion-mnist/photo")
    assert name == "photo.onnx"
    answer = visitor.post("/api/share", json={"model": "shipped/fashion-mnist/photo", "kind": "keras"})
    assert answer.status_code == 422
    assert "no Keras model" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["0123456789abcdef/a.onnx", "../runs/a", "x/y", "%2e%2e/%2e%2e"])
def test_nothing_else_is_handed_out(with_run, path):
    assert with_run.get(f"/api/share/{path}").status_code == 404


@pytest.mark.parametrize("wish", [{"model": "run/no", "kind": "onnx"}, {"model": "run/20260101-a", "kind": "zip"}, {}])
def test_what_is_not_there_is_refused(with_run, wish):
    assert with_run.post("/api/share", json=wish).status_code in (404, 422)


def test_a_run_that_is_deleted_takes_what_was_shared_with_it(with_run, studio):
    shared(with_run, "predictions")
    assert list((studio.work_dir / "share").iterdir()) != []
    assert with_run.delete("/api/runs/20260101-a").status_code == 200
    assert list((studio.work_dir / "share").iterdir()) == []
