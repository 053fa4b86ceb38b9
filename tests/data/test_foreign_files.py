"""What people have in place of IDX files: recognised, and the command of the message makes the four files."""

import re
import shlex
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import DataError, FittingRoomError
from helpers import tiny_dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28)).astype(np.uint8)
LABELS = np.arange(12) % 3


def npz(folder):
    np.savez(folder / "mnist.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:3], y_test=LABELS[:3])
    return folder / "mnist.npz"


def table(folder, name="fashion-mnist_train.csv", header=True, last=False, labels=True):
    columns = [*(["label"] if labels else []), *(f"pixel{k}" for k in range(784))]
    rows = IMAGES.reshape(12, 784)
    rows = np.column_stack([LABELS, rows]) if labels else rows
    if last:
        columns, rows = np.roll(columns, -1), np.roll(rows, -1, axis=1)
    np.savetxt(folder / name, rows, "%d", ",", header=",".join(columns) if header else "", comments="")
    return folder / name


def class_folders(folder, part="."):
    for index, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        place = folder / part / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index:02}.png")
    return folder


KINDS = {
    "mnist.npz": npz,
    "Kaggle's table": table,
    "a table without names": lambda folder: table(folder, "mnist_train.csv", header=False),
    "a table with labels last": lambda folder: table(folder, "mnist_784.csv", last=True),
    "class folders": class_folders,
    "class folders in train": lambda folder: class_folders(folder, "train"),
}


def sentence_of(path):
    with pytest.raises(FittingRoomError) as caught:
        fr.verify(path)  # which looks at the four files themselves
    return str(caught.value)


def carried_out(sentence, new):
    """Run the command of a message, with a folder and a count in place of the words in capitals."""
    words = shlex.split(re.search(r"fittingroom (data convert [^(]*)", sentence)[1])
    assert main([{"NEW": str(new), "COUNT": "3"}.get(word, word) for word in words]) == 0


def sorted_by_pixels(images, labels):
    order = sorted(range(len(images)), key=lambda index: images[index].tobytes())
    return images[order], labels[order]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("how", ["itself", "its folder"])
def test_it_is_recognised_and_the_command_of_the_message_makes_the_files(tmp_path, name, how):
    path = KINDS[name](tmp_path)
    carried_out(sentence_of(path if how == "itself" else tmp_path), tmp_path / "new")
    data = fr.load(tmp_path / "new")
    images, labels = data.train.images, data.train.labels
    if len(images) < len(IMAGES):  # three are held out, and may be in another order
        images, labels = (np.concatenate([one, other]) for one, other in zip(_train(data), _test(data), strict=True))
    for got, expected in zip(sorted_by_pixels(images, labels), sorted_by_pixels(IMAGES, LABELS), strict=True):
        np.testing.assert_array_equal(got, expected)


def _train(data):
    return data.train.images, data.train.labels


def _test(data):
    return data.test.images, data.test.labels


def test_the_command_line_prints_it_as_one_line(tmp_path, capsys):
    assert main(["data", "verify", str(npz(tmp_path))]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    carried_out(told, tmp_path / "new")


def test_a_table_of_pixels_alone_is_for_predicting(tmp_path):
    sentence = sentence_of(table(tmp_path, "test.csv", labels=False))
    code = sentence.partition("fr.predict(model, ")[2].rpartition(")")[0]
    np.testing.assert_array_equal(eval(code, {"np": np}), IMAGES)


def test_a_zip_is_unpacked_by_the_command_of_the_message(tmp_path):
    arrays = tiny_dataset.make_arrays(seed=9)
    tiny_dataset.write_files(tmp_path / "hats", arrays)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as file:
        for path in (tmp_path / "hats").iterdir():
            file.write(path, path.name)
    sentence = sentence_of(tmp_path / "archive.zip")
    words = shlex.split(sentence.partition("Unpack it: python ")[2].partition(" . ")[0])
    subprocess.run([sys.executable, *words], check=True)
    folder = sentence.partition("Then name the folder: ")[2]
    np.testing.assert_array_equal(fr.load(folder).train.images, arrays[0])


def test_arrays_under_other_names_are_named(tmp_path):
    np.savez(tmp_path / "kmnist.npz", arr_0=IMAGES)
    assert "holds NumPy's arrays arr_0" in sentence_of(tmp_path / "kmnist.npz")


def test_a_folder_further_down_is_asked_for(tmp_path):
    tiny_dataset.write_files(tmp_path / "data" / "my" / "hats", tiny_dataset.make_arrays(seed=9))
    assert f"Is {tmp_path / 'data' / 'my' / 'hats'} meant?" in sentence_of(tmp_path / "data")


@pytest.mark.parametrize("name", ["broken.npz", "broken.zip", "broken.csv", "notes.txt"])
def test_a_broken_file_is_still_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\xff nothing of the kind")
    with pytest.raises(DataError, match="expected"):
        fr.load(tmp_path / name)
