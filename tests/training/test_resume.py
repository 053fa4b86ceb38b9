"""Killed or interrupted at any moment and resumed: the same to the bit as in one go."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.training import checkpoint as checkpoints
from fittingroom.training import resume, train_model
from fittingroom.training.recipe import Recipe
from helpers.kill_run import network, noise, recipe

SCRIPT = Path(__file__).parent.parent / "helpers" / "kill_run.py"


def trained(out, **options):
    return train_model(network(), noise(), recipe(), seed=3, validation=16, out=out, **options)


def outcome(run_folder):
    """The final weights, and the history without its seconds."""
    import keras

    model = keras.saving.load_model(run_folder / "model.keras")
    lines = [json.loads(line) for line in (run_folder / "history.jsonl").read_text().splitlines()]
    return [weight.tobytes() for weight in model.get_weights()], [{**line, "seconds": 0} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    trained(folder)
    return outcome(folder)


def killed_and_resumed(folder, generator, kills):
    """Kill the training at random moments, and begin or resume it each time; return how many kills hit it at work."""
    hits = 0
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, SCRIPT, folder, "0.05"], stdout=subprocess.PIPE)
        for _ in range(generator.randint(1, 8)):
            process.stdout.readline()
        time.sleep(generator.uniform(0.0, 0.06))
        process.send_signal(signal.SIGKILL)
        hits += process.wait() == -signal.SIGKILL
        process.stdout.close()
        if not (folder / "checkpoint" / checkpoints.FILE).exists():
            shutil.rmtree(folder)  # killed before its first checkpoint, or done: begin again
    return hits


def assert_kills_change_nothing(folder, whole, kills, seed):
    assert killed_and_resumed(folder, random.Random(seed), kills) == kills
    if folder.exists():
        resume(folder, noise())
    else:
        trained(folder)
    assert outcome(folder) == whole


@pytest.mark.soak
@pytest.mark.slow
def test_a_kill_at_a_random_moment_changes_neither_weights_nor_history(tmp_path, whole):
    assert_kills_change_nothing(tmp_path / "run", whole, 1, seed=1)


@pytest.mark.soak
def test_five_kills_at_random_moments_change_neither_weights_nor_history(tmp_path, whole):
    assert_kills_change_nothing(tmp_path / "run", whole, 5, seed=2)


@pytest.mark.soak_long
@pytest.mark.parametrize("seed", range(3, 7))
def test_twenty_kills_at_random_moments_change_neither_weights_nor_history(tmp_path, whole, seed):
    assert_kills_change_nothing(tmp_path / "run", whole, 5, seed)


@pytest.mark.parametrize("tick", [1, 2, 5, 9, 13, 17])
def test_ctrl_c_after_any_step_is_saved_and_resumed_to_the_bit(tmp_path, whole, tick):
    ticks = []

    def on_progress(progress):
        ticks.append(progress)
        if len(ticks) == tick:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"Stopped in epoch \d.* all is saved\. Go on with: fittingroom train"):
        trained(tmp_path / "run", on_progress=on_progress)
    assert Interrupted.exit_code == 130
    resume(tmp_path / "run", noise())
    assert outcome(tmp_path / "run") == whole


@pytest.mark.parametrize("epoch", [1, 3])
def test_ctrl_c_after_the_last_step_does_not_wait_for_validation_and_is_resumed_to_the_bit(tmp_path, whole, epoch):
    def on_progress(progress):
        if progress.epoch == epoch and progress.images == progress.total:
            assert not progress.done, "the epoch went on to its end"
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=rf"Stopped in epoch {epoch} after step (\d+) of \1; all is saved"):
        trained(tmp_path / "run", on_progress=on_progress)
    resume(tmp_path / "run", noise())
    assert outcome(tmp_path / "run") == whole


def test_the_signal_handlers_are_put_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    trained(tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is before


def interrupted(folder, **options):
    def on_progress(progress):
        if progress.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        trained(folder, on_progress=on_progress, **options)


def test_a_double_or_missing_history_line_is_mended_from_the_checkpoint(tmp_path, whole):
    interrupted(tmp_path / "run")
    lines = tmp_path / "run" / "history.jsonl"
    lines.write_text(lines.read_text() * 2)
    resume(tmp_path / "run", noise())
    assert outcome(tmp_path / "run") == whole


def test_resuming_with_other_data_or_another_model_is_refused(tmp_path):
    folder = tmp_path / "run"
    interrupted(folder)
    images, labels = noise()
    with pytest.raises(UsageError, match="fingerprint"):
        resume(folder, (255 - images, labels))
    import keras

    other = keras.Sequential([keras.Input((144,)), keras.layers.Dense(4)])
    with pytest.raises(RunError, match="another model or another recipe"):
        resume(folder, noise(), model=other)


def test_resuming_a_finished_run_says_that_it_is_finished(tmp_path):
    folder = tmp_path / "run"
    train_model(network(), noise(), Recipe(epochs=1), out=folder)
    with pytest.raises(RunError, match=r"is finished after 1 epoch\. Train its network on"):
        resume(folder, noise())


def test_a_checkpoint_holds_no_pickle_and_a_damaged_one_is_named(tmp_path):
    folder = tmp_path / "run"
    interrupted(folder)
    path = folder / "checkpoint" / checkpoints.FILE
    assert [file.name for file in path.parent.iterdir()] == [checkpoints.FILE]
    assert any(name.startswith("optimizer/") for name in load_file(path))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="expected a checkpoint, cannot read it"):
        resume(folder, noise())


def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_is_kept(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    facts = {"recipe": {}, "seed": 0, "step": 1, "seconds": 1.5, "history": [], "rate_factor": 1.0, "epoch": 1}
    facts["callbacks"] = [{"best": float("inf")}]
    good = checkpoints.Checkpoint({"weights": torch.ones(3)}, facts)
    checkpoints.write(folder, good)

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fittingroom.training.checkpoint.atomic_write", full)
    from fittingroom.errors import TrainingError

    with pytest.raises(TrainingError, match=r"No space left on device. The one before is kept"):
        checkpoints.write(folder, checkpoints.Checkpoint({"weights": torch.zeros(3)}, facts | {"epoch": 2}))
    assert checkpoints.read(folder).facts == facts
    with pytest.raises(TrainingError, match=r"There is none before it; make room and begin again"):
        checkpoints.write(tmp_path / "other", good)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_a_cuda_device_an_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    on_card = recipe().replace(device="cuda")

    def stop(progress):
        if progress.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    options = {"recipe": on_card, "seed": 3, "validation": 16}
    train_model(network(), noise(), out=tmp_path / "whole", **options)
    with pytest.raises(Interrupted):
        train_model(network(), noise(), out=tmp_path / "run", on_progress=stop, **options)
    resume(tmp_path / "run", noise())
    ours, whole = outcome(tmp_path / "run"), outcome(tmp_path / "whole")
    for one, other in zip(ours[0], whole[0], strict=True):  # sums on a card may come in another order
        np.testing.assert_allclose(np.frombuffer(one, "f4"), np.frombuffer(other, "f4"), rtol=1e-3, atol=1e-5)
    assert [line["epoch"] for line in ours[1]] == [1, 2, 3, 4]
