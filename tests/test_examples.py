"""The examples run on the real data, in a process of their own, as a reader would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.cli.app import build_app
from fittingroom.inference.model_files import find_model

EXAMPLES = Path(__file__).parent.parent / "examples"


def notebook_of_the_walkthrough():
    """Its notebook; what reads it is imported here, since that takes seconds."""
    import nbformat

    return nbformat.read(EXAMPLES / "walkthrough.ipynb", as_version=4)


@pytest.fixture(autouse=True)
def _data():
    if fr.data.locate("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; `make data` gets it")


@pytest.mark.soak
def test_the_script_reaches_the_walkthroughs_accuracy(tmp_path):
    command = [sys.executable, str(EXAMPLES / "walkthrough.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MPLBACKEND": "Agg"}, check=False)
    assert done.returncode == 0, done.stderr
    accuracy = float(re.search(r"test accuracy (\d\.\d+)", done.stdout)[1])
    assert 0.84 < accuracy < 0.89
    assert {path.name for path in tmp_path.iterdir()} == {"first-image.png", "grid.png", "run"}


def test_the_script_is_short_enough_to_read_at_once():
    assert len((EXAMPLES / "walkthrough.py").read_text().splitlines()) < 60


@pytest.mark.soak
def test_the_notebook_runs_from_top_to_bottom_and_has_its_outputs():
    from nbclient import NotebookClient

    notebook = notebook_of_the_walkthrough()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code)
    printed = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    again = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    pattern = r"test accuracy (\d\.\d+)"
    assert abs(float(re.search(pattern, printed)[1]) - float(re.search(pattern, again)[1])) < 0.02


def test_the_notebook_is_what_its_generator_says_and_ends_with_three_experiments():
    sys.path.append(str(EXAMPLES.parent / "scripts"))
    import make_notebook

    cells = notebook_of_the_walkthrough().cells
    assert [cell.source for cell in cells] == [cell.source for cell in make_notebook.notebook().cells]
    commands = re.findall(r"^- `fittingroom ([^`]+)`", cells[-1].source, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        build_app().parse_args(command.split(), exit_on_error=False, print_error=False)


@pytest.mark.soak
def test_plain_keras_opens_shipped_weights_and_names_a_picture(tmp_path):
    np.save(tmp_path / "picture.npy", fr.load("fashion-mnist").test.images[:1])
    weights = find_model("fashion-mnist/90")
    command = [sys.executable, str(EXAMPLES / "plain_keras.py"), str(weights), "picture.npy"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"Ankle-boot 0\.\d{3}\n", done.stdout)
