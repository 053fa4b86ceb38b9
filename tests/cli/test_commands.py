"""Each command on a small dataset: what it prints, and where."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.edits import write_edits
from fittingroom.data.mnist_kin import KIN
from fittingroom.runs import Run


def test_data_list_names_every_dataset(run):
    answer = run("data", "list", "--json")
    assert {row["name"] for row in json.loads(answer.out)["datasets"]} == {*fr.data.DATASETS, *KIN}


def test_data_info_gives_shapes_and_fingerprint(run, toy_folder, toy):
    facts = json.loads(run("data", "info", toy_folder, "--json").out)
    assert facts["train_shape"] == [640, 28, 28]
    assert facts["fingerprint"] == toy.fingerprint
    assert facts["class_names"][3] == "bar 3"
    assert toy.fingerprint in run("data", "info", toy_folder).out


def test_data_path_prints_the_folder_and_nothing_else(run, toy_folder):
    answer = run("data", "path", toy_folder)
    assert answer.out.strip() == str(toy_folder)


def test_data_verify_exits_with_1_where_a_file_is_not_whole(run, toy_folder, tmp_path):
    assert run("data", "verify", toy_folder).code == 0
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in toy_folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    images = copy / "t10k-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-100])
    answer = run("data", "verify", copy)
    assert answer.code == 1
    assert "NOT SOUND" in answer.out
    assert "t10k-images-idx3-ubyte" in answer.err


def test_explore_counts_every_class(run, toy_folder, tmp_path):
    answer = run("explore", "--dataset", toy_folder, "--pictures", tmp_path / "pictures", "--json")
    facts = json.loads(answer.out)
    assert facts["splits"][0]["labels_per_class"] == [64] * 10
    assert facts["splits"][1]["images"] == [200, 28, 28]
    assert [Path(path).read_bytes()[1:4] for path in facts["pictures"]] == [b"PNG"] * 3


def test_explore_tells_mean_and_spread_as_numpy_does(run, toy_folder, toy):
    split = json.loads(run("explore", "--dataset", toy_folder, "--json").out)["splits"][0]
    scaled = toy.train.images / 255
    assert split["mean"] == pytest.approx(scaled.mean(), abs=1e-12)
    assert split["sd"] == pytest.approx(scaled.std(), abs=1e-12)
    assert split["pixel_range"] == [toy.train.images.min(), toy.train.images.max()]


def test_models_list_and_info_name_every_architecture(run):
    assert {row["name"] for row in json.loads(run("models", "list", "--json").out)["models"]} == set(fr.models.MODELS)
    assert json.loads(run("models", "info", "walkthrough", "--json").out)["parameters"] == 101_770
    assert "101,770" in run("models", "info").out


def test_doctor_is_one_block_with_versions_and_data(run):
    answer = run("doctor")
    assert all(word in answer.out for word in ("keras", "torch", "processor", "threads", "data fashion-mnist"))
    assert json.loads(run("doctor", "--json").out)["schema"] == "fittingroom/doctor/1"


def test_train_writes_one_line_an_epoch_on_stderr_and_the_result_on_stdout(run, toy_folder, tmp_path):
    answer = run("train", "--dataset", toy_folder, "--set", "epochs=3", "--out", tmp_path / "r")
    lines = [line for line in answer.err.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert "\r" not in answer.err
    assert "Training accuracy" in answer.out
    assert "Test it, once: fittingroom evaluate" in answer.out


def test_a_validation_accuracy_comes_with_its_interval_count_seed_and_data(run, toy_folder, tmp_path):
    words = ["--dataset", toy_folder, "--epochs", 1, "--validation", 50, "--seed", 3]
    answer = run("train", *words, "--out", tmp_path / "r")
    assert re.search(
        r"Validation accuracy [01]\.\d+ \(95 % 0\.\d+ to [01]\.\d+, n = 50\), seed 3, data \w{16}", answer.out
    )
    facts = json.loads(run("train", *words, "--out", tmp_path / "s", "--json").out)
    low, high = facts["validation_interval"]
    assert facts["validation_n"] == 50
    assert 0 <= low <= facts["last_epoch"]["val_accuracy"] <= high <= 1


def test_runs_are_listed_with_the_interval_of_a_test_score(run, toy_folder, tmp_path):
    run("train", "--dataset", toy_folder, "--epochs", 1, "--out", tmp_path / "r")
    assert json.loads(run("runs", "list", tmp_path, "--json").out)["runs"][0]["test_interval"] is None
    run("evaluate", tmp_path / "r", "--dataset", toy_folder)
    row = json.loads(run("runs", "list", tmp_path, "--json").out)["runs"][0]
    low, high = row["test_interval"]
    assert low <= row["test_accuracy"] <= high
    assert f"{low:.4f} to {high:.4f}" in run("runs", "list", tmp_path).out


def test_quiet_says_nothing_on_the_way(run, toy_folder, tmp_path):
    answer = run("train", "--dataset", toy_folder, "--epochs", 1, "--out", tmp_path / "r", "--quiet")
    assert answer.err == ""


def test_a_recipe_file_and_a_setting_go_together(run, toy_folder, tmp_path):
    (tmp_path / "mine.toml").write_text('optimizer = "sgd"\nepochs = 4\n')
    words = ["--recipe", tmp_path / "mine.toml", "--set", "epochs=1", "--json"]
    run("train", "--dataset", toy_folder, "--out", tmp_path / "r", *words)
    resolved = json.loads((tmp_path / "r" / "resolved.json").read_text())
    assert (resolved["optimizer"], resolved["epochs"], resolved["learning_rate"]) == ("sgd", 1, 0.01)


def test_evaluate_judges_the_test_split_and_writes_the_look_down(run, trained, toy_folder):
    before = len(fr.open_run(trained).test_looks)
    answer = json.loads(run("evaluate", trained, "--dataset", toy_folder, "--json").out)
    opened = fr.open_run(trained)
    assert answer["n"] == 200
    assert opened.verdict["accuracy"] == answer["accuracy"]
    assert len(opened.test_looks) == before + 1
    assert opened.test_looks[-1]["asked_by"] == "evaluate"
    predicted = opened.predictions.probabilities.argmax(axis=1)
    assert (predicted == opened.predictions.labels).mean() == answer["accuracy"]


def test_evaluate_takes_the_runs_own_data_where_none_is_named(run, trained, toy_folder, tmp_path):
    assert json.loads(run("evaluate", trained, "--json").out)["n"] == 200
    moved = shutil.copytree(trained, tmp_path / "moved")
    facts = fr.open_run(moved).environment | {"data_folder": str(tmp_path / "gone")}
    (moved / "environment.json").write_text(json.dumps(facts))
    answer = run("evaluate", moved, "--json")
    assert answer.code == 2
    assert "--data-dir FOLDER" in answer.err
    assert json.loads(run("evaluate", moved, "--data-dir", toy_folder, "--json").out)["n"] == 200


def test_evaluate_does_not_guess_what_a_run_of_arrays_was_trained_on(run, toy, tmp_path):
    arrays = (toy.train.images, toy.train.labels)
    network = fr.build("walkthrough", image_shape=toy.image_shape, classes=toy.classes)
    fr.train(network, arrays, epochs=1, out=tmp_path / "r")
    answer = run("evaluate", tmp_path / "r")
    assert answer.code == 2
    assert "--dataset NAME" in answer.err


def test_evaluate_wants_one_model(run, trained):
    for words in ([], [trained, "--model", trained]):
        answer = run("evaluate", *words)
        assert answer.code == 2
        assert "one of the two" in answer.err


def test_runs_list_and_show_tell_what_a_run_reached(run, trained):
    rows = json.loads(run("runs", "list", trained.parent, "--json").out)["runs"]
    assert rows[0]["run"] == str(trained)
    assert rows[0]["epochs"] == 2
    shown = json.loads(run("runs", "show", trained, "--json").out)
    assert [line["epoch"] for line in shown["history"]] == [1, 2]
    assert "val_accuracy" in run("runs", "show", trained).out


def test_a_run_has_its_name_and_what_was_asked_in_the_list_and_by_itself(run, toy_folder, tmp_path):
    words = ["--dataset", toy_folder, "--recipe", "90", "--set", "epochs=1", "--model", "thin-conv", "--no-onnx"]
    out = tmp_path / "runs" / "a"
    answer = run("train", *words, "--validation", 100, "--seed", 7, "--name", "first-try", "--out", out)
    assert f"The run first-try: {out}" in answer.out
    row = json.loads(run("runs", "list", tmp_path / "runs", "--json").out)["runs"][0]
    told = [row[key] for key in ("name", "model", "recipe", "dataset", "state", "seed")]
    assert told == ["first-try", "thin-conv", "90, 1 changed", "bars", "done", 7]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", row["date"])
    table = run("runs", "list", tmp_path / "runs").out
    assert all(word in table for word in ("first-try", "thin-conv", "90, 1 changed", "bars", "done", row["date"]))
    text = run("runs", "show", out).out
    for word in (
        "first-try",
        "the architecture thin-conv",
        "epochs=1",
        str(toy_folder.resolve()),
        "100 training images held out",
        "fittingroom train --dataset",
    ):
        assert word in text
    assert text.index("fittingroom train") < text.index("learning_rate")
    run("evaluate", out)
    assert json.loads(run("runs", "list", tmp_path / "runs", "--json").out)["runs"][0]["state"] == "evaluated"


def test_a_damaged_run_has_that_state_in_the_list(run, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "runs" / "a")
    (tmp_path / "runs" / "a" / "environment.json").write_text("[]")
    row = json.loads(run("runs", "list", tmp_path / "runs", "--json").out)["runs"][0]
    assert row["state"] == "damaged"
    assert "damaged" in run("runs", "list", tmp_path / "runs").out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--seed", "0"], "--seed"),
        (["--set", "epochs=3", "--validation", "10"], "--set, --validation"),
        (["--recipe", "92", "--epochs", "3"], "--recipe"),
    ],
)
def test_resume_with_what_it_would_ignore_is_refused_by_name(run, trained, words, named):
    answer = run("train", "--resume", trained, *words)
    assert answer.code == 2
    assert f"Expected --resume without {named}: a run goes on with the recipe, seed" in answer.err


def test_preview_and_find_lr_draw_a_picture_and_keep_no_run(run, toy_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run("train", "--dataset", toy_folder, "--set", "flip=random", "--preview", "first.png")
    assert answer.code == 0, answer.err
    assert "8 images of the first batch, as they are and as the network gets them in 4 epochs: first.png" in answer.out
    told = run("train", "--dataset", toy_folder, "--find-lr", "rates.svg", "--json")
    facts = json.loads(told.out)
    assert (facts["schema"], facts["picture"]) == ("fittingroom/find-lr/1", "rates.svg")
    assert len(facts["rates"]) == len(facts["losses"]) == len(facts["smoothed"])
    advice = run("train", "--dataset", toy_folder, "--find-lr", "rates.png").out
    setting = re.search(r"--set (learning_rate=\S+)", advice)[1]
    assert run("train", "--dataset", toy_folder, "--set", setting, "--epochs", "1", "--out", "r").code == 0
    assert {path.name for path in tmp_path.iterdir()} >= {"first.png", "rates.svg", "rates.png", "r"}
    assert not (tmp_path / "runs").exists()


def test_preview_carries_out_edits_and_shows_their_absence_of_an_image(run, toy_folder, tmp_path):
    data = fr.load(toy_folder)
    rows = fr.preview(data=data, batch_size=4, epochs=1)
    assert len(rows[0]) == 4
    first = int(np.flatnonzero((data.train.images == rows[0][0]).all(axis=(1, 2)))[0])
    edits = tmp_path / "edits.csv"
    write_edits(edits, data, [{"index": first, "split": "train", "edit": "exclude"}])
    without = fr.preview(data=data, batch_size=4, epochs=1, edits=edits)
    assert not (without[0] == data.train.images[first]).all(axis=(1, 2)).any()
    answer = run("train", "--dataset", toy_folder, "--edits", edits, "--preview", tmp_path / "first.png")
    assert (answer.code, (tmp_path / "first.png").is_file()) == (0, True), answer.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--preview", "a.png", "--epochs", "3"], "without --epochs"),
        (["--find-lr", "a.png", "--resume", "runs/x"], "without --resume"),
        (["--preview", "a.png", "--find-lr", "b.png"], "without --preview"),
        (["--preview", "a.png", "--model", "thin-conv"], "without --model"),
        (["--preview", "a.docx"], "ends in .png, .svg or .pdf"),
    ],
)
def test_what_preview_and_find_lr_do_not_take_is_refused(run, toy_folder, words, told):
    answer = run("train", "--dataset", toy_folder, *words)
    assert answer.code == 2
    assert told in " ".join(answer.err.split())


def test_a_finished_run_says_that_it_is_finished(run, trained):
    answer = run("train", "--resume", trained)
    assert answer.code == 2
    assert "is finished after 2 epochs" in answer.err
    assert f"fittingroom train --resume {trained} --epochs 4" in answer.err
    assert ("fittingroom evaluate" in answer.err) == (Run(trained).state != "evaluated")


def test_a_finished_run_is_trained_on_for_more_epochs_in_a_run_of_its_own(run, trained, tmp_path):
    before = (trained / "history.jsonl").read_bytes()
    answer = run("train", "--resume", trained, "--epochs", "3", "--out", tmp_path / "more", "--name", "longer")
    assert answer.code == 0, answer.err
    assert "this is another schedule than 3 epochs at once" in answer.err + answer.out
    assert (trained / "history.jsonl").read_bytes() == before
    assert f"after epoch 2 of {trained.resolve()}, trained on" in run("runs", "show", tmp_path / "more").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--epochs", "2"], "--epochs: expected more than the 2"),
        (["--name", "other"], "Expected --epochs with --name"),
        (["--epochs", "3", "--model", "thin-conv"], "need Python"),
        (["--epochs", "3", "--dataset", "fashion-mnist"], "Pass the same data"),
    ],
)
def test_what_a_finished_run_cannot_be_trained_on_with_is_refused(run, trained, words, told):
    answer = run("train", "--resume", trained, *words)
    assert answer.code == 2
    assert told in " ".join(answer.err.split())


def test_a_run_deleted_while_the_runs_are_listed_hides_no_other(run, trained, tmp_path, monkeypatch):
    for name in ("going", "staying"):
        shutil.copytree(trained, tmp_path / name)
    real = Run.summary

    def then_delete(self):
        shutil.rmtree(tmp_path / "going", ignore_errors=True)
        return real(self)

    monkeypatch.setattr(Run, "summary", then_delete)
    answer = run("runs", "list", tmp_path, "--json")
    assert [Path(each["run"]).name for each in json.loads(answer.out)["runs"]] == ["staying"]


def test_runs_list_says_where_it_looked(run, tmp_path):
    assert f"No runs in {tmp_path}/ yet" in run("runs", "list", tmp_path).out
    missing = run("runs", "list", tmp_path / "nowhere")
    assert missing.code == 2
    assert "found no such folder" in missing.err


def test_report_writes_the_page_and_prints_where(run, trained):
    answer = run("report", trained)
    assert answer.out.strip() == str(trained / "report.html")
    assert "<html" in (trained / "report.html").read_text("utf-8")


def test_a_users_own_file_trains_and_its_source_is_kept(run, toy_folder, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import keras\n\ndef network(image_shape, classes):\n"
        "    return keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(),"
        " keras.layers.Dense(classes)])\n"
    )
    words = ["--dataset", toy_folder, "--epochs", 1, "--out", tmp_path / "r"]
    answer = run("train", "--model", f"{tmp_path}/mine.py:network", *words)
    assert answer.code == 0, answer.err
    source = fr.open_run(tmp_path / "r").environment["model_source"]
    assert (source["kind"], source["file"], source["function"]) == ("file", f"{tmp_path}/mine.py", "network")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("def network(: pass", "network", "does not run: SyntaxError"),
        ("def network(): return 3", "network", "expected it to return a Keras model"),
        ("def network(): return 3", "netwrok", "Did you mean 'network'"),
        ("def network(): raise ValueError('no')", "network", "failed: ValueError: no"),
    ],
)
def test_a_users_file_that_is_not_right_is_one_sentence(run, toy_folder, tmp_path, text, name, words):
    (tmp_path / "mine.py").write_text(text)
    answer = run("train", "--dataset", toy_folder, "--model", f"{tmp_path}/mine.py:{name}")
    assert answer.code == 2
    assert words in answer.err


def test_an_interrupted_run_goes_on_by_its_folder(run, toy_folder, tmp_path, monkeypatch):
    from fittingroom.training import loop

    real, calls = loop.Loop._stop_if, []

    def stop_once(self, stop, *rest):
        calls.append(stop)
        return real(self, len(calls) == 1, *rest)

    monkeypatch.setattr(loop.Loop, "_stop_if", stop_once)
    words = ["--dataset", toy_folder, "--set", "batch_size=10"]
    stopped = run("train", "--epochs", 2, "--out", tmp_path / "r", *words)
    assert stopped.code == 130
    assert f"Go on with: fittingroom train --resume {tmp_path / 'r'}" in stopped.err
    resumed = run("train", "--resume", tmp_path / "r", "--dataset", toy_folder)
    assert resumed.code == 0, resumed.err
    whole = run("train", "--epochs", 2, "--out", tmp_path / "whole", *words)
    assert whole.code == 0
    one, other = (fr.open_run(tmp_path / name).model().get_weights() for name in ("r", "whole"))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
