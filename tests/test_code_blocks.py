"""The blocks of code in README, docs and site: they parse, name what is there, and the first ones run as they stand."""

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fittingroom as fr

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "site").rglob("*.md")),
    *sorted((ROOT / "examples" / "class").glob("*.md")),
]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def blocks(language):
    """Every block of a language: page and number, and its text."""
    found = []
    for page in PAGES:
        texts = [text for _, said, text in FENCE.findall(page.read_text("utf-8")) if said == language]
        found += [pytest.param(text, id=f"{page.stem}-{number}") for number, text in enumerate(texts)]
    return found


def called(tree):
    """The calls of public names in some code: the name, and the call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            value = node.func.value
            if isinstance(value, ast.Name) and value.id in ("fr", "fittingroom"):
                yield node.func.attr, node


@pytest.mark.parametrize("text", blocks("python"))
def test_python_parses_and_calls_public_names_with_arguments_that_they_take(text):
    tree = ast.parse(text)
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fr"
    }
    assert {name for name in names if not hasattr(fr, name)} == set()
    for name, call in called(tree):
        if any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords):
            continue
        given = {each.arg: None for each in call.keywords}
        inspect.signature(getattr(fr, name)).bind_partial(*call.args, **given)


def test_a_call_with_an_argument_that_is_not_there_would_be_noticed():
    with pytest.raises(TypeError, match="nonsense"):
        inspect.signature(fr.load).bind_partial("mnist", nonsense=1)


@pytest.mark.parametrize("text", blocks("json"))
def test_json_parses(text):
    json.loads(text)


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_parses(text):
    tomllib.loads(text)


def test_shell_code_parses():
    if shutil.which("sh") is None:
        pytest.skip("no sh on this system")
    for block in blocks("sh"):
        (text,) = block.values
        plain = re.sub(r"\[[^]\n]*\]|\.\.\.", "x", text)  # [options] and ... stand for what a reader puts there
        done = subprocess.run(["sh", "-n"], input=plain, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block.id}: {done.stderr}"


def test_nothing_is_misspelled():
    pytest.importorskip("codespell_lib", reason="no codespell: install the dev extra")
    places = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "docs", "scripts", "src"]
    places += ["examples/class/source"]
    skipped = "*.svg,*.png,*.webp,*.jpg,*.onnx,*.keras,*.xz,*.mjs,*.mts,*.json,*.jsonl,*.csv"
    command = [sys.executable, "-m", "codespell_lib", "--skip", skipped, "--ignore-words-list", IGNORED, *places]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


IGNORED = "assertIn"


@pytest.mark.soak
def test_the_readmes_python_runs_as_it_stands(tmp_path):
    if fr.locate("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; `make data` gets it")
    (first,) = blocks("python")[0].values
    environment = os.environ | {"MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", first], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert list(tmp_path.glob("runs/*/report.html"))
