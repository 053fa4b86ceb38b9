"""Networks of many kinds as ONNX: each as Keras or Torch itself answers, checked in a fresh process; and not a word."""

import json
import logging
import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec

import keras
import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import ModelError
from fittingroom.export import onnx_writer
from fittingroom.export.model_export import checked_onnx, write_model
from fittingroom.export.onnx_writer import write_onnx
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.pages.interpretation import interpret
from helpers.cases import one_in
from helpers.odd_networks import NETWORKS, NEWER, built, sequential

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
needs_onnxscript = pytest.mark.skipif(find_spec("onnxscript") is None, reason="onnxscript is not installed")


def as_the_framework_says(model, name):
    inputs = torch.from_numpy(IMAGES.astype("float32") / (1 if name == "adapted" else 255))
    model.eval()
    with torch.no_grad():
        if isinstance(model, keras.Model):
            outputs = model(inputs, training=False)
        else:
            outputs = model(inputs[:, None] if name in ("torch", "torch, encoder") else inputs)
    is_probability = bool(((outputs >= 0).all()) and torch.allclose(outputs.sum(1), torch.ones(64), atol=1e-3))
    return (outputs if is_probability else outputs.softmax(1)).numpy()


@pytest.mark.parametrize(
    "name", one_in(3, [*NETWORKS, *(pytest.param(name, marks=needs_onnxscript) for name in NEWER)])
)
def test_a_network_is_written_as_onnx_and_answers_in_a_fresh_process_as_its_framework_does(name, tmp_path, capfd):
    model = built(name)
    made = checked_onnx(model, tmp_path / "m.onnx", IMAGES)
    assert made["checked"]["same_label"] == 64
    predict = open_onnx(tmp_path / "m.onnx").predict
    np.testing.assert_allclose(predict(IMAGES), as_the_framework_says(model, name), atol=1e-5)
    for n in (0, 1, 7):
        np.testing.assert_allclose(predict(IMAGES[:n]), predict(IMAGES)[:n], atol=1e-5)
    assert tuple(capfd.readouterr()) == ("", "")


class OfNoKind(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(784, 10)

    def forward(self, images):
        return self.out(torch.from_numpy(np.sort(images.flatten(1).numpy())))


def test_what_cannot_be_written_is_one_sentence_and_not_a_word_of_the_exporters(tmp_path, capfd):
    with pytest.raises(ModelError, match="OfNoKind' cannot be written as ONNX: "):
        checked_onnx(OfNoKind(), tmp_path / "m.onnx", IMAGES)
    assert tuple(capfd.readouterr()) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
def test_json_stays_json_where_a_model_cannot_be_written(toy_folder, tmp_path):
    """Without onnxscript a layer norm cannot be said: the older exporter prints 437 lines, by C++ too."""
    sequential(keras.layers.LayerNormalization(), keras.layers.Flatten(), keras.layers.Dense(10)).save(
        tmp_path / "m.keras"
    )
    code = (
        "import sys; from fittingroom.export import onnx_writer; onnx_writer.find_spec = lambda name: None;"
        "from fittingroom.cli.app import main; sys.exit(main())"
    )
    words = ["export", "--model", str(tmp_path / "m.keras"), "--dataset", str(toy_folder), "--json"]
    command = [sys.executable, "-c", code, *words, "--out", str(tmp_path / "m.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written as ONNX" in done.stderr
    assert "pip install onnx onnxruntime onnxscript" in done.stderr


def test_quiet_takes_what_is_printed_logged_and_written_by_c_and_gives_the_streams_back(capfd):
    code = "import os; os.write(1, b'c'); os.write(2, b'c')"
    with onnx_writer.quiet():
        sys.stdout.write("printed")
        sys.stderr.write("printed")
        logging.getLogger("torch").error("logged")
        warnings.warn("warned", stacklevel=1)
        subprocess.run([sys.executable, "-c", code], check=True)
    sys.stdout.write("after\n")
    assert tuple(capfd.readouterr()) == ("after\n", "")


@pytest.fixture(scope="module")
def torch_run(toy_folder, tmp_path_factory):
    """A run of a torch module from its owner's own file, whose weights alone are kept, held out and evaluated."""
    folder = tmp_path_factory.mktemp("torch")
    (folder / "mine.py").write_text(
        "from torch import nn\n\n\ndef network():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 10))\n"
    )
    words = ["train", "--model", f"{folder / 'mine.py'}:network", "--dataset", str(toy_folder), "--epochs", "2"]
    assert main([*words, "--validation", "100", "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def test_a_torch_run_is_reloaded_exported_and_its_mistakes_are_listed(torch_run, toy, tmp_path):
    assert (torch_run / "weights.safetensors").exists()
    assert (torch_run / "model.onnx").exists()
    verdict = fr.evaluate(torch_run, toy)
    found = interpret(torch_run, toy)
    assert len(found.split) == verdict.n
    near = found.mistakes(3, neighbours=2)
    assert all(len(mistake.neighbours) == 2 for mistake in near)
    file = write_model(torch_run, tmp_path / "m.onnx", toy.test.images, toy.class_names)
    np.testing.assert_allclose(fr.predict(file, IMAGES), fr.predict(torch_run, IMAGES), atol=1e-4)
    with pytest.raises(ModelError, match="Write it as ONNX: --format onnx"):
        write_model(torch_run, tmp_path / "other.keras", toy.test.images)


def test_a_torch_run_answers_by_its_onnx_file_where_its_python_is_gone(torch_run, toy, tmp_path):
    run = shutil.copytree(torch_run, tmp_path / "run")
    before = fr.predict(run, IMAGES)
    facts = json.loads((run / "environment.json").read_text())
    facts["model_source"]["sha256"] = "0" * 64
    (run / "environment.json").write_text(json.dumps(facts))
    np.testing.assert_allclose(fr.predict(run, IMAGES), before, atol=1e-4)
    assert interpret(run, toy, split="validation").mistakes(1, neighbours=1)[0].neighbours


def test_mistakes_of_a_torch_run_are_printed(torch_run, toy_folder, capsys):
    words = ["mistakes", str(torch_run), "--data-dir", str(toy_folder), "--split", "validation", "--json"]
    assert main([*words, "--top-losses", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["mistakes"]) == 2
    assert len(told["mistakes"][0]["neighbours"]) == 3


def test_the_temperature_of_logits_and_of_probabilities_is_in_the_file(tmp_path):
    for name in ("torch", "augmentation"):
        model = built(name)
        write_onnx(model, tmp_path / "m.onnx", (28, 28), temperature=2.0)
        plain = np.log(as_the_framework_says(model, name)) / 2
        expected = np.exp(plain) / np.exp(plain).sum(1, keepdims=True)
        np.testing.assert_allclose(open_onnx(tmp_path / "m.onnx").predict(IMAGES), expected, atol=1e-5)
