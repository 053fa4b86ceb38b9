import shutil

import pytest

import fittingroom as fr
from fittingroom.runs import open_run


@pytest.fixture(scope="session")
def kept_run(toy_folder, tmp_path_factory):
    """A run of two epochs on the toy dataset, with 100 images held out; not to be written to."""
    folder = tmp_path_factory.mktemp("kept") / "kept"
    return fr.train("walkthrough", toy_folder, epochs=2, validation=100, out=folder, onnx=False)


@pytest.fixture
def make_run(kept_run, tmp_path):
    """Make a run folder of a name, trained already."""

    def make(name="run"):
        return open_run(shutil.copytree(kept_run.folder, tmp_path / name))

    return make
