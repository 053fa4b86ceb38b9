from __future__ import annotations

import numpy as np
import pytest
import tiny_dataset

from fittingroom.data.folder import load_folder
from fittingroom.data.idx import encode
from fittingroom.errors import DataError, DataNotFoundError

STRANGE = tiny_dataset.make_arrays(seed=9)


@pytest.fixture
def folder(tmp_path):
    """A folder with a dataset that nobody knows, not gzipped."""
    return tiny_dataset.write_files(tmp_path / "hats", STRANGE, gzipped=False)


def put(folder, name, array):
    for path in folder.glob(f"{name}*"):
        path.unlink()
    (folder / name).write_bytes(encode(array))


@pytest.mark.parametrize("gzipped", [True, False])
def test_four_idx_files_are_a_dataset_gzipped_or_not(tmp_path, gzipped):
    data = load_folder(tiny_dataset.write_files(tmp_path / "hats", STRANGE, gzipped))
    received = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    for got, expected in zip(received, STRANGE, strict=True):
        np.testing.assert_array_equal(got, expected)
        assert got.flags.writeable
        assert got.dtype == np.uint8
    assert data.name == "hats"
    assert data.image_shape == (4, 5)
    assert data.test.indices.tolist() == list(range(12))


def test_gzipped_or_not_the_fingerprint_is_the_same(tmp_path, folder):
    packed = tiny_dataset.write_files(tmp_path / "packed", STRANGE)
    assert load_folder(packed).fingerprint == load_folder(folder).fingerprint


def test_dotted_names_are_found(folder):
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert len(load_folder(folder).train) == 30


def test_without_names_the_classes_are_their_numbers(folder):
    assert load_folder(folder).class_names == ("0", "1", "2")


def test_classes_txt_names_the_classes_and_may_name_more_than_occur(folder):
    (folder / "classes.txt").write_text("\ufeffhat\nsock \n\nécharpe\nshoe\n", encoding="utf-8")
    assert load_folder(folder).class_names == ("hat", "sock", "écharpe", "shoe")


def test_a_label_beyond_the_named_classes_is_refused_with_its_index(folder):
    (folder / "classes.txt").write_text("hat\nsock\n")
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: expected labels in 0..1, received 2 at index 2"):
        load_folder(folder)


def test_a_test_label_beyond_the_classes_is_refused_too(folder):
    (folder / "classes.txt").write_text("hat\nsock\nscarf\n")
    put(folder, "t10k-labels-idx1-ubyte", np.array([0] * 11 + [9], np.uint8))
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: expected labels in 0..2, received 9 at index 11"):
        load_folder(folder)


@pytest.mark.parametrize(("words", "why"), [(b"", "received"), (b"hat\nhat\n", "received"), (b"\xff\xfe\x00", "UTF-8")])
def test_a_bad_classes_txt_is_refused(folder, words, why):
    (folder / "classes.txt").write_bytes(words)
    with pytest.raises(DataError, match=f"classes.txt: .*{why}"):
        load_folder(folder)


def test_images_and_labels_of_different_counts_are_refused(folder):
    put(folder, "train-labels-idx1-ubyte", STRANGE[1][:29])
    with pytest.raises(DataError, match=r"train-images.*train-labels.*received 30 images and 29 labels"):
        load_folder(folder)


def test_train_and_test_images_of_different_sizes_are_refused(folder):
    put(folder, "t10k-images-idx3-ubyte", STRANGE[2][:, :3])
    with pytest.raises(DataError, match=r"hats: expected train and test images of one size, received 4x5 and 3x5"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("train-images-idx3-ubyte", STRANGE[1]),
        ("train-images-idx3-ubyte", STRANGE[0].astype(np.int16)),
        ("train-labels-idx1-ubyte", STRANGE[1].astype(np.int32)),
        ("train-labels-idx1-ubyte", STRANGE[0]),
        ("t10k-images-idx3-ubyte", STRANGE[2][:0]),
    ],
)
def test_an_array_of_another_form_is_refused(folder, name, array):
    put(folder, name, array)
    with pytest.raises(DataError, match=rf"{name}: expected uint8 \(n.*not empty, received {array.dtype}"):
        load_folder(folder)


def test_an_empty_folder_names_the_four_files(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"expected the four IDX files train-images.* received a folder"):
        load_folder(tmp_path)


def test_a_folder_without_one_file_names_that_one(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataNotFoundError, match=r"a folder without t10k-labels-idx1-ubyte\[.gz\]. Put it there"):
        load_folder(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"nowhere: expected a folder .* received no such folder. Check"):
        load_folder(tmp_path / "nowhere")


def test_a_folder_in_place_of_a_file_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    (folder / "t10k-labels-idx1-ubyte").mkdir()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: expected a readable file"):
        load_folder(folder)


def test_the_files_of_a_known_dataset_are_that_dataset_whatever_the_folder_is_called(tiny_folder, tiny):
    data = load_folder(tiny_folder)
    assert (data.name, data.class_names, data.fingerprint) == ("tiny", tiny.class_names, tiny.fingerprint)


def test_other_files_in_a_folder_of_a_known_name_are_not_that_dataset(tiny, folder):
    assert load_folder(folder.rename(folder.parent / "tiny")).name == "tiny-folder"


def test_the_original_digits_load_from_their_folder(real_mnist):
    data = load_folder(real_mnist)
    assert (data.name, data.fingerprint) == ("mnist", "e9914cff2ade526d")
    assert (len(data.train), len(data.test), data.classes, data.image_shape) == (60000, 10000, 10, (28, 28))
