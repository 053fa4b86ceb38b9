"""`fr.sweep` and `fittingroom sweep` for real on a small dataset: folder, recipe, page and twin; Python and command."""

import json
from dataclasses import replace

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data import hold_out
from fittingroom.errors import UsageError
from fittingroom.extras import EXTRAS
from fittingroom.pages.sweep import values
from fittingroom.training import Recipe
from helpers.page_reader import Reader

pytest.importorskip("optuna")
SPACE = """[settings]
epochs = 2

[space]
learning_rate = { low = 0.00005, high = 0.02, log = true }
optimizer = ["rmsprop", "sgd"]
"""


@pytest.fixture(scope="module")
def swept(toy_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "space.toml").write_text(SPACE)
    asked = {"trials": 5, "finalists": 1, "fresh_seeds": 2, "pruner": "none", "sampler": "random", "threads": 1}
    return fr.sweep(folder / "space.toml", toy_folder, **asked, out=folder / "out")


def test_trials_and_finalists_are_runs_and_no_image_is_in_two_parts(swept, toy_folder):
    data = fr.load(toy_folder)
    assert sorted(path.name for path in swept.folder.glob("trials/trial-*")) == [f"trial-{n:04}" for n in range(5)]
    _, second = hold_out(data.train, swept.second_n, seed=1)
    run = fr.open_run(swept.folder / "trials" / "trial-0000")
    assert run.environment["train_images"] == swept.train_n == 640 - 2 * 106
    assert run.environment["validation_images"] == swept.validation_n == 106
    assert run.environment["edits"]["excluded"] == 106
    trained_on = data.edited(swept.folder / "second-part.csv").train
    assert not np.isin(second.indices, trained_on.indices).any()
    fresh = sorted(path.name for path in swept.folder.glob("finals/*-s*"))
    assert len(fresh) == 2 * 2
    assert {name[-2:] for name in fresh} == {"s1", "s2"}
    assert all(fr.open_run(path).test_looks == [] for path in swept.folder.glob("*/*-*"))


def test_the_second_parts_figures_are_those_of_the_runs(swept, toy_folder):
    data = fr.load(toy_folder)
    _, second = hold_out(data.train, swept.second_n, seed=1)
    for each in swept.finalists:
        for seed, figures in each["by_seed"].items():
            run = fr.open_run(swept.folder / "finals" / f"{each['name']}-s{seed}")
            right = np.mean(run.predict(second.images, tempered=False).argmax(axis=1) == second.labels)
            assert figures["second"] == pytest.approx(right)
            assert figures["first"] == run.history[-1]["val_accuracy"]


def test_the_best_recipe_is_one_and_says_what_was_chosen(swept):
    recipe = Recipe.from_toml(swept.folder / "best.toml")
    assert recipe.epochs == 2
    assert {name: getattr(recipe, name) for name in swept.best} == dict(swept.best)
    chosen = next(each for each in swept.finalists if each["name"] == swept.chosen)
    assert chosen["first"] == max(each["first"] for each in swept.finalists if each["name"] != "recipe")


def test_the_page_says_what_its_twin_says(swept):
    twin = json.loads((swept.folder / "results.json").read_text())
    assert twin == json.loads(json.dumps(swept.to_dict()))
    html = (swept.folder / "sweep.html").read_text()
    page = Reader(html)
    assert len(page.svgs) == 2
    for sentence in (values.trials_sentence(swept), values.flattery_sentence(swept), values.gain_sentence(swept)):
        assert sentence
        assert sentence in " ".join(page.words.split())
    for row in twin["trials"]:
        assert row["trial"] in page.words
    assert "http" not in html.replace("http://www.w3.org", "")


