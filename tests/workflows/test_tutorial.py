"""The walk-through as a whole, on a small dataset."""

import html
import json
import re
import shlex
import shutil
from types import SimpleNamespace

import pytest
from markupsafe import Markup

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import Interrupted, RunError
from fittingroom.pages.report import report
from fittingroom.runs import PAGE, open_run
from fittingroom.training import loop
from fittingroom.tutorial import tutorial
from fittingroom.tutorial_plan import TutorialPlan
from helpers import small_dataset
from helpers.page_reader import prose_of, unexplained, words_of


@pytest.fixture(scope="module")
def outcome(toy_folder, tmp_path_factory):
    lines = []
    plan = TutorialPlan(dataset=str(toy_folder), epochs=3, seed=4, out=tmp_path_factory.mktemp("t") / "run")
    run, verdict = tutorial(plan, log=lines.append)
    return SimpleNamespace(run=run, verdict=verdict, page=run.folder / PAGE, lines="\n".join(lines))


def test_all_nine_steps_are_told_in_order(outcome):
    found = re.findall(r"^(\d)\. (\w+)|^(\d)\. (\w+):", outcome.lines, re.MULTILINE)
    names = ["Load", "Look", "Rescale", "Build", "Compile", "Fit", "Evaluate", "Predict", "Show"]
    assert [row[1] or row[3] for row in found] == names


def test_the_run_folder_holds_plain_files(outcome):
    names = {path.name for path in outcome.run.folder.iterdir()}
    assert {
        "environment.json",
        "recipe.toml",
        "resolved.json",
        "history.jsonl",
        "model.keras",
        "predictions.npz",
        "verdict.json",
        "test_looks.jsonl",
        "report.html",
    } <= names
    assert "checkpoint" not in names


def test_the_test_split_was_looked_at_once(outcome):
    looks = outcome.run.test_looks
    assert [look["asked_by"] for look in looks] == ["tutorial"]
    assert looks[0]["accuracy"] == outcome.verdict.accuracy


def test_the_page_holds_the_score_its_interval_seed_and_fingerprint(outcome):
    page, verdict = outcome.page.read_text("utf-8"), outcome.verdict
    low, high = verdict.accuracy_interval
    for text in (
        f"{verdict.accuracy:.4f}",
        f"{low:.4f}",
        f"{high:.4f}",
        outcome.run.environment["fingerprint"],
        "--seed 4",
    ):
        assert text in Markup(page).striptags()


def test_the_page_claims_no_comparison_for_another_dataset(outcome):
    assert "So they are not shown" in outcome.page.read_text("utf-8")


def test_the_page_needs_nothing_from_outside_and_stays_small(outcome):
    text = outcome.page.read_text("utf-8")
    assert len(text.encode()) < 3_000_000
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:|#)""", text)
    assert "<script" not in text
    assert "@import" not in text


def test_the_verdict_file_is_the_pages_twin(outcome):
    verdict = outcome.run.verdict
    assert verdict["accuracy"] == outcome.verdict.accuracy
    assert verdict["page"]["fitting"]["train_accuracy"] is not None
    assert verdict["page"]["seed"] == 4


def test_every_number_of_the_pages_words_is_in_the_verdict_file(outcome):
    words = prose_of(outcome.page.read_text("utf-8"))
    of_method = {"95", "0", "1", "2", "20", "0.1", "255", "10000", "128"}
    assert unexplained(words, outcome.run.verdict, of_method) == set()


def test_the_page_has_the_calibration_of_the_network_and_what_it_gets_wrong(outcome):
    words = words_of(outcome.page.read_text("utf-8"))
    for part in ("The score in context", "Confidence and calibration", "Highest losses", "No temperature is fitted"):
        assert part in words
    assert len(outcome.run.verdict["page"]["judged"]["top_losses"]) == 9


def test_report_writes_the_same_page_again(outcome):
    before = outcome.page.read_text("utf-8")
    report(outcome.run)
    after = outcome.page.read_text("utf-8")
    figures = re.compile(r"<svg.*?</svg>|\d+\.\d+ s|\d+\.\d+", re.DOTALL)
    assert figures.sub("", before) == figures.sub("", after)


def test_the_same_seed_gives_the_same_score_to_the_bit(outcome, toy_folder, tmp_path):
    again, _ = tutorial(TutorialPlan(dataset=str(toy_folder), epochs=3, seed=4, out=tmp_path / "again"))
    assert again.predictions.probabilities.tobytes() == outcome.run.predictions.probabilities.tobytes()


