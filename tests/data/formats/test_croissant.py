"""The description that is written beside: what it says, and that mlcroissant takes it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

import fittingroom as fr
from helpers.small_dataset import CLASSES, NEEDS, OUT, arrays, convert_to, write_folder


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


VALIDATED = """
import json, sys
import mlcroissant
for path in sys.argv[1:]:
    dataset = mlcroissant.Dataset(jsonld=path)
    names = [row["classes/class_name"] for row in dataset.records("classes")]
    names = [name.decode() if isinstance(name, bytes) else name for name in names]
    print(json.dumps({"errors": sorted(dataset.metadata.ctx.issues.errors), "names": names}))
"""


def test_mlcroissant_finds_no_fault_with_any_of_them(source, tmp_path):
    if find_spec("mlcroissant") is None:
        pytest.skip("mlcroissant is not installed")
    forms = [name for name in OUT if name not in NEEDS or find_spec(NEEDS[name])]
    made = [convert_to(name, source, tmp_path / name) for name in forms]
    paths = [path / "croissant.json" if path.is_dir() else path.with_suffix(".croissant.json") for path in made]
    command = [sys.executable, "-c", VALIDATED, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [{"errors": [], "names": list(CLASSES)}] * len(forms)
