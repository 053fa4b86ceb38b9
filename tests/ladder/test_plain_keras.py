"""Shipped weights open in plain Keras, on every backend, and answer as they do here."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.inference.model_files import WEIGHTS, shipped_names

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parents[1] / "helpers" / "open_in_plain_keras.py"
ENVIRONMENTS = {
    "jax": ROOT / ".peers" / "jax",
    "tensorflow": ROOT / ".peers" / "tensorflow",
}  # made by `make bench-peers`
NAMES = [name.split("/")[1] for name in shipped_names()]
CLOSE = 1e-4


def answers_of_plain_keras(backend, python, images, folder):
    np.save(folder / "images.npy", images)
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    files = [str(WEIGHTS / "fashion-mnist"), str(folder / "images.npy"), str(folder / "answers.npz")]
    command = [str(python), str(SCRIPT), *files]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "answers.npz"))


def held_against_ours(answers, images):
    assert sorted(answers) == sorted(NAMES)
    for name, theirs in answers.items():
        ours = fr.predict(f"fashion-mnist/{name}", images, tempered=False)
        np.testing.assert_allclose(theirs, ours, atol=CLOSE, err_msg=name)
        np.testing.assert_array_equal(theirs.argmax(axis=1), ours.argmax(axis=1), err_msg=name)


@pytest.mark.soak
def test_shipped_weights_open_in_plain_keras_on_pytorch_and_answer_the_same(tmp_path):
    images = fr.load("fashion-mnist").test.images[:500]
    held_against_ours(answers_of_plain_keras("torch", sys.executable, images, tmp_path), images)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ENVIRONMENTS)
def test_shipped_weights_answer_all_test_images_the_same_on_other_backends(backend, tmp_path):
    python = ENVIRONMENTS[backend] / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment with {backend}: run `make bench-peers`")
    images = fr.load("fashion-mnist").test.images
    held_against_ours(answers_of_plain_keras(backend, python, images, tmp_path), images)
