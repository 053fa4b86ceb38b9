"""What every test shares: no window, no accidental network, the torch backend, a small dataset."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1" if "PYTEST_XDIST_WORKER" in os.environ else "2")

import gc
import random
import sys
from pathlib import Path

import beartype._check.code.codemain
import numpy as np
import pytest

# beartype picks what it checks by Python's own random numbers, which a model under test may draw too
beartype._check.code.codemain.getrandbits = random.Random(0).getrandbits

import hypothesis  # noqa: E402

hypothesis.settings.register_profile("any machine", deadline=None)  # how long an example takes is the machine's
hypothesis.settings.load_profile("any machine")

import fittingroom as fr  # noqa: E402
from fittingroom.__main__ import NEW_OBJECTS  # noqa: E402
from fittingroom.data import FILE_NAMES, write_idx  # noqa: E402

SHARED = Path(__file__).parent.parent.parent / "shared"


def toy_arrays(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten classes that a small network learns at once: class k is a bright bar in column 2k, in noise."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(n) % 10).astype(np.uint8)
    images = generator.integers(0, 90, (n, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label + 3 : 2 * label + 6] += 150
    return images, labels


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays to the end: the garbage collector need not look through it.

    What tests make it looks through as rarely as in the command line: otherwise it takes a sixth of their time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS, 20, 100)


@pytest.fixture(autouse=True)
def seeded():
    """What a test draws without a generator of its own is the same each time, in whatever order tests run."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def exported_files_are_checked_here():
    """An exported file is held against its model in this process: a fresh one takes half a second for each training.

    `tests/export` and every command that runs in a process of its own check it as users have it.
    """
    from fittingroom.export import model_export
    from fittingroom.inference.onnx_engine import open_onnx

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_export, "answers_in_fresh_process", lambda path, images: open_onnx(path).predict(images))
        yield


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory) -> Path:
    """A folder in the dataset's format: 640 training and 200 test images, names in classes.txt."""
    folder = tmp_path_factory.mktemp("data") / "bars"
    folder.mkdir()
    arrays = [*toy_arrays(640, 0), *toy_arrays(200, 1)]
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        write_idx(folder / name, array)
    (folder / "classes.txt").write_text("\n".join(f"bar {k}" for k in range(10)) + "\n")
    return folder


@pytest.fixture(scope="session")
def shared_models():
    """A process in which studios open models, lent to one after the other."""
    from helpers.shared_models import SharedModels

    shared = SharedModels()
    yield shared
    shared.process.close()


@pytest.fixture(scope="session")
def toy(toy_folder) -> fr.Dataset:
    return fr.load(toy_folder)


@pytest.fixture
def shared() -> Path:
    """The folder of shared material beside the repository; the test skips where there is none."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the repository")
    return SHARED
