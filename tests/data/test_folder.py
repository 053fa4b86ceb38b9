from __future__ import annotations

import numpy as np
import pytest

from fittingroom.data.folder import is_idx_name, load_folder, rewrite
from fittingroom.data.idx import encode
from fittingroom.errors import DataError, DataNotFoundError, UsageError
from helpers import tiny_dataset

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
        ("train-images-idx3-ubyte", STRANGE[0].astype(np.int16) - 300),
        ("train-labels-idx1-ubyte", STRANGE[1].astype(np.float32) + 0.5),
        ("train-labels-idx1-ubyte", STRANGE[0]),
        ("t10k-images-idx3-ubyte", STRANGE[2][:0]),
    ],
)
def test_an_array_of_another_form_is_refused(folder, name, array):
    put(folder, name, array)
    with pytest.raises(DataError, match=rf"{name}: expected .*received"):
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


FORMS = {  # a file's name, what it holds in place of bytes of the usual shape
    "int32 labels": ("train-labels-idx1-ubyte", STRANGE[1].astype(np.int32)),
    "int8 labels": ("train-labels-idx1-ubyte", STRANGE[1].astype(np.int8)),
    "int16 labels": ("t10k-labels-idx1-ubyte", STRANGE[3].astype(np.int16)),
    "float labels": ("t10k-labels-idx1-ubyte", STRANGE[3].astype(np.float64)),
    "a column of labels": ("train-labels-idx1-ubyte", STRANGE[1][:, None]),
    "one-hot labels": ("train-labels-idx1-ubyte", np.eye(3, dtype=np.uint8)[STRANGE[1]]),
    "a channel": ("train-images-idx3-ubyte", STRANGE[0][..., None]),
    "axes of one": ("t10k-images-idx3-ubyte", STRANGE[2][..., None, None]),
    "int32 pixels": ("train-images-idx3-ubyte", STRANGE[0].astype(np.int32)),
    "whole float pixels": ("train-images-idx3-ubyte", STRANGE[0].astype(np.float32)),
    "scaled pixels": ("train-images-idx3-ubyte", STRANGE[0] / 255),
}


@pytest.mark.parametrize("name", FORMS)
def test_other_forms_of_the_same_numbers_are_the_same_dataset(folder, name):
    put(folder, *FORMS[name])
    data = load_folder(folder, lambda line: None)
    received = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    for got, expected in zip(received, STRANGE, strict=True):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == np.uint8


