"""One training by several ranks: what one process does, told once, and ended in a sentence where a rank is lost."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fittingroom.cli.app import main
from fittingroom.errors import UsageError
from fittingroom.training.plan import TrainingPlan, refuse_alone
from fittingroom.training.ranks import Ranks, standing
from fittingroom.training.recipe import Recipe
from helpers.rank_processes import run_ranks
from helpers.rank_work import fitted

SGD = {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.02, "gradient_clip": 1.0, "epochs": 13}  # 52 steps
ALTERED = {"flip": "random", "translate": 1, "cutout": 3, "cutmix": 1.0, "label_smoothing": 0.1}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 2, 20, 23])
def test_shares_are_a_batch_cut_in_order_and_differ_by_one_at_most(size, count):
    shares = [Ranks(rank, size).share(count) for rank in range(size)]
    assert [row for share in shares for row in range(count)[share]] == list(range(count))
    sizes = {share.stop - share.start for share in shares}
    assert max(sizes) - min(sizes) <= 1
    assert sizes == Ranks(0, size).share_sizes(count)


def test_own_labels_are_those_of_the_shares_of_each_batch():
    labels = torch.arange(11)
    assert Ranks(0, 2).own_labels(labels, 4).tolist() == [0, 1, 4, 5, 8]
    assert Ranks(1, 2).own_labels(labels, 4).tolist() == [2, 3, 6, 7, 9, 10]


@pytest.fixture
def alone(float64):
    return lambda settings: fitted(True, False, 0.0, settings)


def figures(history):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in history]


@pytest.mark.parametrize(("size", "settings"), [(2, SGD | ALTERED), (3, SGD)])
def test_in_float64_several_ranks_train_as_one_process_does(tmp_path, alone, size, settings):
    weights, history = alone(settings)
    for end in run_ranks(size, tmp_path, "helpers.rank_work:fitted", True, False, 0.0, settings):
        assert end.code == 0, end.err
        theirs, told = end.result
        for ours, other in zip(weights, theirs, strict=True):
            assert np.linalg.norm(ours - other) <= 1e-9 * np.linalg.norm(ours)
        for one, line in zip(figures(history), figures(told), strict=True):
            assert line == pytest.approx(one, rel=1e-9)


def test_ranks_end_with_equal_weights_to_the_bit_also_with_dropout_and_batch_normalisation(tmp_path):
    settings = {"optimizer": "adam", "epochs": 2, "averaging": "ema", "mixup": 0.4}
    first, second = run_ranks(2, tmp_path, "helpers.rank_work:fitted", False, True, 0.3, settings)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    for one, other in zip(first.result[0], second.result[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert figures(first.result[1]) == figures(second.result[1])


def train_words(folder, out, epochs=2):
    data = ["--dataset", str(folder), "--validation", "40", "--no-onnx", "--out", str(out)]
    return ["train", *data, "--epochs", str(epochs), "--batch-size", "50", "--set", "optimizer=sgd"]


def command(size, folder, words, *trouble, **environ):
    return run_ranks(size, folder, "helpers.rank_work:command", words, *trouble, **environ)


def told(ends):
    """The lines that ranks printed on stderr from the command line's own, all of them together."""
    return [line for end in ends for line in end.err.splitlines() if line.startswith("fittingroom: ")]


@pytest.mark.soak
@pytest.mark.slow
def test_one_rank_writes_and_prints_and_a_killed_one_ends_all_with_a_sentence_and_is_resumed(tmp_path, toy_folder):
    words = train_words(toy_folder, tmp_path / "whole")
    whole = command(2, tmp_path / "a", words)
    assert [end.code for end in whole] == [0, 0], whole[0].err + whole[1].err
    assert "The run: " in whole[0].out
    assert (whole[1].out, whole[1].err) == ("", "")
    assert json.loads((tmp_path / "whole" / "environment.json").read_text())["ranks"] == 2

    out = tmp_path / "run"
    ends = command(2, tmp_path / "b", train_words(toy_folder, out), "kill", 1, 18)  # in the second epoch
    assert [end.code for end in ends] == [2, -9], ends[0].err
    (sentence,) = told(ends)
    assert "has lost another one" in sentence
    assert "--resume" in sentence
    assert (out / "checkpoint" / "state.safetensors").exists()

    shutil.copytree(out, tmp_path / "copy")
    for size, folder in ((2, out), (3, tmp_path / "copy")):
        ends = command(size, tmp_path / f"c{size}", ["train", "--resume", str(folder), "--no-onnx"])
        assert [end.code for end in ends] == [0] * size, ends[0].err
        lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
        expected = [json.loads(line) for line in (tmp_path / "whole" / "history.jsonl").read_text().splitlines()]
        if size == 2:
            assert figures(lines) == figures(expected), "as if nothing had happened, to the bit"
        assert figures(lines)[1] == pytest.approx(figures(expected)[1], rel=1e-3)


