"""The wheel and the source archive: whole, small, and at work away from any clone, under a name with umlauts."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
pytestmark = pytest.mark.soak


def checked(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both archives."""
    pytest.importorskip("hatchling", reason="no hatchling: install the dev extra")
    folder = tmp_path_factory.mktemp("dist")
    checked(sys.executable, "-m", "hatchling", "build", "-d", str(folder), cwd=ROOT)
    return folder


def names(built):
    (wheel,), (archive,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as opened, tarfile.open(archive) as packed:
        return opened.namelist(), packed.getnames()


def test_the_wheel_holds_all_of_the_package_and_nothing_else(built):
    inside, _ = names(built)
    package = ROOT / "src" / "fittingroom"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in inside if ".dist-info/" not in name} == {
        path.relative_to(package.parent).as_posix() for path in files
    }
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_the_source_archive_has_what_is_read_and_built_and_no_pictures(built):
    _, inside = names(built)
    assert not [name for name in inside if name.endswith((".png", ".webp", ".ipynb", ".jsonl"))]
    for needed in ("pyproject.toml", "README.md", "Makefile", "constraints.txt", "tests/test_wheel.py", "PKG-INFO"):
        assert any(name.partition("/")[2] == needed for name in inside), needed
    assert sum(path.stat().st_size for path in built.iterdir()) < 40_000_000


def test_an_index_would_take_both(built):
    pytest.importorskip("twine", reason="no twine: install the dev extra")
    checked(sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(built.iterdir())))


@pytest.fixture(scope="module")
def away(built, tmp_path_factory):
    """A folder with an environment of its own, into which the wheel alone was installed; the libraries are borrowed."""
    folder = tmp_path_factory.mktemp("away") / "Maß & Größe"
    venv.create(folder / "environment", with_pip=False, symlinks=os.name != "nt")
    python = next((folder / "environment" / SCRIPTS).glob("python*"))
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    checked(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    site = checked(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def fittingroom(away, *words):
    """Run the installed command where a user without a home and with a strict umask would."""
    left_out = ("HOME", "PYTHONPATH", "KERAS_BACKEND", "MPLBACKEND")
    surroundings = {key: value for key, value in os.environ.items() if key not in left_out}
    command = [str(away / "environment" / SCRIPTS / "fittingroom"), *map(str, words)]
    return checked(*command, cwd=away, env=surroundings, umask=-1 if os.name == "nt" else 0o077)


def test_away_from_the_clone_it_says_where_it_is(away):
    said = fittingroom(away).stdout
    assert f"installed in {away / 'environment'}" in said
    assert "fittingroom tutorial" in said


def test_away_from_the_clone_it_trains_judges_predicts_exports_and_writes_pages(away, toy_folder):
    shutil.copytree(toy_folder, away / "größe")
    np.save(away / "bild.npy", np.zeros((2, 28, 28), np.uint8))
    fittingroom(away, "train", "--dataset", "größe", "--epochs", 1, "--out", "läufe/eins", "--no-onnx")
    assert "accuracy" in fittingroom(away, "evaluate", "läufe/eins").stdout
    told = json.loads(fittingroom(away, "predict", "--model", "läufe/eins", "bild.npy", "--json").stdout)
    assert len(told["answers"]) == 2
    fittingroom(away, "export", "--model", "läufe/eins", "--out", "modell.onnx")
    fittingroom(away, "report", "läufe/eins")
    assert (away / "läufe" / "eins" / "report.html").is_file()
    assert (away / "modell.onnx").is_file()


def test_away_from_the_clone_the_shipped_weights_answer(away):
    np.save(away / "leer.npy", np.zeros((1, 28, 28), np.uint8))
    assert "leer.npy" in fittingroom(away, "predict", "--model", "fashion-mnist/90", "leer.npy").stdout
