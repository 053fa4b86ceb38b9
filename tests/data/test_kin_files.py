"""MNIST's kin by name: found on this machine alone, checked by counts, and said to be not verified."""

from __future__ import annotations

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data import FILE_NAMES, kin_files, write_idx
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import DataError, DataNotFoundError
from fittingroom.training import Recipe
from fittingroom.workflows.training import valid_for

COUNTS = (60, 20)


@pytest.fixture(autouse=True)
def of_few_images(monkeypatch):
    few = {name: kin._replace(counts=COUNTS) for name, kin in KIN.items()}
    monkeypatch.setattr(kin_files, "KIN", few)


def put(folder, name, counts=COUNTS):
    """Write the files of one of them as they are published; return what they are to be loaded as."""
    folder.mkdir(parents=True, exist_ok=True)
    kin, generator, expected = KIN[name], np.random.default_rng(3), []
    classes = len(kin.class_names)
    for part, count in zip(("train", "test"), counts, strict=True):
        images, labels = (
            generator.integers(0, 256, (count, 28, 28), np.uint8),
            (np.arange(count) % classes).astype(np.uint8),
        )
        expected += [images, labels]
        kept = np.ascontiguousarray(images.transpose(0, 2, 1)) if name.startswith("emnist") else images
        numbers = labels + (name == "emnist-letters")
        kind = "labels-idx1-ubyte"
        if name == "qmnist":
            numbers, kind = np.column_stack([numbers] * 8).astype(np.int32), "labels-idx2-int"
        prefix = f"{kin.collection}-{part}" if kin.collection else {"train": "train", "test": "t10k"}[part]
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", kept)
        write_idx(folder / f"{prefix}-{kind}.gz", numbers.astype(numbers.dtype))
    return expected


@pytest.mark.parametrize("name", KIN)
def test_it_is_found_where_torchvision_keeps_it_and_said_to_be_not_verified(name):
    from pathlib import Path

    expected = put(Path("data") / KIN[name].torchvision_folder / "raw", name)
    lines = []
    data = fr.load(name, log=lines.append)
    for got, wanted in zip(
        (data.train.images, data.train.labels, data.test.images, data.test.labels), expected, strict=True
    ):
        np.testing.assert_array_equal(got, wanted)
    assert (data.name, data.class_names) == (name, KIN[name].class_names)
    assert any("not verified" in line for line in lines)
    assert valid_for(Recipe(flip="alternating"), data).flip == "none"


def test_several_of_emnists_in_one_folder_are_told_apart_by_the_name(tmp_path):
    expected = [put(tmp_path / "raw", name) for name in ("emnist-letters", "emnist-digits")]
    data = fr.load("emnist-digits", data_dir=tmp_path / "raw")
    np.testing.assert_array_equal(data.train.labels, expected[1][1])


def test_other_counts_are_refused(tmp_path):
    put(tmp_path / "raw", "kmnist", counts=(61, 20))
    with pytest.raises(DataError, match=r"expected Kuzushiji-MNIST, 60 and 20 images of 28x28 .*, received 61 and 20"):
        fr.load("kmnist", data_dir=tmp_path / "raw")


def test_known_digits_under_its_name_are_refused(real_mnist, tmp_path, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(DataError, match="expected Kuzushiji-MNIST, received MNIST by its hashes"):
        fr.load("kmnist", data_dir=real_mnist)


@pytest.mark.parametrize("name", KIN)
def test_it_is_never_fetched_and_the_message_says_where_to_put_it(name, no_network, tmp_path):
    for attempt in (fr.load, fr.verify, fr.data.get):
        with pytest.raises(DataNotFoundError, match=f"no hash of it is known here. Put its four files .*{name}"):
            attempt(name)
    assert fr.locate(name) is None
    assert name in [row["name"] for row in fr.list_datasets()]


def test_it_is_a_source_of_a_conversion(tmp_path):
    expected = put(tmp_path / "cache" / "kmnist", "kmnist")
    made = fr.convert_data("kmnist", tmp_path / "made.npz")
    with np.load(made.path) as file:
        np.testing.assert_array_equal(file["y_test"], expected[3])
    assert made.class_names[1] == "ki"
    assert FILE_NAMES[0] == "train-images-idx3-ubyte"
