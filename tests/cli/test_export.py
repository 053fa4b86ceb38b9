"""`fittingroom export`, and the ONNX twin that training leaves in a run."""

import json

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.export.model_export import write_model
from fittingroom.inference.onnx_engine import open_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)


def test_a_run_exports_with_a_card_and_is_not_overwritten(tmp_path, trained, toy):
    assert fr.export_model(trained, tmp_path / "m.onnx", toy) == tmp_path / "m.onnx"
    card = json.loads((tmp_path / "m.json").read_text())
    assert card["data"]["classes"] == list(toy.class_names)
    assert card["export"]["checked"]["images"] == card["export"]["checked"]["same_label"] == 200
    with pytest.raises(UsageError, match="is there already"):
        fr.export_model(fr.open_run(trained), tmp_path / "m.onnx", toy)


def test_a_keras_export_gives_the_runs_tempered_answers_in_plain_keras(tmp_path, trained, toy):
    fr.export_model(trained, tmp_path / "m.keras", toy)
    plain = fr.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(np.asarray(plain.predict(IMAGES, verbose=0)), fr.predict(trained, IMAGES), atol=1e-5)


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


def test_the_format_and_the_files_ending_have_to_agree(run, trained, toy_folder, tmp_path):
    words = ["--model", trained, "--dataset", toy_folder, "--quiet"]
    answer = run("export", *words, "--format", "onnx", "--out", tmp_path / "m.keras")
    assert answer.code == 2
    assert "expected a file that ends in .onnx, as --format onnx asks" in answer.err
    assert run("export", *words, "--out", tmp_path / "m.keras").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "m.keras"]


@pytest.mark.parametrize("ending", ["onnx", "keras"])
def test_the_photo_model_is_exported_with_what_tells_none_of_these(run, toy, tmp_path, ending):
    file = write_model("fashion-mnist/photo-28", tmp_path / f"mine.{ending}", IMAGES, fr.class_names)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine-none.onnx", "mine.json", f"mine.{ending}"]
    np.save(tmp_path / "images.npy", np.concatenate([toy.test.images[:3], IMAGES[:3]]))
    own, exported = (
        json.loads(run("predict", "--model", model, tmp_path / "images.npy", "--json").out)["answers"]
        for model in ("fashion-mnist/photo-28", file)
    )
    for first, second in zip(own, exported, strict=True):
        assert first["none_of_these_score"] == second["none_of_these_score"]
        assert first["probabilities"] == pytest.approx(second["probabilities"], abs=1e-4)


def test_a_model_without_the_network_that_its_card_names_is_told(run, toy, tmp_path):
    write_model("fashion-mnist/photo-28", tmp_path / "mine.keras", IMAGES)
    (tmp_path / "mine-none.onnx").unlink()
    np.save(tmp_path / "images.npy", toy.test.images[:3])
    answer = run("predict", "--model", tmp_path / "mine.keras", tmp_path / "images.npy")
    assert answer.code == 2
    assert "mine-none.onnx: expected the network that tells what is none of the classes" in answer.err
