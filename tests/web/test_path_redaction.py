"""Folders' names stay on this machine, whatever they are, and an answer does not tell whether a folder exists."""

import os
import time
from pathlib import Path

import pytest

from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.state import Studio
from fittingroom.web.problems import PathRedactor, without_paths

ODD = ["my runs (old)", "a b/c d", "läufe 日本", "with: colon, 'quotes'"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("exists", [True, False])
def test_no_part_of_the_studios_folders_survives_whatever_their_names(name, exists, tmp_path, toy_folder):
    runs = tmp_path / name
    if exists:
        runs.mkdir(parents=True)
    build_app(Studio(runs=runs, registry=DatasetRegistry([toy_folder])))
    message = without_paths(f"{runs}/one: expected a run, found none in '{runs}/two/three'. Use 1/2 of it.")
    assert message == "one: expected a run, found none in 'three'. Use 1/2 of it."


@pytest.mark.parametrize("name", ODD)
def test_a_folder_itself_is_called_by_its_last_name(name, tmp_path):
    path_redaction = PathRedactor()
    path_redaction.keep([tmp_path / name])
    assert path_redaction.without_paths(f"{tmp_path / name} is empty.") == f"{name.split('/')[-1]} is empty."


def test_a_relative_folder_is_kept_in_both_spellings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path_redaction = PathRedactor()
    path_redaction.keep([Path("my runs")])
    assert path_redaction.without_paths(f"my runs/one and {tmp_path}/my runs/two") == "one and two"


def test_a_folder_nobody_told_of_is_cut_down_where_its_name_is_plain():
    assert PathRedactor().without_paths("/srv/data/shirts: four files.") == "shirts: four files."


def test_a_name_inside_a_longer_path_is_not_taken_for_the_folder():
    path_redaction = PathRedactor()
    path_redaction.keep([Path("/data")])
    assert path_redaction.without_paths("1/data/2 and half/data/x") == "1/data/2 and half/data/x"


@pytest.mark.parametrize("place", ["{here}/secret", "/nowhere at all/secret"])
def test_the_words_of_a_request_are_never_looked_up_on_the_disk(place, tmp_path, monkeypatch):
    def looked(*arguments, **named):
        raise AssertionError("the disk was asked")

    for name in ("stat", "lstat", "scandir", "listdir"):
        monkeypatch.setattr(os, name, looked)
    try:
        cut = without_paths(f"Unknown dataset '{place.format(here=tmp_path)}/x'.")
    finally:
        monkeypatch.undo()
    assert cut.endswith("x'.")


@pytest.mark.parametrize("text", ["/" * 200_000, "/a" * 100_000, "/" + "a" * 200_000, "/tmp/" * 40_000])
def test_a_long_message_takes_no_longer_than_its_length_asks(text):
    started = time.process_time()
    without_paths(text)
    assert time.process_time() - started < 2  # quadratic would take minutes