def test_data_that_changed_since_is_refused(toy_folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in toy_folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    run, _ = tutorial(TutorialPlan(dataset=str(copy), epochs=1, out=tmp_path / "run"))
    labels = copy / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    with pytest.raises(RunError, match="The files have changed since this run"):
        report(run)


def test_json_is_one_object_on_stdout_and_nothing_else(toy_folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["tutorial", "--dataset", str(toy_folder), "--epochs", "1", "--out", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert captured.err == ""
    assert set(facts) == {
        "schema",
        "test_accuracy",
        "test_accuracy_interval",
        "n",
        "test_loss",
        "train_accuracy",
        "epochs",
        "seconds",
        "seed",
        "dataset",
        "fingerprint",
        "run",
    }
    assert set(facts["seconds"]) == {"load", "build", "train", "evaluate", "report", "total"}
    assert facts["n"] == 200
    low, high = facts["test_accuracy_interval"]
    assert low <= facts["test_accuracy"] <= high


@pytest.mark.soak
def test_against_another_dataset_shows_both_scores(toy_folder, shared, tmp_path):
    plan = TutorialPlan(dataset=str(toy_folder), against=str(shared / "mnist"), epochs=1, out=tmp_path / "run")
    run, verdict = tutorial(plan)
    rival = open_run(tmp_path / "run" / "against-mnist")
    text = (run.folder / PAGE).read_text("utf-8")
    assert f"{rival.verdict['accuracy']:.4f}" in text
    assert f"{verdict.accuracy:.4f}" in text


def test_a_model_that_was_only_trained_shows_no_test_figures(toy_folder, tmp_path):
    words = ["train", "--dataset", str(toy_folder), "--epochs", "1", "--out", str(tmp_path / "r"), "--quiet"]
    assert main(words) == 0
    text = report(tmp_path / "r").read_text("utf-8")
    assert "Training curves only" in text
    assert "Test accuracy" not in text


def test_a_run_without_an_epoch_has_nothing_to_report(tmp_path):
    from fittingroom import runs

    with pytest.raises(RunError, match="no epoch has ended"):
        report(runs.create(tmp_path / "r", "x", 0, {}))


def snippets(page: str) -> list[str]:
    """Return the code that a page shows, in order."""
    found = re.findall(r'<pre class="code"><code>(.*?)</code></pre>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", code)) for code in found]


def test_every_snippet_of_the_page_runs_as_it_stands_and_gives_the_pages_score(outcome, tmp_path, monkeypatch):
    run, verdict = outcome.run, outcome.verdict
    monkeypatch.chdir(tmp_path)
    code = snippets((run.folder / PAGE).read_text("utf-8"))
    assert len(code) > 7
    names: dict = {}
    for each in code:
        exec(compile(each, "page", "exec"), names)
    assert names["verdict"].n == verdict.n
    assert names["predictions"].shape == (200, 10)
    assert names["run"].environment["fingerprint"] == run.environment["fingerprint"]


@pytest.mark.soak
def test_the_command_on_the_page_makes_the_run_again(toy_folder, tmp_path, monkeypatch, capsys):
    spaced = shutil.copytree(toy_folder, tmp_path / "my bars")
    plan = TutorialPlan(dataset=str(spaced), epochs=1, seed=3, out=tmp_path / "run")
    run, _ = tutorial(plan)
    monkeypatch.chdir(tmp_path)
    assert plan.command in Markup((run.folder / PAGE).read_text("utf-8")).striptags()
    assert main([*shlex.split(plan.command)[1:], "--out", "again", "--quiet"]) == 0
    capsys.readouterr()
    again = open_run(tmp_path / "again").predictions.probabilities
    assert again.tobytes() == run.predictions.probabilities.tobytes()


def test_what_a_stopped_walk_through_says_to_do_works(toy_folder, tmp_path, monkeypatch, capsys):
    real, calls = loop.Loop._stop_if, []

    def stop_once(self, stop, *rest):
        calls.append(stop)
        return real(self, len(calls) == 1, *rest)

    monkeypatch.setattr(loop.Loop, "_stop_if", stop_once)
    monkeypatch.chdir(tmp_path)
    assert main(["tutorial", "--dataset", str(toy_folder), "--epochs", "1", "--quiet"]) == 130
    advice = capsys.readouterr().err.strip().splitlines()[-1]
    command = re.search(r"begins again with: fittingroom (.*)$", advice)[1]
    assert main([*shlex.split(command), "--quiet"]) == 0


def test_a_stopped_training_of_a_compiled_model_names_the_python_that_goes_on(toy, tmp_path, monkeypatch):
    from fittingroom.training import resume

    real, calls = loop.Loop._stop_if, []

    def stop_once(self, stop, *rest):
        calls.append(stop)
        return real(self, len(calls) == 1, *rest)

    def compiled():
        model = fr.build("walkthrough")
        model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    monkeypatch.setattr(loop.Loop, "_stop_if", stop_once)
    with pytest.raises(Interrupted, match="Go on from Python, with the same model") as stopped:
        fr.train(compiled(), toy, epochs=1, batch_size=10, out=tmp_path / "run")
    code = re.search(r"fittingroom\.training\.(resume\(.*\))$", str(stopped.value))[1]
    assert eval(code, {"resume": resume, "data": toy, "model": compiled()}).history


@pytest.mark.soak
def test_each_experiment_at_the_end_of_the_page_runs_as_it_is_printed(outcome, tmp_path, monkeypatch, capsys):
    twin = json.loads((outcome.run.folder / "verdict.json").read_text("utf-8"))["page"]
    page = Markup(outcome.page.read_text("utf-8")).striptags()
    monkeypatch.chdir(tmp_path)
    assert len(twin["next"]) == 3
    for experiment in twin["next"]:
        assert experiment["command"] in page
        assert main([*shlex.split(experiment["command"])[1:], "--quiet"]) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 3
    capsys.readouterr()


@pytest.mark.soak
def test_experiments_on_tiny_pictures_and_few_of_them_run_too(tmp_path, monkeypatch, capsys):
    made = small_dataset.arrays()
    folder = small_dataset.write_folder(tmp_path / "small pictures", made)
    monkeypatch.chdir(tmp_path)
    run, _ = tutorial(TutorialPlan(dataset=str(folder), epochs=1, out=tmp_path / "run"))
    for experiment in run.read_json("verdict.json")["page"]["next"]:
        assert main([*shlex.split(experiment["command"])[1:], "--quiet"]) == 0
    capsys.readouterr()
