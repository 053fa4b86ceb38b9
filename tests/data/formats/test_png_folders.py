"""Grey pictures in class folders, or with a table of their labels."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.data.formats.grey_png import decode_png, encode_png
from fittingroom.errors import DataError
from helpers.small_dataset import arrays

IMAGES, LABELS, *_ = arrays()


def put(path, image=IMAGES[0]):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def names_and_labels(source, out):
    made = fr.convert_data(source, out)
    with np.load(made.path) as file:
        return made.class_names, file["x_train"], file["y_train"].tolist()


def test_folders_are_counted_by_name_and_pictures_by_class_and_name(tmp_path):
    for index, name in enumerate(("b/x.png", "a/z.png", "a/y.png")):
        put(tmp_path / "in" / name, IMAGES[index])
    names, images, labels = names_and_labels(tmp_path / "in", tmp_path / "a.npz")
    assert (names, labels) == (("a", "b"), [0, 0, 1])
    np.testing.assert_array_equal(images, IMAGES[[2, 1, 0]])


def test_folders_that_are_numbers_are_counted_as_numbers(tmp_path):
    for name in ("10", "9", "2"):
        put(tmp_path / "in" / name / "x.png")
    assert names_and_labels(tmp_path / "in", tmp_path / "a.npz")[0] == ("2", "9", "10")


def test_folders_of_fashion_mnists_classes_are_counted_as_there_and_that_is_said(tmp_path):
    for name in ("Bag", "T-shirt-top"):
        put(tmp_path / "in" / name / "x.png")
    lines = []
    made = fr.convert_data(tmp_path / "in", tmp_path / "a.npz", log=lines.append)
    assert made.class_names == fr.class_names
    assert "classes of Fashion-MNIST" in lines[0]


def test_two_parts_are_taken_as_they_are_laid_out(tmp_path):
    for name in ("training/a/1.png", "training/b/2.png", "testing/b/1.png"):
        put(tmp_path / "in" / name)
    data = fr.load(tmp_path / "in")
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0, 1], [1])


def test_a_folder_that_the_names_lack_is_refused(tmp_path):
    put(tmp_path / "in" / "hat" / "1.png")
    (tmp_path / "in" / "classes.txt").write_text("sock\n")
    with pytest.raises(DataError, match=r"hat: expected a folder for one of the classes of classes.txt \(sock\)"):
        fr.convert_data(tmp_path / "in", tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.dstack([IMAGES[0], IMAGES[1], IMAGES[2]]), "received colour.*fittingroom data import FOLDER --out NEW"),
        (np.full((4, 5), 256, np.uint16), "picture of 16 bits"),
        (IMAGES[0][:3], "pictures of one size, received 4x5 and 3x5"),
    ],
    ids=["colour", "16 bits", "another size"],
)
def test_pictures_that_are_no_such_data_are_refused(image, words, tmp_path):
    put(tmp_path / "in" / "hat" / "1.png")
    put(tmp_path / "in" / "hat" / "2.png", image)
    with pytest.raises(DataError, match=words):
        fr.convert_data(tmp_path / "in", tmp_path / "a.npz")


def test_a_damaged_picture_is_one_sentence(tmp_path):
    put(tmp_path / "in" / "hat" / "1.png")
    (tmp_path / "in" / "hat" / "2.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(DataError, match=r"2.png: expected a picture that can be read"):
        fr.convert_data(tmp_path / "in", tmp_path / "a.npz")


def test_a_table_with_words_for_labels(tmp_path):
    for index in range(3):
        put(tmp_path / "in" / "images" / f"{index}.png", IMAGES[index])
    (tmp_path / "in" / "labels.csv").write_text("filename,label\n2.png,sock\n0.png,hat\n1.png,sock\n")
    names, images, labels = names_and_labels(tmp_path / "in", tmp_path / "a.npz")
    assert (names, labels) == (("hat", "sock"), [1, 0, 1])
    np.testing.assert_array_equal(images, IMAGES[[2, 0, 1]])


def test_a_table_whose_names_are_numbers_keeps_its_labels(tmp_path):
    for index in range(2):
        put(tmp_path / "in" / f"{index}.png", IMAGES[index])
    (tmp_path / "in" / "metadata.csv").write_text("file_name,label\n0.png,0\n1.png,1\n")
    (tmp_path / "in" / "classes.txt").write_text("1\n0\n")
    names, _, labels = names_and_labels(tmp_path / "in", tmp_path / "a.npz")
    assert (names, labels) == (("1", "0"), [0, 1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file_name,label\nnone.png,0\n", "none.png"),
        ("file_name,label\n0.png\n", "the columns file_name and label"),
        ("file_name,label\n", "expected at least one picture"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(text, words, tmp_path):
    put(tmp_path / "in" / "0.png")
    (tmp_path / "in" / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        fr.convert_data(tmp_path / "in", tmp_path / "a.npz")


def test_a_picture_comes_back_to_the_byte():
    for image in IMAGES:
        np.testing.assert_array_equal(decode_png(encode_png(image), "a.png"), image)
