"""Export: the file agrees with its model in a fresh process, or it is not there."""

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import ModelError
from fittingroom.export import model_export
from fittingroom.export.fresh_check import answers_in_fresh_process
from fittingroom.export.model_export import checked_onnx, write_onnx
from fittingroom.inference.keras_engine import predictor
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.models.front import for_use
from helpers.architectures import one_of_a_kind

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)


@pytest.mark.parametrize("name", one_of_a_kind())
def test_every_architecture_gives_the_same_as_onnx(tmp_path, name):
    model = for_use(fr.build(name), (28, 28))
    write_onnx(model, tmp_path / "m.onnx", (28, 28))
    np.testing.assert_allclose(open_onnx(tmp_path / "m.onnx").predict(IMAGES), predictor(model)(IMAGES), atol=1e-5)


def test_the_file_takes_any_number_of_uint8_images_and_names_its_ends(tmp_path):
    opset = write_onnx(for_use(fr.build(), (28, 28)), tmp_path / "m.onnx", (28, 28), ["a", "b"])
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert graph.input[0].name == "pixels"
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert graph.output[0].name == "probabilities"
    assert opset >= 17
    assert open_onnx(tmp_path / "m.onnx").class_names == ("a", "b")
    predict = open_onnx(tmp_path / "m.onnx").predict
    for n in (0, 1, 7, 64):
        assert predict(IMAGES[:n]).shape == (n, 10)


def test_images_of_another_size_are_an_error_that_names_both(tmp_path):
    write_onnx(for_use(fr.build(), (28, 28)), tmp_path / "m.onnx", (28, 28))
    with pytest.raises(ModelError, match=r"takes images of 28x28, received \(20, 20\)"):
        open_onnx(tmp_path / "m.onnx").predict(np.zeros((1, 20, 20), np.uint8))


def test_a_foreign_onnx_file_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"m\.onnx: expected an ONNX model, received"):
        open_onnx(tmp_path / "m.onnx")
    kinds = onnx.TensorProto
    ends = [onnx.helper.make_tensor_value_info(name, kinds.FLOAT, ["n", 28, 28]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 20)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "float.onnx")
    with pytest.raises(ModelError, match="expected one input, uint8"):
        open_onnx(tmp_path / "float.onnx")


def test_the_fresh_process_answers_every_image_as_the_model_does(tmp_path):
    model = for_use(fr.build(), (28, 28))
    write_onnx(model, tmp_path / "m.onnx", (28, 28))
    answers = answers_in_fresh_process(tmp_path / "m.onnx", IMAGES)
    np.testing.assert_allclose(answers, predictor(model)(IMAGES), atol=1e-5)


def test_a_file_of_which_one_answer_differs_is_removed(tmp_path, monkeypatch):
    model = for_use(fr.build(), (28, 28))
    spoiled = predictor(model)(IMAGES)
    spoiled[5] = np.roll(spoiled[5], 1)
    monkeypatch.setattr(model_export, "predictor", lambda *_, **__: lambda images: spoiled)
    with pytest.raises(ModelError, match=r"on 64 images .* received 63 and .* The file was removed"):
        checked_onnx(model, tmp_path / "m.onnx", IMAGES)
    assert list(tmp_path.iterdir()) == []