@pytest.mark.soak
@pytest.mark.slow
def test_asked_to_stop_one_rank_all_stop_after_one_step_and_go_on(tmp_path, toy_folder):
    out = tmp_path / "run"
    ends = command(2, tmp_path / "a", train_words(toy_folder, out), "terminate", 1, 3)
    assert [end.code for end in ends] == [130, 130], ends[0].err + ends[1].err
    (sentence,) = told(ends)
    assert "Stopped in epoch 1 after step" in sentence
    assert "--resume" in sentence
    ends = command(3, tmp_path / "b", ["train", "--resume", str(out), "--no-onnx"])
    assert [end.code for end in ends] == [0, 0, 0], ends[0].err
    last = json.loads((out / "history.jsonl").read_text().splitlines()[-1])
    assert (last["epoch"], last["images"]) == (2, 600)


TROUBLES = {
    "not_a_number": (1, 3, r"The loss is nan in epoch 1, step 4 of 12, on rank 1 of 2"),
    "full_disk": (0, 1, r"No space left on device. The one before is kept"),
    "other_version": (1, 9, r"with the same version of torch, found .* on rank 0 and 2.9.0 on rank 1"),
}


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_on_one_rank_is_one_sentence_of_one_rank(tmp_path, toy_folder, trouble):
    rank, step, words = TROUBLES[trouble]
    ends = command(2, tmp_path / "a", train_words(toy_folder, tmp_path / "run"), trouble, rank, step)
    assert [end.code for end in ends] == [2, 2], ends[0].err + ends[1].err
    (sentence,) = told(ends)
    assert re.search(words, sentence)
    assert "Traceback" not in ends[0].err + ends[1].err
    assert (tmp_path / "run" / "checkpoint" / "state.safetensors").exists() == (trouble == "full_disk")


@pytest.mark.slow
def test_ranks_with_other_data_are_told_apart_before_the_first_step(tmp_path, toy_folder):
    for rank in (0, 1):
        shutil.copytree(toy_folder, tmp_path / f"data-{rank}")
    images = tmp_path / "data-1" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\7")
    ends = command(2, tmp_path / "a", train_words(tmp_path / "data-RANK", tmp_path / "run"))
    assert [end.code for end in ends] == [2, 2], ends[0].err + ends[1].err
    (sentence,) = told(ends)
    assert "with the same data (fingerprint)" in sentence
    assert not (tmp_path / "run").exists(), "no folder of a run that has not begun"


@pytest.mark.parametrize(("rank", "size"), [("2", "2"), ("-1", "2"), ("one", "2"), ("0", "")])
def test_variables_that_make_no_sense_are_named(monkeypatch, rank, size):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(UsageError, match=r"Expected RANK from 0 and WORLD_SIZE above it.*torchrun"):
        standing()


def test_what_one_process_does_is_refused_of_several(monkeypatch, capsys, toy_folder):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    for words in (["evaluate", "run"], ["data", "list"], ["train", "--seeds", "2"], ["train", "--preview", "a.png"]):
        assert main(words) == 2
        assert "received 2 ranks of torchrun" in capsys.readouterr().err
    for local, lines in (("0", 1), ("1", 0)):  # every rank was given the same words: one of a machine tells
        monkeypatch.setenv("LOCAL_RANK", local)
        for words in (["evaluate", "run"], ["train", "--epochs", "many"], ["train", "--no-such-option"]):
            assert main(words) == 2
            assert len([line for line in capsys.readouterr().err.splitlines() if "fittingroom: " in line]) == lines
    monkeypatch.delenv("LOCAL_RANK")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    assert main(["train", "--dataset", str(toy_folder)]) == 2
    assert "Expected MASTER_ADDR and MASTER_PORT" in capsys.readouterr().err


