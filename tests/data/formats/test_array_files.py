"""NumPy's and MATLAB's files of arrays, as Keras and EMNIST lay them out."""

from __future__ import annotations

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import DataError
from helpers.small_dataset import CLASSES, arrays, convert_to, same, write_folder

MADE = arrays(shape=(28, 28), classes=3)


def keras_file(path):
    np.savez(path, x_train=MADE[0], y_train=MADE[1], x_test=MADE[2], y_test=MADE[3])
    return path


def emnist_file(path, first=1, **others):
    """As EMNIST's own: images transposed and flat, labels of which the mapping tells the first, letters as codes."""
    savemat = pytest.importorskip("scipy.io").savemat
    dataset = {
        part: {"images": images.transpose(0, 2, 1).reshape(len(images), -1), "labels": labels[:, None] + first}
        for part, images, labels in (("train", *MADE[:2]), ("test", *MADE[2:]))
    }
    codes = [[first + index, ord(letter), ord(letter.lower())] for index, letter in enumerate("ABC")]
    savemat(path, {"dataset": {**dataset, "mapping": np.array(codes), **others}})
    return path


def test_kerass_own_file_is_read_and_loaded(tmp_path):
    fr.convert_data(keras_file(tmp_path / "mnist.npz"), tmp_path / "made", to_format="idx")
    same(tmp_path / "made", MADE)
    data = fr.load(tmp_path / "mnist.npz")
    np.testing.assert_array_equal(data.test.images, MADE[2])
    assert data.name == "mnist-file"  # what is not the known dataset by its hashes does not have its name


def test_what_is_written_opens_as_kerass_file_does(tmp_path):
    write_folder(tmp_path / "in", arrays())
    made = convert_to("npz", tmp_path / "in", tmp_path)
    with np.load(made, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["x_train"], arrays()[0])
        assert file["class_names"].tolist() == list(CLASSES)


def test_other_names_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", arr_0=MADE[0])
    with pytest.raises(DataError, match=r"expected arrays called x_train and y_train or .*, found arr_0"):
        fr.convert_data(tmp_path / "a.npz", tmp_path / "made")


def test_a_damaged_file_is_one_sentence(tmp_path):
    whole = keras_file(tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="expected arrays that NumPy wrote"):
        fr.convert_data(tmp_path / "b.npz", tmp_path / "made")


@pytest.mark.parametrize("first", [0, 1])
def test_emnists_file_is_turned_upright_and_counted_from_0(first, tmp_path):
    lines = []
    source = emnist_file(tmp_path / "emnist.mat", first)
    made = fr.convert_data(source, tmp_path / "made", to_format="idx", log=lines.append)
    same(tmp_path / "made", MADE)
    assert made.class_names == ("A", "B", "C")
    assert any("turned upright" in line for line in lines)


def test_a_mapping_that_is_not_counted_up_is_refused(tmp_path):
    source = emnist_file(tmp_path / "emnist.mat", mapping=np.array([[5, 65], [3, 66]]))
    with pytest.raises(DataError, match="counted up"):
        fr.convert_data(source, tmp_path / "made")


def test_a_mat_file_of_something_else_is_refused(tmp_path):
    pytest.importorskip("scipy.io").savemat(tmp_path / "a.mat", {"x": [1, 2]})
    with pytest.raises(DataError, match=r"dataset.train.images"):
        fr.convert_data(tmp_path / "a.mat", tmp_path / "made")
    (tmp_path / "b.mat").write_bytes(b"nothing of the kind" * 20)
    with pytest.raises(DataError, match=r"dataset.train.images"):
        fr.convert_data(tmp_path / "b.mat", tmp_path / "made")