COLOURED = np.random.default_rng(0).integers(0, 256, (30, 4, 5, 3)).astype(np.uint8)
REFUSED = {
    "colour": ("train-images-idx3-ubyte", COLOURED, r"received colour \(30, 4, 5, 3\)"),
    "only 0 and 1": ("train-images-idx3-ubyte", STRANGE[0] // 128, r"received only 0 and 1"),
    "negative labels": (
        "train-labels-idx1-ubyte",
        STRANGE[1].astype(np.int8) - 1,
        r"expected labels from 0, received -1",
    ),
    "eight columns": ("train-labels-idx1-ubyte", np.tile(STRANGE[1][:, None], 8), r"QMNIST's eight columns"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_dataset_is_refused_in_a_sentence(folder, name):
    file, array, words = REFUSED[name]
    put(folder, file, array)
    with pytest.raises(DataError, match=f"{file}: .*{words}"):
        load_folder(folder)


def test_pixels_of_0_and_1_are_mended_by_the_code_of_the_message(folder):
    put(folder, "train-images-idx3-ubyte", STRANGE[0] // 128)
    put(folder, "t10k-images-idx3-ubyte", STRANGE[2] // 128)
    for _ in range(2):
        with pytest.raises(DataError) as caught:
            load_folder(folder)
        exec(str(caught.value).partition("in Python: ")[2], {})
    np.testing.assert_array_equal(load_folder(folder).train.images, STRANGE[0] // 128 * 255)


@pytest.mark.parametrize("inner", ["same", "dotted", "other"])
def test_files_inside_folders_of_their_own_name_are_found(folder, inner):
    for path in list(folder.iterdir()):
        content = path.read_bytes()
        path.unlink()
        path.mkdir()
        name = {"same": path.name, "dotted": path.name.replace("-idx", ".idx"), "other": "data"}[inner]
        (path / name).write_bytes(content)
    np.testing.assert_array_equal(load_folder(folder).train.images, STRANGE[0])


def test_no_message_advises_to_remove_a_folder(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    (folder / "t10k-labels-idx1-ubyte").mkdir()
    with pytest.raises(DataError) as caught:
        load_folder(folder)
    assert "remove" not in str(caught.value)
    assert "Put the file itself there" in str(caught.value)


def foreign(folder, collection, arrays, ending="ubyte", labels_axes=1):
    folder.mkdir(exist_ok=True)
    names = ("train-images-idx3-ubyte", f"train-labels-idx{labels_axes}-{ending}")
    names += ("test-images-idx3-ubyte", f"test-labels-idx{labels_axes}-{ending}")
    for name, array in zip(names, arrays, strict=True):
        (folder / f"{collection}-{name}").write_bytes(encode(array))
    return folder


def test_qmnist_is_known_by_its_names_and_its_digits_taken(tmp_path):
    eight = [np.stack([labels, *[labels * 0 + 99] * 7], 1).astype(np.int32) for labels in STRANGE[1::2]]
    folder = foreign(tmp_path / "q", "qmnist", (STRANGE[0], eight[0], STRANGE[2], eight[1]), "int", 2)
    lines = []
    data = load_folder(folder, lines.append)
    np.testing.assert_array_equal(data.train.labels, STRANGE[1])
    np.testing.assert_array_equal(data.test.labels, STRANGE[3])
    assert "the first, the digit, is taken" in lines[0]


@pytest.mark.parametrize(
    ("collection", "first", "names"),
    [
        ("emnist-letters", 1, "ABC"),
        ("emnist-digits", 0, "012"),
        ("emnist-balanced", 0, "012"),
        ("emnist-byclass", 0, "012"),
    ],
)
def test_emnist_is_known_by_its_names_turned_upright_and_counted_from_0(tmp_path, collection, first, names):
    square = [
        np.random.default_rng(k).integers(0, 256, (len(labels), 5, 5)).astype(np.uint8)
        for k, labels in enumerate(STRANGE[1::2])
    ]
    turned = [images.transpose(0, 2, 1) for images in square]
    folder = foreign(tmp_path / "e", collection, (turned[0], STRANGE[1] + first, turned[1], STRANGE[3] + first))
    lines = []
    data = load_folder(folder, lines.append)
    np.testing.assert_array_equal(data.train.images, square[0])
    np.testing.assert_array_equal(data.train.labels, STRANGE[1])
    assert data.class_names[:3] == tuple(names)
    assert "turned upright" in lines[0]
    assert rewrite(folder, tmp_path / "new", labels_from=first).fingerprint == data.fingerprint
    plain = tiny_dataset.write_files(tmp_path / "plain", (square[0], STRANGE[1], square[1], STRANGE[3]))
    assert load_folder(plain).fingerprint == data.fingerprint  # the same pictures and labels, whatever their files


def test_several_collections_in_a_folder_are_told(tmp_path):
    foreign(foreign(tmp_path / "e", "emnist-digits", STRANGE), "emnist-letters", STRANGE)
    with pytest.raises(DataError, match=r"found those of emnist-digits, emnist-letters\. Put the four of one"):
        load_folder(tmp_path / "e")


def test_labels_that_count_from_1_are_told_with_the_command(folder):
    for name, labels in (("train", STRANGE[1]), ("t10k", STRANGE[3])):
        put(folder, f"{name}-labels-idx1-ubyte", labels + 1)
    lines = []
    load_folder(folder, lines.append)
    command = f"fittingroom data import {folder} --labels-from 1 --out NEW"
    assert lines == [f"{folder}: no image has label 0. If labels count from 1: {command}"]
    (folder / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(DataError, match=r"received 1\.\.3\. If labels count from 1: fittingroom data import"):
        load_folder(folder)


@pytest.mark.parametrize("gzipped", [False, True])
def test_labels_that_count_from_1_are_written_anew_from_0(folder, tmp_path, gzipped):
    for name, labels in (("train", STRANGE[1]), ("t10k", STRANGE[3])):
        put(folder, f"{name}-labels-idx1-ubyte", labels.astype(np.int32) + 1)
    (folder / "classes.txt").write_text("a\nb\nc\n")
    data = rewrite(folder, tmp_path / "new", labels_from=1, gzipped=gzipped)
    np.testing.assert_array_equal(data.train.labels, STRANGE[1])
    assert data.class_names == ("a", "b", "c")
    assert all(is_idx_name(path.name) or path.name == "classes.txt" for path in (tmp_path / "new").iterdir())
    assert {path.suffix == ".gz" for path in (tmp_path / "new").glob("*idx*")} == {gzipped}
    with pytest.raises(DataError, match=r"train labels: expected labels in 0\.\.255, received -1"):
        rewrite(folder, tmp_path / "other", labels_from=2)
    with pytest.raises(UsageError, match="expected a new or an empty folder"):
        rewrite(folder, tmp_path / "new", labels_from=1)


def test_the_command_that_the_message_names_does_it(folder, tmp_path, capsys):
    from fittingroom.cli.app import main

    for name, labels in (("train", STRANGE[1]), ("t10k", STRANGE[3])):
        put(folder, f"{name}-labels-idx1-ubyte", labels + 1)
    lines = []
    load_folder(folder, lines.append)
    words = lines[0].partition("fittingroom ")[2].replace("NEW", str(tmp_path / "new")).split()
    assert main(words) == 0
    assert "30 training images and 12 test images of 3 classes." in capsys.readouterr().out
    np.testing.assert_array_equal(load_folder(tmp_path / "new").train.labels, STRANGE[1])