def test_one_rank_is_an_ordinary_process(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert standing() == (0, 1)


def test_compiled_models_callbacks_and_batches_below_the_ranks_are_refused():
    import keras

    from helpers.rank_work import arrays, network

    images, labels = arrays()
    plan = TrainingPlan(images, labels, Recipe(batch_size=2), ranks=Ranks(0, 3))
    with pytest.raises(UsageError, match=r"batches of at least 3 images, one for each rank, received 2"):
        refuse_alone(network(), plan)
    with pytest.raises(UsageError, match="no callbacks with several ranks"):
        refuse_alone(network(), TrainingPlan(images, labels, Recipe(), callbacks=[object()], ranks=Ranks(0, 3)))
    compiled = network()
    compiled.compile(keras.optimizers.SGD(), "sparse_categorical_crossentropy")
    with pytest.raises(UsageError, match="is compiled, and several ranks"):
        refuse_alone(compiled, plan)


def test_more_ranks_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match=r"Expected a GPU for each of 8 ranks of this machine, found 2"):
        Ranks(0, 8).use_device(torch.device("cuda"))
    Ranks(0, 8).use_device(torch.device("cpu"))


def test_a_rank_that_stays_away_is_said_after_the_time_that_was_set(tmp_path, toy_folder, monkeypatch):
    from helpers.rank_processes import free_port

    values = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    for name, value in {**values, "FITTINGROOM_RANK_SECONDS": "1"}.items():
        monkeypatch.setenv(name, value)
    from fittingroom.training.ranks import join

    with pytest.raises(UsageError, match=r"Rank 0 of 2 expected the others at 127.0.0.1 port \d+"):
        join()


def test_a_rank_whose_store_does_not_answer_speaks_all_the_same(monkeypatch):
    class Silent:
        def add(self, name, number):
            threading.Event().wait(60)

    class Gone:
        def add(self, name, number):
            raise RuntimeError("connection reset")

    monkeypatch.setattr("fittingroom.training.ranks.HEARD_SECONDS", 0.01)
    assert Ranks(1, 2, Silent()).may_speak()
    assert Ranks(1, 2, Gone()).may_speak()
    assert not Ranks(1, 2, SimpleNamespace(add=lambda name, number: 2)).may_speak()


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def torchrun(ranks, *words):
    return [*TORCHRUN, str(ranks), "-m", "fittingroom", *map(str, words)]


def pids_of_ranks(launcher):
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [int(child) for child in children if "fittingroom" in Path(f"/proc/{child}/cmdline").read_text()]


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc to find the ranks in")
@pytest.mark.parametrize("killed", [0, 1])
def test_under_torchrun_a_killed_rank_is_one_sentence_and_three_ranks_go_on(tmp_path, toy_folder, killed):
    out = tmp_path / "run"
    words = train_words(toy_folder, out, epochs=200)
    with subprocess.Popen(torchrun(2, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("epoch 3/"):
                break
        ranks = pids_of_ranks(process.pid)
        assert len(ranks) == 2
        os.kill(ranks[killed], signal.SIGKILL)
        _, told_by_all = process.communicate(timeout=120)
    assert process.returncode == 1, "torchrun's own"
    (sentence,) = [line for line in told_by_all.splitlines() if line.startswith("fittingroom: ")]
    assert f"Rank {1 - killed} of 2 (counted from 0) has lost another one" in sentence
    before = len((out / "history.jsonl").read_text().splitlines())
    assert before >= 2, "the line is printed before the third epoch is kept"
    with subprocess.Popen(
        torchrun(3, "train", "--resume", out, "--no-onnx"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if line.startswith(f"epoch {before + 2}/"):
                break
        process.send_signal(signal.SIGINT)  # Ctrl-C is torchrun's, which asks the ranks to stop
        _, told_by_all = process.communicate(timeout=120)
    assert "all is saved. Go on with: fittingroom train --resume" in told_by_all
    epochs = [json.loads(line)["epoch"] for line in (out / "history.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, len(epochs) + 1)), "each epoch once"
    assert len(epochs) > before
