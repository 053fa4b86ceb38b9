"""The everyday options of `train`: their own names for settings, and several seeds at once."""

import json
import statistics

import pytest

import fittingroom as fr
from fittingroom.judging.intervals import student_interval


def resolved(folder):
    return fr.open_run(folder).resolved


def test_rate_batch_and_device_are_settings_under_their_own_names(run, toy_folder, tmp_path):
    words = ["--lr", "0.05", "--batch-size", 64, "--device", "cpu", "--set", "optimizer=sgd", "--epochs", 1]
    assert run("train", "--dataset", toy_folder, *words, "--no-onnx", "--out", tmp_path / "r").code == 0
    used = resolved(tmp_path / "r")
    assert (used["learning_rate"], used["batch_size"], used["device"]) == (0.05, 64, "cpu")
    facts = fr.open_run(tmp_path / "r").environment
    assert (facts["device"], facts["device_reason"].split(";")[0]) == ("cpu", "asked for")
    assert facts["recipe"]["changes"]["learning_rate"] == 0.05


def test_python_takes_them_by_the_same_words(toy, tmp_path):
    trained = fr.train("walkthrough", toy, epochs=1, lr=0.002, device="cpu", out=tmp_path / "r", onnx=False)
    assert (trained.resolved["learning_rate"], trained.resolved["device"]) == (0.002, "cpu")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--lr", "0.1", "--set", "learning_rate=0.1"],
            "Expected learning_rate once, received it twice: by itself (lr)",
        ),
        (["--lr", "0.1", "--set", "lr=0.1"], "Expected learning_rate once, received it twice: by itself (lr)"),
        (["--batch-size", "8", "--set", "batch_size=8"], "Expected batch_size once, received it twice"),
        (["--device", "cpu", "--set", "device=cpu"], "Expected device once, received it twice"),
        (["--lr", "fast"], "Recipe setting 'learning_rate': expected a number, at least 0, or auto, received 'fast'."),
        (["--lr", "nan"], "Recipe setting 'learning_rate': expected a number, at least 0, or auto, received nan."),
        (["--batch-size", "0"], "--batch-size: expected a whole number, 1 or more, received 0."),
        (["--seeds", "0"], "--seeds: expected a whole number, 1 or more, received 0."),
        (["--resume", "runs/x", "--lr", "0.1", "--batch-size", "8"], "Expected --resume without --batch-size, --lr"),
        (["--resume", "runs/x", "--seeds", "2"], "Expected --resume without --seeds"),
        (["--resume", "runs/x", "--track", "mlflow"], "Expected --resume without --track"),
        (["--preview", "a.png", "--lr", "0.1"], "Expected --preview or --find-lr without --lr"),
        (["--preview", "a.png", "--device", "cpu"], "Expected --preview or --find-lr without --device"),
        (["--find-lr", "a.png", "--seeds", "2"], "Expected --preview or --find-lr without --seeds"),
        (["--find-lr", "a.png", "--batch-size", "8", "--set", "batch_size=8"], "Expected batch_size once"),
        (["--track", "tensorbord"], "Unknown tracker 'tensorbord'. Did you mean 'tensorboard'?"),
    ],
)
def test_what_cannot_be_honoured_is_refused_in_one_sentence(run, toy_folder, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    answer = run("train", "--dataset", toy_folder, *words)
    assert (answer.code, answer.out) == (2, "")
    assert told in " ".join(answer.err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there_is_refused_with_those_that_are(run, toy_folder, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device, noun in (("mps", "device 'mps'"), ("cuda", "CUDA device")):
        answer = run("train", "--dataset", toy_folder, "--device", device, "--out", tmp_path / "r")
        assert answer.code == 2
        assert f"Expected a {noun}, found none. There is cpu on this machine" in answer.err
        assert not (tmp_path / "r").exists()


def test_keras_words_for_them_are_answered_with_ours(toy):
    with pytest.raises(fr.FittingRoomError, match=r"learning_rate=0\.1 is not taken here\. It is called lr here"):
        fr.train("walkthrough", toy, learning_rate=0.1)
    with pytest.raises(fr.FittingRoomError, match=r"seeds=5 is not taken here\. Several seeds .* fr\.train_seeds"):
        fr.train("walkthrough", toy, seeds=5)


def test_several_seeds_are_told_together(run, toy_folder, tmp_path):
    words = ["--dataset", toy_folder, "--epochs", 1, "--validation", 100, "--no-onnx", "--out", tmp_path / "g"]
    answer = run("train", *words, "--seed", 3, "--seeds", 3)
    assert answer.code == 0, answer.err
    found = [fr.open_run(tmp_path / "g" / f"seed-{seed}").history[-1]["val_accuracy"] for seed in (3, 4, 5)]
    low, high = student_interval(found)
    line = (
        f"Validation accuracy over 3 seeds: mean {statistics.fmean(found):.4f}, sd {statistics.stdev(found):.4f}, "
        f"95 % of the mean {low:.4f} to {high:.4f} (Student's t), n = 100"
    )
    assert line in answer.out
    facts = json.loads(run("train", *words, "--seed", 3, "--seeds", 3, "--json").out)
    assert facts["schema"] == "fittingroom/train-seeds/1"
    assert facts["validation"]["accuracies"] == found
    assert facts["validation"]["mean_interval"] == [low, high]
    assert (facts["test"], [row["seed"] for row in facts["runs"]]) == (None, [3, 4, 5])
    rows = json.loads(run("runs", "list", tmp_path, "--json").out)["runs"]
    assert [row["run"] for row in rows] == [str(tmp_path / "g" / f"seed-{seed}") for seed in (3, 4, 5)]


def test_groups_are_compared_by_their_means(run, toy_folder, tmp_path):
    words = ["--dataset", toy_folder, "--epochs", 1, "--validation", 100, "--no-onnx", "--seeds", 2, "--json"]
    for name, rate in (("a", "0.001"), ("b", "0.01")):
        assert run("train", *words, "--lr", rate, "--out", tmp_path / name).code == 0
    both = [tmp_path / "a", tmp_path / "b"]
    facts = json.loads(run("compare", *both, "--json").out)
    assert [group["name"] for group in facts["groups"]] == [
        "walkthrough, learning_rate=0.001",
        "walkthrough, learning_rate=0.01",
    ]
    assert [len(group["accuracies"]) for group in facts["groups"]] == [2, 2]
    assert len(facts["pairs"]) == 6
    assert facts["groups"][0]["accuracies"] == [score["accuracy"] for score in facts["scores"][:2]]
    text = run("compare", *both, "--show", 0).out
    assert "walkthrough, learning_rate=0.01" in text
    assert "95 % of the mean (Student's t)" in text
    rows = run("compare", *both, "--format", "csv").out.splitlines()
    assert len(rows) == 1 + 4 + 2
    assert "mean of 2 seeds" in rows[-1]
