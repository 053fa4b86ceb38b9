"""CONTRIBUTING's tables name files that are there, and in each what a newcomer is sent to look for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fittingroom.cli.app import COMMANDS, place_of

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| (.+) \|$", TEXT, re.MULTILINE)
PATH = re.compile(r"[\w./-]+\.(?:py|md|js|j2|toml)")
ASKED = ("figure on a page", "metric", "dataset", "architecture", "recipe", "setting of the recipe", "command")


def found(path: str) -> Path:
    """Where a path of the tables lies: in the repository, or else in the package."""
    return ROOT / path if (ROOT / path).exists() else ROOT / "src" / "fittingroom" / path


def test_there_is_a_table_for_each_thing_that_is_added():
    sections = re.findall(r"^### An? (.+)$", TEXT, re.MULTILINE)
    assert set(ASKED) <= set(sections)
    assert len(ROWS) > 30


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+\.(?:py|md|js|j2|toml))`", TEXT))))
def test_every_file_that_is_named_is_there(path):
    assert found(path).is_file()


@pytest.mark.parametrize(("path", "words"), ROWS, ids=[path for path, _ in ROWS])
def test_what_a_row_sends_one_to_is_in_its_file(path, words):
    text, sent_on = found(path).read_text("utf-8"), [found(other) for other in PATH.findall(words)]
    text += "".join(other.read_text("utf-8") for other in sent_on if other.is_file())
    for name in re.findall(r"`([A-Za-z_]+)`", words):
        assert name in text, f"{name} is not in {path}"


def test_the_example_of_a_command_is_one():
    assert place_of("export", COMMANDS["export"][0]) == ("fittingroom.cli.predict_commands", "export")
