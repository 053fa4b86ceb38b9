from __future__ import annotations

from pathlib import Path

import pytest

from fittingroom.data.catalog import DATASETS
from fittingroom.data.folder import candidates, foreign_places, spellings

FASHION = DATASETS["fashion-mnist"]


def folders(known=FASHION):
    return [place.folder for place in foreign_places(known)]


def test_keras_is_looked_at_first_and_debian_last(tmp_path):
    assert folders()[0] == tmp_path / "home" / ".keras" / "datasets" / "fashion-mnist"
    assert folders()[-1] == Path("/usr/share/datasets/fashion-mnist")


def test_keras_home_moves_the_folder_of_keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    assert folders()[0] == tmp_path / "k" / "datasets" / "fashion-mnist"


def test_torchvisions_raw_folder_is_looked_at_here_and_at_home(tmp_path):
    assert Path("data/FashionMNIST/raw") in folders()
    assert tmp_path / "home" / "data" / "FashionMNIST" / "raw" in folders()
    assert Path("data/MNIST/raw") in folders(DATASETS["mnist"])


def test_a_clone_of_the_original_repository_is_looked_at():
    assert Path("data/fashion") in folders()


@pytest.mark.parametrize("spelling", spellings("train-images-idx3-ubyte"))
def test_every_spelling_of_a_file_is_found(tmp_path, spelling):
    (tmp_path / spelling).touch()
    assert candidates(tmp_path, "train-images-idx3-ubyte") == (tmp_path / spelling,)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert candidates(tmp_path / "nowhere", "train-images-idx3-ubyte") == ()
