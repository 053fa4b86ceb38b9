"""Numbers as they are written, and consoles that lack letters: a line a case."""

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

from fittingroom.cli.app import COMMANDS, GROUPS, place_of
from helpers.cases import one_in

WORDS = {
    ("train", "--seed", "-1"): "--seed: expected a whole number, 0 to 4294967295, received -1",
    ("train", "--seed", "5000000000"): "--seed: expected a whole number, 0 to 4294967295, received 5000000000",
    ("train", "--seed", "1.7"): "--seed: expected a whole number, 0 to 4294967295, received 1.7",
    ("train", "--seed", "one"): "--seed: expected a whole number, 0 to 4294967295, received one",
    ("train", "--epochs", "1.9"): "--epochs: expected a whole number, 1 or more, received 1.9",
    ("train", "--epochs", "0"): "--epochs: expected a whole number, 1 or more, received 0",
    ("train", "--epochs", "nan"): "--epochs: expected a whole number, 1 or more, received nan",
    ("train", "--set", "epochs=1.9"): "'epochs': expected a whole number, at least 1, received '1.9'",
    ("train", "--validation", "0.1"): "--validation: expected a whole number, 1 or more, received 0.1",
    ("tutorial", "--epochs", "1.9"): "--epochs: expected a whole number, 1 or more, received 1.9",
    ("tutorial", "--seed", "-1"): "--seed: expected a whole number, 0 to 4294967295, received -1",
    ("bench", "speed", "--rounds", "0"): "--rounds: expected a whole number, 1 or more, received 0",
    ("bench", "speed", "--rounds", "-3"): "--rounds: expected a whole number, 1 or more, received -3",
    ("ladder", "--seeds", "0"): "--seeds: expected a whole number, 1 or more, received 0",
    ("studio", "--port", "70000"): "--port: expected a whole number, 0 to 65535, received 70000",
}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_number_outside_its_range_is_one_sentence(run, words):
    answer = run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert WORDS[words] in answer.err
    assert len(answer.err.splitlines()) == 1


def places():
    yield from ((name, *place_of(name, where)) for name, (where, *_) in COMMANDS.items())
    for group, (_, commands) in GROUPS.items():
        yield from ((f"{group} {name}", *place_of(name, where)) for name, (where, *_) in commands.items())


@pytest.mark.parametrize(("name", "module", "function"), list(places()))
def test_every_whole_number_of_the_command_line_has_its_range(name, module, function):
    hints = get_type_hints(getattr(import_module(module), function), include_extras=True)
    for option, hint in hints.items():
        kinds = {hint, *get_args(get_args(hint)[0] if get_origin(hint) is Annotated else hint)}
        kinds |= {get_args(hint)[0]} if get_origin(hint) is Annotated else set()
        if option != "return" and int in kinds:
            assert any(part.converter for part in get_args(hint)[1:]), f"{name}: {option} takes what is no whole number"


SPEECHLESS = [  # commands that print letters beyond ASCII, or names that hold them
    ("--help",),
    ("predict", "--help"),
    ("tutorial", "--help"),
    ("predict", "DATA/écharpe-日本.png"),
    ("predict", "DATA/écharpe-日本.png", "--json"),
    ("data", "info", "DATA/données"),
    ("data", "info", "DATA/données", "--json"),
    ("explore", "--dataset", "DATA/données"),
    ("explore", "--dataset", "DATA/données", "--json"),
    ("data", "info", "DATA/日本"),
]


@pytest.fixture(scope="module")
def named_in_letters(toy_folder, tmp_path_factory):
    """A folder with a dataset and a picture whose names and classes hold letters beyond ASCII."""
    import shutil

    from PIL import Image

    folder = tmp_path_factory.mktemp("letters")
    shutil.copytree(toy_folder, folder / "données")
    (folder / "données" / "classes.txt").write_text("\n".join(f"écharpe {k} 日本" for k in range(10)), "utf-8")
    Image.new("L", (28, 28), 0).save(folder / "écharpe-日本.png")
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("words", one_in(3, SPEECHLESS), ids=" ".join)
def test_a_console_whose_encoding_lacks_a_letter_stops_no_command(named_in_letters, words, encoding):
    words = [word.replace("DATA", str(named_in_letters)) for word in words]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    told = subprocess.run([sys.executable, "-m", "fittingroom", *words], capture_output=True, env=environment)
    assert b"Error" not in told.stderr
    assert told.returncode == (2 if str(named_in_letters / "日本") in words else 0), told.stderr
    if "--json" in words:
        assert "échar" in json.dumps(json.loads(told.stdout.decode(encoding)), ensure_ascii=False)


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path, monkeypatch):
    from datetime import datetime

    from fittingroom import runs

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "datetime", Clock)
    names = [runs.create(None, "dense", 0, {}).folder.name for _ in range(3)]
    assert names == ["20260102-030405-dense-s0", "20260102-030405-dense-s0-2", "20260102-030405-dense-s0-3"]
