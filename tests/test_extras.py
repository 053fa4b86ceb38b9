"""The line that installs what is missing: the same in a clone and beside a wheel, in this environment, said once."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from fittingroom import extras
from fittingroom.extras import EXTRAS, MODULES, install_line, is_clone, missing

ROOT = Path(__file__).parent.parent


def without(monkeypatch, *gone):
    """A machine that lacks some modules."""
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in gone else True)


def test_the_extras_are_those_of_the_package():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for extra, packages in EXTRAS.items():
        assert packages == tuple(re.split(r"[>=<]", each)[0] for each in told[extra])
    assert MODULES.keys() <= {package for packages in EXTRAS.values() for package in packages}


def test_only_what_is_missing_is_installed(monkeypatch):
    without(monkeypatch, "cv2", "pillow_heif")
    assert missing("photos") == ("opencv-python-headless", "pillow-heif")
    assert install_line("photos").endswith("-m pip install opencv-python-headless pillow-heif")


def test_two_extras_name_a_package_once(monkeypatch):
    without(monkeypatch, "onnxruntime")
    assert install_line("photos", "export").endswith(" install onnxruntime")


def test_the_line_is_for_the_python_that_asks_by_a_path_that_a_terminal_takes(monkeypatch, tmp_path):
    without(monkeypatch)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "Größe 2" / "bin" / "python"))
    assert install_line("map") == f'"{tmp_path / "Größe 2" / "bin" / "python"}" -m pip install umap-learn'
    monkeypatch.chdir(tmp_path)
    assert install_line("map") == f'"{Path("Größe 2") / "bin" / "python"}" -m pip install umap-learn'


def test_where_a_path_is_nobodys_business_it_is_left_out(monkeypatch):
    without(monkeypatch)
    assert install_line("map", tells_path=False) == "python -m pip install umap-learn"


def test_an_environment_of_uv_has_no_pip_and_gets_uvs_line(monkeypatch):
    without(monkeypatch, "pip")
    assert install_line("map").startswith("uv pip install --python ")


def test_this_is_a_clone():
    assert is_clone()


@pytest.mark.parametrize("path", sorted((ROOT / "src").rglob("*.py")), ids=lambda path: path.name)
def test_no_message_asks_an_index_for_fittingroom_which_is_on_none(path):
    assert "fittingroom[" not in path.read_text("utf-8")


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name
)
def test_no_page_asks_an_index_for_fittingroom_which_is_on_none(path):
    words = " ".join(path.read_text("utf-8").split())
    assert not re.search(r"""pip install (-U )?['"]?fittingroom\b(?! @)(?![-_.\w]*\.whl)""", words)
