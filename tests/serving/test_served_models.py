"""Which models are served, under which names; a file that is replaced is taken up, a broken one is refused."""

import shutil

import numpy as np
import pytest

from fittingroom.errors import ModelError, UsageError
from fittingroom.inference.model_files import WEIGHTS
from fittingroom.serving.served_models import ModelTable, open_model, read_source, read_sources

SHIPPED = WEIGHTS / "fashion-mnist"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shoes=runs/a", ("shoes", 1, "runs/a")),
        ("shoes:12=runs/a", ("shoes", 12, "runs/a")),
        ("fashion-mnist/94", ("94", 1, "fashion-mnist/94")),
        ("some/where/my-net.onnx", ("my-net", 1, "some/where/my-net.onnx")),
        ("runs/20260101-a", ("20260101-a", 1, "runs/20260101-a")),
    ],
)
def test_a_name_and_a_version_are_read(text, expected):
    found = read_source(text)
    assert (found.name, found.version, found.model) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b=runs/a", "the name of letters"),
        ("=runs/a", "the name of letters"),
        ("a/b=runs/a", "the name of letters"),
        ("shoes=", "expected NAME=MODEL"),
        ("shoes:0=a", "expected a version from 1"),
        ("shoes:x=a", "expected a version from 1"),
        ("shoes:٣=a", "expected a version from 1"),
    ],
)
def test_what_fits_no_address_is_refused(text, words):
    with pytest.raises(UsageError, match=words):
        read_source(text)


def test_a_name_twice_is_refused_and_a_version_told_as_the_way():
    with pytest.raises(UsageError, match=r"'a' twice.*a version: --model a:2=y"):
        read_sources(["a=x", "a=y"])
    assert len(read_sources(["a=x", "a:2=y"])) == 2


def test_without_a_model_the_shipped_ones_for_data_and_for_photos_are_served():
    assert [one.name for one in read_sources([])] == ["94", "photo"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nope", "No model 'nope'"),
        ("fashion-mnist/93", "without Keras, and beside 93.keras there is none. Write one: fittingroom export"),
    ],
)
def test_a_model_that_cannot_be_served_is_told_with_what_to_do(model, words):
    with pytest.raises(ModelError, match=words):
        open_model(read_source(f"a={model}"))


def test_a_model_that_takes_no_pictures_is_refused(tmp_path):
    onnx = pytest.importorskip("onnx", reason="no onnx: install the export extra")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    ends = [helper.make_tensor_value_info(name, floats, ["n", 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"expected one input, uint8 \(n, height, width\)"):
        open_model(read_source(str(tmp_path / "a.onnx")))


def test_the_highest_version_answers_where_none_is_asked_for(own_model):
    file = own_model / "net.onnx"
    table = ModelTable(open_model(one) for one in read_sources([f"net:2={file}", f"net:10={file}", f"net={file}"]))
    assert table.versions("net") == [1, 2, 10]
    assert table.find("net").source.version == 10
    assert table.find("net", "2").source.version == 2
    for version in ("3", "x", "٢"):
        with pytest.raises(UsageError, match="has no version"):
            table.find("net", version)


def test_a_replaced_file_is_opened_again_and_a_broken_one_is_refused_once(own_model):
    table = ModelTable([open_model(read_source(f"net={own_model / 'net.onnx'}"))])
    key, old = ("net", 1), table.find("net")
    image = np.zeros((1, 28, 28), np.uint8)
    assert table.replaced() == []
    shutil.copy(SHIPPED / "92.onnx", own_model / "net.onnx")
    assert table.replaced() == [key]
    table.models[key] = table.open_again(key)
    assert not np.allclose(table.find("net").ask(image)["probabilities"], old.ask(image)["probabilities"])
    assert table.replaced() == []
    (own_model / "net.onnx").write_bytes(b"broken")
    with pytest.raises(ModelError, match="expected an ONNX model"):
        table.open_again(key)
    assert table.replaced() == []  # it is not tried again
    assert np.isfinite(table.find("net").ask(image)["probabilities"]).all()
    shutil.copy(SHIPPED / "90.onnx", own_model / "net.onnx")
    assert table.replaced() == [key]


def test_a_file_that_takes_other_pictures_is_refused_in_the_place_of_the_old_one(own_model):
    table = ModelTable([open_model(read_source(f"net={own_model / 'net.onnx'}"))])
    shutil.copy(SHIPPED / "photo.onnx", own_model / "net.onnx")
    with pytest.raises(ModelError, match="Serve it under another name"):
        table.open_again(("net", 1))


def test_a_file_that_is_gone_is_no_reason_to_stop(own_model):
    table = ModelTable([open_model(read_source(f"net={own_model / 'net.onnx'}"))])
    (own_model / "net.onnx").unlink()
    assert table.replaced() == []
