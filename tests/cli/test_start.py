"""`fittingroom` alone: where one is, what is there, what to do first."""

import pytest

import fittingroom
from fittingroom.cli import start
from fittingroom.cli.app import COMMANDS


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder without runs, on a machine whose data nobody has got yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "locate", lambda name: None)
    return tmp_path


def test_without_arguments_it_says_where_one_is_and_what_to_do_and_then_the_commands(run, elsewhere):
    answer = run()
    assert answer.code == 0
    assert answer.err == ""
    first, rest = answer.out.split("Usage:")
    assert fittingroom.__version__ in first
    assert "not on this machine yet" in first
    assert str(elsewhere / "runs") in first
    assert "fittingroom tutorial" in first
    assert len(first.strip().splitlines()) < 12
    assert all(name in rest for name in COMMANDS)


def test_runs_and_data_that_are_there_are_told(run, elsewhere, monkeypatch):
    monkeypatch.setattr(start, "locate", lambda name: elsewhere / "data")
    (elsewhere / "runs" / "a").mkdir(parents=True)
    (elsewhere / "runs" / "a" / "environment.json").write_text("{}")
    (elsewhere / "runs" / "notes").mkdir()
    answer = run()
    assert f"fashion-mnist in {elsewhere / 'data'}" in answer.out
    assert f"1 run in {elsewhere / 'runs'}" in answer.out


def test_a_named_folder_without_data_is_told_and_stops_nothing(run, elsewhere, monkeypatch):
    monkeypatch.setattr(start, "locate", fittingroom.locate)
    monkeypatch.setenv("FITTINGROOM_DATA", str(elsewhere / "nowhere"))
    answer = run()
    assert answer.code == 0
    assert "nowhere" in answer.out


def test_what_is_not_installed_is_told_in_one_line(run, elsewhere, monkeypatch):
    monkeypatch.setattr("fittingroom.extras.find_spec", lambda name: name == "pip" or None)
    (line,) = [line for line in run().out.splitlines() if line.startswith("Lacks:")]
    assert "naming photos, writing ONNX files and the studio" in line
    assert line.endswith(
        "-m pip install onnxruntime opencv-python-headless pillow-heif onnx onnxscript fastapi uvicorn"
    )
