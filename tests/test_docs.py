"""The docs name what there is, and the generated pages are up to date."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fittingroom.cli.app import COMMANDS, GROUPS
from fittingroom.data import DATASETS
from fittingroom.models import MODELS
from fittingroom.training import Recipe

ROOT = Path(__file__).parent.parent
DOCS = "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
MARKDOWN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [
    *(f"fittingroom {name}" for name in COMMANDS),
    *(f"fittingroom {group} {name}" for group, (_, names) in GROUPS.items() for name in names),
    *(f"`{name}`" for name in (*DATASETS, *MODELS)),
    *(f"`{entry.name}`" for entry in dataclasses.fields(Recipe)),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_docs_name_every_command_dataset_model_and_setting(name):
    assert name in DOCS


def test_the_generated_pages_are_up_to_date():
    command = [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_the_readme_lists_every_part_of_the_package():
    readme = (ROOT / "README.md").read_text("utf-8")
    for path in (ROOT / "src" / "fittingroom").iterdir():
        if path.name != "__pycache__" and not path.name.startswith("_") and path.name != "py.typed":
            assert path.name in readme, path.name


@pytest.mark.parametrize("target", ["run", "test", "venv", "data", "lint", "docs", "bench", "soak"])
def test_the_makefile_has_the_targets_that_are_promised(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
