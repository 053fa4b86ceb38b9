"""The description that is written beside: what it says, and that mlcroissant takes it."""

from __future__ import annotations

import hashlib
import json

import pytest

import fittingroom as fr
from helpers.small_dataset import CLASSES, OUT, arrays, convert_to, write_folder


@pytest.fixture
def source(tmp_path):
    return write_folder(tmp_path / "hats", arrays())


def test_it_names_every_file_with_its_hash(source, tmp_path):
    made = fr.convert_data(source, tmp_path / "made", to_format="csv")
    described = json.loads(made.description.read_text())
    files = {one["contentUrl"]: one["sha256"] for one in described["distribution"]}
    assert files.keys() == {"train.csv", "test.csv", "classes.txt"}
    for name, sha256 in files.items():
        assert hashlib.sha256((tmp_path / "made" / name).read_bytes()).hexdigest() == sha256
    assert "30 images in train and 12 images in test" in described["description"]
    assert [row["classes/class_name"] for row in described["recordSet"][0]["data"]] == list(CLASSES)


def test_that_of_a_file_lies_beside_it(source, tmp_path):
    made = fr.convert_data(source, tmp_path / "made.npz")
    assert made.description == tmp_path / "made.croissant.json"
    assert json.loads(made.description.read_text())["distribution"][0]["contentUrl"] == "made.npz"


@pytest.mark.parametrize("name", OUT)
def test_mlcroissant_finds_no_fault_with_it(name, source, tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    made = convert_to(name, source, tmp_path)
    described = made / "croissant.json" if made.is_dir() else made.with_suffix(".croissant.json")
    dataset = mlcroissant.Dataset(jsonld=described)
    assert dataset.metadata.issues.errors == set()
    rows = list(dataset.records("classes"))
    assert [row["classes/class_name"].decode() for row in rows] == list(CLASSES)
