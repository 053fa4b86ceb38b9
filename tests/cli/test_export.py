"""`fittingroom export`, and the ONNX twin that training leaves in a run."""

import json

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.export.export import export_model
from fittingroom.models.onnx_predict import open_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)


def test_a_run_exports_with_a_card_and_is_not_overwritten(tmp_path, trained, toy):
    done = export_model(trained, tmp_path / "m.onnx", toy.test.images, toy.class_names)
    assert done.agreement.n == done.agreement.same_label == 200
    card = json.loads(done.card.read_text())
    assert card["data"]["classes"] == list(toy.class_names)
    assert card["export"]["checked"]["images"] == 200
    with pytest.raises(UsageError, match="is there already"):
        export_model(trained, tmp_path / "m.onnx", toy.test.images)


def test_a_keras_export_is_the_model_itself(tmp_path, trained, toy):
    export_model(trained, tmp_path / "m.keras", toy.test.images)
    np.testing.assert_array_equal(fr.predict(tmp_path / "m.keras", IMAGES), fr.predict(trained, IMAGES))


def test_training_writes_the_twin_unless_told_not_to(run, toy_folder, tmp_path):
    words = ["--dataset", toy_folder, "--epochs", 1]
    assert run("train", *words, "--out", tmp_path / "a").code == 0
    assert run("train", *words, "--out", tmp_path / "b", "--no-onnx").code == 0
    assert (tmp_path / "a" / "model.onnx").exists()
    assert not (tmp_path / "b" / "model.onnx").exists()
    np.testing.assert_allclose(
        open_onnx(tmp_path / "a" / "model.onnx").predict(IMAGES), fr.predict(tmp_path / "a", IMAGES), atol=1e-5
    )


def test_the_command_says_what_was_checked(run, trained, toy_folder, tmp_path):
    words = ["--model", trained, "--dataset", toy_folder, "--out", tmp_path / "m.onnx"]
    answer = run("export", *words, "--json")
    assert json.loads(answer.out)["checked"]["same_label"] == 200
    again = run("export", *words)
    assert again.code == 2
    assert "is there already" in again.err
    assert run("export", "--model", trained, "--out", tmp_path / "m.txt").code == 2
