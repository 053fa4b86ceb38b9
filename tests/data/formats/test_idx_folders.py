"""Folders of IDX files in chunks: the usual names, EMNIST's and QMNIST's, torchvision's roots."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.data.formats import contents
from fittingroom.errors import DataError
from helpers.small_dataset import arrays, bytes_of, same, write_folder

MADE = arrays(shape=(4, 4), classes=3)


@pytest.fixture(autouse=True)
def in_small_chunks(monkeypatch):
    monkeypatch.setattr(contents, "CHUNK_BYTES", 7 * 16)


def test_emnists_letters_are_turned_upright_and_counted_from_0(tmp_path):
    (tmp_path / "in").mkdir()
    for name, array in zip(
        ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"), MADE, strict=True
    ):
        array = array.transpose(0, 2, 1) if array.ndim == 3 else array + 1
        write_idx(tmp_path / "in" / f"emnist-letters-{name}-ubyte.gz", np.ascontiguousarray(array))
    made = fr.convert_data(tmp_path / "in", tmp_path / "made", to_format="idx")
    same(tmp_path / "made", MADE)
    assert made.class_names[:3] == ("A", "B", "C")


def test_of_qmnists_labels_the_digit_is_taken(tmp_path):
    (tmp_path / "in").mkdir()
    for part, images, labels in (("train", *MADE[:2]), ("test", *MADE[2:])):
        write_idx(tmp_path / "in" / f"qmnist-{part}-images-idx3-ubyte.gz", images)
        columns = np.column_stack([labels, *[np.full(len(labels), 9)] * 7]).astype(np.int32)
        write_idx(tmp_path / "in" / f"qmnist-{part}-labels-idx2-int.gz", columns)
    fr.convert_data(tmp_path / "in", tmp_path / "made", to_format="idx")
    same(tmp_path / "made", MADE)


def test_pixels_of_other_types_are_read_at_once(tmp_path):
    write_folder(tmp_path / "in", [array.astype(np.int32) for array in MADE], classes=())
    fr.convert_data(tmp_path / "in", tmp_path / "made", to_format="idx")
    same(tmp_path / "made", MADE)


def test_gzipped_files_are_those_of_the_plain_ones(tmp_path):
    source = write_folder(tmp_path / "in", MADE)
    fr.convert_data(source, tmp_path / "made")
    for name in FILE_NAMES:
        assert gzip.decompress((tmp_path / "made" / f"{name}.gz").read_bytes()) == bytes_of(source)[name]


def test_a_torchvision_root_of_several_datasets_is_asked_about(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        write_folder(tmp_path / "root" / name / "raw", MADE)
    with pytest.raises(DataError, match=r"expected one folder NAME/raw .*FashionMNIST/raw"):
        fr.convert_data(tmp_path / "root", tmp_path / "made")
    fr.convert_data(tmp_path / "root" / "MNIST", tmp_path / "made", to_format="idx")
    same(tmp_path / "made", MADE)
    assert fr.load(tmp_path / "root" / "MNIST").image_shape == (4, 4)


@pytest.mark.parametrize("cut", [-1, -300])
def test_a_file_that_is_cut_short_is_refused(cut, tmp_path):
    source = write_folder(tmp_path / "in", MADE)
    path = source / FILE_NAMES[0]
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="Get "):
        fr.convert_data(source, tmp_path / "made")


def test_a_file_with_more_than_it_says_is_refused(tmp_path):
    source = write_folder(tmp_path / "in", MADE)
    path = source / FILE_NAMES[2]
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="received more"):
        fr.convert_data(source, tmp_path / "made")


def test_more_classes_than_a_byte_tells_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=MADE[0], y_train=np.arange(30) * 10, x_test=MADE[2], y_test=MADE[3])
    with pytest.raises(DataError, match=r"labels in 0\.\.255"):
        fr.convert_data(tmp_path / "a.npz", tmp_path / "made")
