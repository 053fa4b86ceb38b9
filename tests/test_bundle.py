"""The folder for a stick: its page names a way for each system, and an unknown system is one sentence."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "bundle.py"


@pytest.fixture
def bundle():
    spec = importlib.util.spec_from_file_location("bundle", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_lines_of_each_system_and_of_no_other(bundle, tmp_path, toy, monkeypatch):
    monkeypatch.setattr(bundle.fr, "load", lambda name: toy)
    bundle.write_rest(tmp_path, ["windows", "linux"], "3.13")
    page = (tmp_path / "READ ME.txt").read_text("utf-8")
    assert "py -m venv fitting" in page
    assert "fitting\\Scripts\\python -m pip install --no-index --find-links wheels --find-links wheels/windows" in page
    assert "fitting/bin/python -m pip install" in page
    assert "macos" not in page
    assert (tmp_path / "examples" / "walkthrough.ipynb").is_file()
    assert len(list((tmp_path / "data").iterdir())) == 4


def test_slides_are_in_the_folder_or_it_is_said_why_not(bundle, tmp_path, monkeypatch):
    returned = [0, 1]

    def run(command, check):
        assert command[1:3] == [str(SCRIPT.parent / "make_lessons.py"), "--slides"]
        Path(command[3]).mkdir(exist_ok=True)
        (Path(command[3]) / "lesson-1.html").touch()
        return subprocess.CompletedProcess(command, returned.pop(0))

    monkeypatch.setattr(bundle.subprocess, "run", run)
    monkeypatch.setattr(bundle.shutil, "which", lambda name: None)
    assert "npm is needed once" in bundle.write_slides(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(bundle.shutil, "which", lambda name: "/usr/bin/npm")
    assert bundle.write_slides(tmp_path) == "slides: 1 lesson"
    assert bundle.write_slides(tmp_path) == "slides: none, for the reason above."


def test_an_unknown_system_is_one_sentence(tmp_path):
    command = [sys.executable, str(SCRIPT), str(tmp_path), "--for", "plan9"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "expected systems of windows, macos-arm64, linux, received plan9" in done.stderr
