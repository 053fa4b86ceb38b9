"""The docs name what there is, and the generated pages are up to date."""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fittingroom.cli.app import COMMANDS, GROUPS, _as_parsed, build_app
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


def test_the_readme_is_short_and_shows_pictures():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 120
    assert sum(line.startswith("![") for line in lines) >= 2


def test_the_design_notes_list_every_part_of_the_package():
    tree = (ROOT / "docs" / "design-notes.md").read_text("utf-8").split("## What lies where")[1].split("```")[1]
    for path in (ROOT / "src" / "fittingroom").iterdir():
        if path.name != "__pycache__" and not path.name.startswith("_") and path.name != "py.typed":
            assert path.name in tree, path.name


@pytest.mark.parametrize(
    "target", ["run", "test", "venv", "data", "lint", "docs", "bench", "soak", "site", "release-check"]
)
def test_the_makefile_has_the_targets_that_are_promised(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def commands(path: Path) -> list[str]:
    """Return the commands of ours in a page's blocks of shell code, joined where a line goes on."""
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    plain = [line.removeprefix("$ ").removeprefix(".venv/bin/") for line in lines]
    return [line for line in plain if line.startswith("fittingroom ")]


SITE = [*(ROOT / "docs" / "site").rglob("*.md")]
SHOWN = sorted({command for path in [*MARKDOWN, *SITE] for command in commands(path)})


@pytest.mark.parametrize("command", SHOWN)
def test_every_command_that_a_page_shows_is_one_that_the_command_line_takes(command):
    words = shlex.split(re.split(r" (?:[|<>;]|\|\||&&) ", command)[0])[1:]
    build_app().parse_args(_as_parsed(words), exit_on_error=False, print_error=False)


def test_every_command_that_a_message_advises_is_there():
    pattern = re.compile(r"(?:[Tt]ry|with|by|it|Example|export):? `?fittingroom ([a-z]+)(?: ([a-z]+))?")
    found = set()
    for path in (ROOT / "src" / "fittingroom").rglob("*.py"):
        found |= set(pattern.findall(re.sub(r'"\s*\n\s*f?"', "", path.read_text("utf-8"))))
    assert len(found) > 3
    for name, rest in found:
        assert name in COMMANDS or rest in GROUPS[name][1], (name, rest)
