"""Paths as text or `Path`, and whole numbers, from plain Python: without the type checks that the tests switch on."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.soak

SCRIPT = """
import json, os, sys
from pathlib import Path
import numpy as np
from PIL import Image
import fittingroom as fr
from fittingroom.data import locate, read_idx, verify, write_idx
from fittingroom.errors import FittingRoomError

bars = sys.argv[1]
os.symlink(bars, "bars")
data = fr.load("./bars")
Image.fromarray(data.test.images[0]).save("a.png")
told = {}

def attempt(name, action):
    try:
        action()
        told[name] = "done"
    except FittingRoomError as error:
        told[name] = str(error)
    except Exception as error:
        told[name] = f"CRASH {type(error).__name__}: {error}"

def train(**options):
    return fr.train(fr.build(), data, **{"epochs": 1, **options})

for kind in (str, Path):
    a = lambda name, action: attempt(f"{name} {kind.__name__}", action)
    a("train out", lambda: train(out=kind(f"run-{kind.__name__}")))
    run = f"run-{kind.__name__}"
    a("load", lambda: fr.load(kind("./bars")))
    a("load_data", lambda: fr.load_data(kind("./bars")))
    a("locate", lambda: locate(kind("./bars")))
    a("verify", lambda: verify(kind("./bars")))
    a("open_run", lambda: fr.open_run(kind(run)))
    a("load_model of a run", lambda: fr.load_model(kind(run)))
    a("load_model of a name", lambda: fr.load_model(kind("fashion-mnist/90")))
    a("predict", lambda: fr.predict(kind(run), data.test.images))
    a("predict of a file", lambda: fr.predict(kind(f"{run}/model.keras"), data.test.images))
    a("evaluate", lambda: fr.evaluate(kind(run), data))
    a("evaluate on a folder", lambda: fr.evaluate(kind(run), kind("./bars")))
    a("report", lambda: fr.report(kind(run)))
    a("interpret", lambda: fr.interpret(kind(run), data))
    a("predict_photos", lambda: fr.predict_photos(kind("a.png")))
    a("predict_photos by a model", lambda: fr.predict_photos("a.png", kind("fashion-mnist/photo")))
    a("read_idx", lambda: read_idx(kind("bars/train-labels-idx1-ubyte")))
    a("write_idx", lambda: write_idx(kind("labels.gz"), data.test.labels))
    a("from_toml", lambda: fr.Recipe.from_toml(kind(f"{run}/recipe.toml")))

for seed in (-1, 5_000_000_000, 1.7, True, "3", None):
    attempt(f"train seed {seed!r}", lambda: train(seed=seed))
    attempt(f"build seed {seed!r}", lambda: fr.build(seed=seed))
    attempt(f"hold_out seed {seed!r}", lambda: fr.hold_out(data.train, 5, seed=seed))
for number in (0, 1.9, -1, True, "2"):
    attempt(f"epochs {number!r}", lambda: train(epochs=number))
    attempt(f"batch_size {number!r}", lambda: train(batch_size=number))
for number in (0, -1, 640, 0.1, True, "x", data):
    attempt(f"validation {str(number)[:7]}", lambda: train(validation=number))
attempt("hold_out 1.5", lambda: fr.hold_out(data.train, 1.5))
attempt("resamples 1.5", lambda: fr.judge([0, 1], [[0.9, 0.1], [0.2, 0.8]], ["a", "b"], resamples=1.5))
numbers = dict(seed=np.int64(3), epochs=np.int32(1), batch_size=np.int64(64), validation=np.int64(64))
attempt("numbers of NumPy", lambda: train(**numbers))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(toy_folder, tmp_path_factory):
    """What came of each call, by its name; all in one fresh process."""
    place = tmp_path_factory.mktemp("arguments")
    words = [sys.executable, "-c", SCRIPT, str(toy_folder)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=place, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_every_path_may_be_text_or_a_path(told):
    calls = {name: outcome for name, outcome in told.items() if name.endswith((" str", " Path"))}
    assert len(calls) == 38
    assert {name: outcome for name, outcome in calls.items() if outcome != "done"} == {}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("train seed", "seed: expected a whole number, 0 to 4294967295, received"),
        ("build seed", "seed: expected a whole number, 0 to 4294967295, received"),
        ("hold_out seed", "seed: expected a whole number, 0 to 4294967295, received"),
        ("epochs", "Recipe setting 'epochs': expected a whole number, at least 1, received"),
        ("batch_size", "Recipe setting 'batch_size': expected a whole number, at least 1, received"),
        ("validation", "xpected"),
        ("hold_out 1.5", "images to hold out: expected a whole number, received 1.5"),
        ("resamples", "resamples: expected a whole number, received 1.5"),
    ],
)
def test_a_number_that_is_not_whole_or_out_of_range_is_one_sentence(told, call, words):
    calls = {name: outcome for name, outcome in told.items() if name.startswith(call)}
    assert calls
    for name, outcome in calls.items():
        assert words in outcome, name
        assert not outcome.startswith("CRASH"), name


def test_whole_numbers_of_numpy_are_whole_numbers(told):
    assert told["numbers of NumPy"] == "done"
