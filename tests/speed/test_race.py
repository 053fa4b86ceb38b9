"""Contenders take turns in processes of their own; what they print becomes medians, spreads and bars held or missed."""

import json
import re
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from fittingroom.cli.measuring_commands import Race, speed
from fittingroom.errors import FittingRoomError
from fittingroom.speed import race as race_module
from fittingroom.speed.contenders import JOBS
from fittingroom.speed.lineup import Contender, Places, epoch_contenders, fill, whole_contenders
from fittingroom.speed.race import race, race_table, race_whole, whole_table


def printing(name, text, turns=None):
    return Contender(name, (sys.executable, "-c", f"print('noise'); print({text!r})"), {}, turns)


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path / "scripts", tmp_path / "environments", tmp_path / "home")


def made(folder, name):
    """Pretend that an environment was made."""
    python = folder / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


def test_an_epochs_race_leaves_each_processs_first_epoch_out_and_goes_round_by_round(places, monkeypatch):
    entered = [printing("ours", "[9.0, 1.0, 3.0]"), printing("once", "[9.0, 4.0]", turns=1)]
    monkeypatch.setattr(race_module, "epoch_contenders", lambda job, places: entered)
    said = []
    results = race("walkthrough", 2, places, said.append)
    assert [line.split()[3] for line in said] == ["ours", "once", "ours"]
    assert results == {"ours": [1.0, 3.0, 1.0, 3.0], "once": [4.0]}


@pytest.mark.soak
def test_one_table_can_be_asked_for_by_the_name_of_its_job(monkeypatch, capsys):
    assert set(get_args(Race)) == {*JOBS, "whole"}
    monkeypatch.setattr(race_module, "race", lambda job, *_: {})
    monkeypatch.setattr(race_module, "race_whole", lambda *_: ({}, {}))
    monkeypatch.setattr(race_module, "race_table", lambda job, _: f"table of {job}")
    monkeypatch.setattr(race_module, "whole_table", lambda *_: "table of whole")
    for name in get_args(Race):
        speed(only=name, quiet=True)
        assert re.findall("table of (.*)", capsys.readouterr().out) == [name]
    speed(quiet=True)
    assert re.findall("table of (.*)", capsys.readouterr().out) == list(get_args(Race))


def test_a_contender_that_fails_is_named_with_its_last_line(places, monkeypatch):
    broken = Contender("broken", (sys.executable, "-c", "raise SystemExit('no such layer')"), {})
    monkeypatch.setattr(race_module, "epoch_contenders", lambda job, places: [broken])
    with pytest.raises(FittingRoomError, match="Contender 'broken' failed with exit code 1: no such layer"):
        race("walkthrough", 1, places, lambda line: None)


def test_a_whole_race_takes_time_and_peak_memory_of_the_process(places, monkeypatch):
    code = "import time; block = bytearray(300_000_000); time.sleep(0.2)"
    big = Contender("big", (sys.executable, "-c", code), {})
    monkeypatch.setattr(race_module, "whole_contenders", lambda places, out: [big])
    seconds, peak_bytes = race_whole(1, places, lambda line: None)
    assert seconds["big"][0] >= 0.2
    assert 300e6 < peak_bytes["big"][0] < 400e6


def test_a_failing_process_gives_its_exit_code_and_its_output_stays_off_stdout():
    command = [sys.executable, "-c", "print('words'); raise SystemExit(3)"]
    done = subprocess.run(
        [sys.executable, "-m", "fittingroom.speed.process", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert json.loads(done.stdout).keys() == {"seconds", "peak_bytes"}
    assert "words" in done.stderr


@pytest.mark.parametrize("job", JOBS)
def test_without_a_clone_only_what_the_package_holds_takes_part(job, places):
    names = [contender.name for contender in epoch_contenders(job, places)]
    assert names[:2] == (["one-hot-labels", "integer-labels"] if job == "one-hot" else ["ours", "keras-fit"])
    assert not any("jax" in name or "torch" in name for name in names)
    whole = [contender.name for contender in whole_contenders(places, places.scripts)]
    assert whole == ["fittingroom-train", "fittingroom-tutorial"]


def test_peers_and_environments_that_are_there_take_part(places):
    places.scripts.mkdir()
    for script in ("peer_plain_torch.py", "fit_elsewhere.py", "walkthrough_script.py"):
        (places.scripts / script).touch()
    python, core = made(places.environments, "jax"), made(places.environments, "core")
    by_name = {contender.name: contender for contender in epoch_contenders("thin-conv", places)}
    assert {"plain-torch", "plain-torch-kept-memory", "keras-fit-jax"} < by_name.keys()
    assert by_name["keras-fit-jax"].command[0] == str(python)
    assert by_name["keras-fit-jax"].environment["KERAS_BACKEND"] == "jax"
    assert by_name["keras-fit-jax"].turns == 1
    whole = {contender.name: contender for contender in whole_contenders(places, places.scripts)}
    assert whole["fittingroom-train"].command[0] == str(core)
    assert whole.keys() >= {"keras-script-jax", "keras-script-torch"}


def test_rivals_wait_as_openmp_does_by_itself_and_not_as_we_set_it(places, monkeypatch):
    monkeypatch.setenv("GOMP_SPINCOUNT", "2000")
    spins = {c.name: c.environment["GOMP_SPINCOUNT"] for c in epoch_contenders("walkthrough", places)}
    assert spins == {"ours": "2000", "keras-fit": "300000", "floor": "300000"}


def test_bars_are_held_or_missed_by_the_medians():
    results = {"ours": [1.0, 2.0, 3.0], "plain-torch": [1.0, 1.0]}
    text = race_table("thin-conv", results)
    assert "| ours | 2.000 | 1.000 to 3.000 | 3 | 1.00 |" in text
    assert "| epoch / plain-torch | 1.05 | 2.00 | **missed** |" in text
    assert "epoch / keras-fit" not in text
    text = whole_table(
        {"fittingroom-train": [2.0], "keras-script-tensorflow": [4.0]},
        {"fittingroom-train": [500_000_000], "keras-script-tensorflow": [800_000_000]},
    )
    assert "| time / keras-script-tensorflow | 0.55 | 0.50 | holds |" in text
    assert "| peak memory / keras-script-tensorflow | 0.60 | 0.62 | **missed** |" in text


@pytest.mark.soak
def test_keras_finds_the_data_without_a_network(tmp_path, toy, monkeypatch):
    monkeypatch.setattr("fittingroom.speed.lineup.load", lambda: toy)
    monkeypatch.setenv("KERAS_HOME", str(fill(tmp_path)))
    files = sorted(path.name for path in (tmp_path / "datasets" / "fashion-mnist").iterdir())
    assert len(files) == 4
    code = "import keras; (x, y), _ = keras.datasets.fashion_mnist.load_data(); print(x.sum(), y.sum())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pixels, labels = (int(word) for word in done.stdout.split())
    assert (pixels, labels) == (int(np.sum(toy.train.images, dtype=np.int64)), int(toy.train.labels.sum()))


@pytest.mark.soak
def test_a_contender_runs_in_a_process_of_its_own_and_prints_the_seconds_of_each_epoch():
    command = [sys.executable, "-m", "fittingroom.speed.contenders", "floor", "walkthrough", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [seconds > 0 for seconds in json.loads(done.stdout)] == [True, True]
