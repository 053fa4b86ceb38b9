"""The command line as a whole: help, mistakes, exit codes, streams."""

import os
import subprocess
import sys

import pytest

from fittingroom.cli.app import COMMANDS, GROUPS, main
from fittingroom.errors import FittingRoomError

ALL = [(name,) for name in COMMANDS] + [(group, name) for group, (_, names) in GROUPS.items() for name in names]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help_with_an_example(run, words):
    answer = run(*words, "--help")
    assert answer.code == 0
    assert f"Example: fittingroom {' '.join(words)}" in answer.out
    assert answer.err == ""


def test_the_first_help_names_every_command_and_the_exit_codes(run):
    answer = run("--help")
    assert all(name in answer.out for name in (*COMMANDS, *GROUPS))
    assert "130" in answer.out


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (["tutoril"], 'Did you mean "tutorial"'),
        (["data", "gte"], 'Did you mean "get"'),
        (["tutorial", "--epoch", "3"], "Did you mean --epochs"),
        (["data", "info", "fashon-mnist"], "Did you mean 'fashion-mnist'"),
        (["models", "info", "walkthru"], "Did you mean 'walkthrough'"),
        (["train", "--model", "thin-cov"], "Did you mean 'thin-conv'"),
        (["train", "--set", "learning_rat=1"], "Did you mean 'learning_rate'"),
    ],
)
def test_an_unknown_name_gets_a_suggestion_in_one_line_and_exit_code_2(run, words, suggestion):
    answer = run(*words)
    assert answer.code == 2
    assert suggestion in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err
    assert answer.out == ""


def test_debug_shows_the_traceback_of_a_users_mistake(run):
    answer = run("models", "info", "walkthru", "--debug")
    assert answer.code == 2
    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1].startswith("fittingroom: Unknown model")


def test_an_interrupt_exits_with_130(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fittingroom.cli.studio_commands.describe", interrupted)
    assert run("doctor").code == 130


def test_a_fault_of_ours_is_told_apart_from_a_users_mistake(run, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("fittingroom.cli.studio_commands.describe", broken)
    answer = run("doctor")
    assert answer.code == 70
    assert "our mistake, not yours" in answer.err


def test_an_error_of_the_system_is_one_sentence(run, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "/somewhere/file")

    monkeypatch.setattr("fittingroom.cli.studio_commands.describe", full)
    answer = run("doctor")
    assert answer.code == 2
    assert answer.err.strip() == "fittingroom: /somewhere/file: No space left on device."


def test_each_kind_of_error_says_how_the_command_line_exits():
    def family(kind):
        return [kind, *(child for each in kind.__subclasses__() for child in family(each))]

    assert {kind.exit_code for kind in family(FittingRoomError)} == {2, 130}


def test_a_log_gets_no_control_characters():
    command = [sys.executable, "-m", "fittingroom", "models", "info"]
    done = subprocess.run(command, capture_output=True, check=True, env=os.environ | {"FORCE_COLOR": ""})
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_reader_that_goes_away_is_no_error():
    command = f"'{sys.executable}' -m fittingroom models info | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
    assert "Traceback" not in done.stderr


def test_the_version_is_the_packages():
    assert main(["--version"]) == 0


@pytest.mark.soak
def test_a_notebooks_backend_that_is_not_there_stops_no_command(toy_folder, tmp_path):
    words = ["tutorial", "--dataset", str(toy_folder), "--epochs", "1", "--out", str(tmp_path / "run"), "--quiet"]
    environment = os.environ | {"MPLBACKEND": "module://ipympl.backend_nbagg"}  # not installed with the package
    command = [sys.executable, "-m", "fittingroom", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "run" / "report.html").exists()
