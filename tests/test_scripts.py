"""The set-up scripts: what is said before a large download."""

import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture
def warn_cuda():
    spec = importlib.util.spec_from_file_location("warn_cuda", SCRIPTS / "warn_cuda.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_warning_gives_size_and_remedy(warn_cuda):
    text = warn_cuda.warning({"torch": 500_000_000, "nvidia-cublas": 600_000_000, "triton": 200_000_000})
    assert "2 CUDA packages" in text
    assert "1.3 GB" in text
    assert "make run TORCH_INDEX=" in text


def test_the_small_build_gets_no_warning(warn_cuda):
    assert warn_cuda.warning({"torch": 190_000_000, "sympy": 6_000_000}) is None


def test_what_would_be_downloaded_is_read_from_pips_report(warn_cuda, tmp_path):
    items = [{"metadata": {"name": "Torch"}, "download_info": {"url": "https://example.org/torch.whl"}}]
    (tmp_path / "plan.json").write_text(json.dumps({"install": items}))
    assert warn_cuda.download_urls(tmp_path / "plan.json") == {"torch": "https://example.org/torch.whl"}


def fake_python(folder: Path, lines: str) -> Path:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def make_venv(folder: Path, python: Path) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"PYTHON": str(python), "VENV": str(folder / "venv"), "TORCH_INDEX": ""}
    return subprocess.run(
        ["sh", str(SCRIPTS / "make_venv.sh"), "."],
        capture_output=True,
        text=True,
        env=variables,
        cwd=SCRIPTS.parent,
        check=False,
    )


def test_a_missing_venv_module_is_one_sentence_that_says_what_to_install(tmp_path):
    python = fake_python(tmp_path, 'case "$1" in -c) exit 0;; -m) echo "No module named venv" >&2; exit 1;; esac')
    done = make_venv(tmp_path, python)
    assert done.returncode == 2
    assert "sudo apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_old_python_is_one_sentence(tmp_path):
    done = make_venv(tmp_path, fake_python(tmp_path, "exit 1"))
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr


def test_an_environment_whose_making_was_interrupted_is_made_again(tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    half = fake_python(tmp_path / "venv" / "bin", "exit 1")  # it has no pip that runs
    half.rename(half.with_name("python"))
    made = 'case "$*" in *"venv --clear"*) touch made; exit 1;; esac'
    done = make_venv(tmp_path, fake_python(tmp_path, made.replace("touch made", f"touch '{tmp_path}/made'")))
    assert (tmp_path / "made").exists()
    assert done.returncode == 2


def test_what_make_runs_needs_no_mode_that_a_zip_may_lose():
    recipes = [line for line in (SCRIPTS.parent / "Makefile").read_text("utf-8").splitlines() if line.startswith("\t")]
    assert not [line for line in recipes if re.search(r"(?<!sh )scripts/\w+\.sh", line)]
