"""A network in eight bits: much smaller, nearly as good, with what it costs written down; or nothing at all."""

import json

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import ModelError, UsageError
from fittingroom.export import quantize
from fittingroom.inference.onnx_engine import open_onnx

onnx = pytest.importorskip("onnx", reason="no onnx: install the export extra")


@pytest.fixture(scope="module")
def run(toy_folder, tmp_path_factory):
    settings = {"batch_size": 64, "learning_rate": 1e-3}
    return fr.train("walkthrough", toy_folder, epochs=2, settings=settings, out=tmp_path_factory.mktemp("run") / "mine")


def test_the_file_is_a_third_as_large_and_its_card_says_what_that_costs(run, toy, tmp_path):
    file = fr.export_model(run, tmp_path / "small.onnx", toy, int8=True, most_lost=5.0)
    fr.export_model(run, tmp_path / "large.onnx", toy)
    told = json.loads((tmp_path / "small.json").read_text())["export"]["int8"]
    small, large = (open_onnx(tmp_path / f"{name}.onnx").predict(toy.test.images) for name in ("small", "large"))
    assert file.stat().st_size < 0.4 * (tmp_path / "large.onnx").stat().st_size
    assert told["calibrated_on"] == 640
    assert told["n"] == len(toy.test)
    assert told["accuracy"] == (small.argmax(axis=1) == toy.test.labels).mean()
    assert told["accuracy_float32"] == (large.argmax(axis=1) == toy.test.labels).mean()
    assert np.allclose(small.sum(axis=1), 1, atol=1e-3)
    kinds = {node.op_type for node in onnx.load(file).graph.node}
    assert "DequantizeLinear" in kinds


def test_where_it_costs_too_much_nothing_is_left_and_the_way_to_have_it_is_told(run, toy, tmp_path):
    with pytest.raises(ModelError, match=r"expected at most -101 points of accuracy lost.*say --most-lost"):
        fr.export_model(run, tmp_path / "small.onnx", toy, int8=True, most_lost=-101.0)
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written_nothing_is_left(run, toy, tmp_path, monkeypatch):
    monkeypatch.setattr(quantize, "OPERATORS", 7)
    with pytest.raises(ModelError, match="expected a network that eight bits can hold"):
        fr.export_model(run, tmp_path / "small.onnx", toy, int8=True)
    assert list(tmp_path.iterdir()) == []


def test_a_keras_file_has_no_eight_bits(run, toy, tmp_path):
    with pytest.raises(UsageError, match="eight bits are for ONNX alone"):
        fr.export_model(run, tmp_path / "small.keras", toy, int8=True)