def test_the_command_goes_on_with_it_and_prints_the_same(swept, run, toy_folder, monkeypatch):
    monkeypatch.chdir(swept.folder.parent)
    words = ["sweep", "space.toml", "--dataset", toy_folder, "--trials", 5, "--finalists", 1, "--fresh-seeds", 2]
    words += ["--pruner", "none", "--sampler", "random", "--threads", 1, "--out", swept.folder]
    answer = run(*words, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["schema"] == "fittingroom/sweep/1"
    assert {**told, "command": ""} == {**json.loads(json.dumps(swept.to_dict())), "command": ""}
    answer = run(*words)
    assert f"The best: {swept.chosen}: {values.setting_words(swept.best)}" in answer.out
    assert values.flattery_sentence(swept) in answer.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.toml"], "nowhere.toml: expected a file, found no such file"),
        (["space.toml", "--trials", "0"], "--trials: expected a whole number, 1 or more, received 0"),
        (
            ["space.toml", "--validation", "600", "--second", "100"],
            "Expected two held-out parts with fewer than the 640",
        ),
        (["space.toml", "--sampler", "grid"], "[space] learning_rate: expected a step or a list of values for a grid"),
        (["space.toml", "--on", "somewhere"], "--on: expected local"),
        (["space.toml", "--on", "tcp://127.0.0.1:1"], "No Dask scheduler answers at tcp://127.0.0.1:1"),
        (["space.toml", "--out", "full"], "full: expected an empty or a new folder for the sweep"),
        (["mirror.toml", "--dataset", "mnist"], "mnist"),
    ],
)
def test_what_cannot_be_honoured_is_one_sentence_and_leaves_nothing(
    run, toy_folder, tmp_path, monkeypatch, words, told
):
    monkeypatch.chdir(tmp_path)
    if "--on" in words:
        pytest.importorskip("distributed")
        monkeypatch.setattr("fittingroom.jobs.places.CONNECT_SECONDS", 1)
    (tmp_path / "space.toml").write_text(SPACE)
    (tmp_path / "mirror.toml").write_text("[space]\nflip = ['none', 'random', 'sideways']\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    if words[0] == "mirror.toml":
        told = "Recipe setting 'flip': expected one of none, random, alternating"
    answer = run("sweep", *words, *([] if "--dataset" in words else ["--dataset", toy_folder]))
    assert (answer.code, answer.out) == (2, "")
    assert told in " ".join(answer.err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "mirror.toml", "space.toml"]
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_without_optuna_the_line_that_installs_it_is_told(monkeypatch, toy_folder):
    monkeypatch.setitem(EXTRAS, "sweep", ("no-such-optuna",))
    with pytest.raises(
        UsageError, match=r"A sweep needs Optuna, which is not installed\. Install it: .*no-such-optuna"
    ):
        fr.sweep({"space": {"epochs": [1, 2]}}, toy_folder)


def test_sentences_say_what_the_figures_say(swept):
    told = {"trial": 0.95, "first": 0.94, "second": 0.93, "too_high": 0.02, "interval": [0.001, 0.039], "easier": None}
    gain = {"mean": 0.01, "interval": (0.002, 0.018), "seeds": 5}
    report = replace(swept, recipe="92", settings={}, flattery=told, gain=gain)
    assert values.flattery_sentence(report).endswith("its score was too high by 2.00 points (95 % +0.10 to +3.90).")
    assert values.gain_sentence(report).endswith(
        "+1.00 points (95 % +0.20 to +1.80, 5 seeds): better, beyond the chance of seeds."
    )
    chance = replace(report, flattery={**told, "interval": [-0.01, 0.05]}, gain={**gain, "interval": (-0.1, 0.1)})
    assert values.flattery_sentence(chance).endswith("which is within chance.")
    assert values.gain_sentence(chance).endswith("cannot be told from the chance of seeds.")
    lower = replace(
        report, flattery={**told, "too_high": -0.01, "easier": 0.013}, gain={**gain, "interval": (-0.2, -0.1)}
    )
    assert "it has not flattered itself. The second part is easier by 1.30 points" in values.flattery_sentence(lower)
    assert values.flattery_sentence(lower).endswith("with that, the score was too high by 0.30.")
    assert values.gain_sentence(lower).endswith("worse, beyond the chance of seeds.")
    assert values.gain_sentence(replace(report, gain=None)) == ""
