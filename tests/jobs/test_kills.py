"""Nothing is lost and nothing is done twice when a worker, the scheduler or the client is killed; equal to the bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fittingroom as fr
from helpers.dask_processes import client, dask_processes

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")

SEEDS = 2
TRAINING = ["--model", "walkthrough", "--epochs", "60", "--batch-size", "16", "--validation", "100"]
WORDS = [*TRAINING, "--no-onnx", "--seeds", str(SEEDS)]
SECONDS = 300  # that anything may take on a machine that is busy


@pytest.fixture(scope="module")
def undisturbed(toy_folder, tmp_path_factory):
    """The same group, trained in this process with the same number of threads."""
    asked = {"epochs": 60, "batch_size": 16, "validation": 100, "onnx": False, "threads": 1}
    out = tmp_path_factory.mktemp("undisturbed") / "group"
    return fr.train_seeds("walkthrough", toy_folder, seeds=SEEDS, out=out, **asked)


def weights(folder):
    return [value.tolist() for value in fr.open_run(folder).model().get_weights()]


def assert_all_there(group: Path, undisturbed):
    runs = sorted(path for path in group.iterdir() if path.name.startswith("seed-"))
    assert [path.name for path in runs] == [f"seed-{seed}" for seed in range(SEEDS)]
    for path, expected in zip(runs, undisturbed.runs, strict=True):
        rows = [json.loads(each.read_text())["row"] for each in (path / "job.json", expected.folder / "job.json")]
        assert {**rows[0], "seconds": 0} == {**rows[1], "seconds": 0}
        history = fr.open_run(path).history
        assert [line["epoch"] for line in history] == list(range(1, 61))  # each once
        assert weights(path) == weights(expected.folder)
        assert not (path / "checkpoint").exists()


def wait_until(happened, process=None):
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        assert process is None or process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def under_way(group: Path, least: int = 5):
    """Whether a run of the group has come some epochs far and has not ended."""

    def happened():
        for history in group.glob("seed-*/history.jsonl"):
            if len(history.read_text().splitlines()) >= least and not (history.parent / "job.json").exists():
                return True
        return False

    return happened


def finished(process):
    told, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, told
    return told


@pytest.mark.soak
def test_a_killed_workers_run_is_taken_up_by_another_from_its_checkpoint(tmp_path, toy_folder, undisturbed):
    group = tmp_path / "group"
    with dask_processes(tmp_path / "dask", workers=1) as dask:
        training = client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path)
        wait_until(under_way(group), training)
        created = {path: json.loads(path.read_text())["created"] for path in group.glob("seed-*/environment.json")}
        dask.workers[0].send_signal(signal.SIGKILL)
        dask.start_worker()
        finished(training)
    assert_all_there(group, undisturbed)
    for path, time_ in created.items():  # gone on with, not begun anew
        assert json.loads(path.read_text())["created"] == time_


@pytest.mark.soak
def test_a_killed_client_goes_on_by_the_same_command(tmp_path, toy_folder, undisturbed):
    group = tmp_path / "group"
    with dask_processes(tmp_path / "dask", workers=1) as dask:
        training = client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path)
        wait_until(under_way(group), training)
        training.kill()
        training.wait()
        finished(client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path))
    assert_all_there(group, undisturbed)


@pytest.mark.soak
def test_a_killed_scheduler_is_one_sentence_and_the_same_command_goes_on(tmp_path, toy_folder, undisturbed):
    group = tmp_path / "group"
    with dask_processes(tmp_path / "dask", workers=1) as dask:
        training = client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path)
        wait_until(under_way(group), training)
        dask.scheduler.kill()
        dask.scheduler.wait()
        told, _ = training.communicate(timeout=SECONDS)
        assert training.returncode == 2, told
        assert f"The scheduler of the cluster at {dask.address} is gone. What is finished is kept" in told
        assert "Traceback" not in told
        dask.start_scheduler()
        dask.start_worker()
        finished(client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path))
    assert_all_there(group, undisturbed)


@pytest.mark.soak
def test_workers_that_share_no_disk_are_sent_the_data_and_return_whole_runs(tmp_path, toy_folder, undisturbed):
    group = tmp_path / "client" / "group"
    group.parent.mkdir()
    hidden = (group.parent, toy_folder)
    with dask_processes(tmp_path / "dask") as dask:
        dask.start_worker(hidden)
        training = client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path)
        wait_until(under_way(group), training)  # its beginning has come back
        dask.workers[0].send_signal(signal.SIGKILL)
        dask.start_worker(hidden)
        told = finished(training)
    assert told.count("Sending the data bars") == 1
    assert_all_there(group, undisturbed)
    assert fr.open_run(group / "seed-0").environment["data_folder"] == str(toy_folder)


@pytest.mark.soak_long
def test_ten_kills_of_each_at_random_lose_nothing(tmp_path, toy_folder, undisturbed):
    chance = random.Random(0)
    group = tmp_path / "group"
    left = {"worker": 10, "scheduler": 10, "client": 10}
    with dask_processes(tmp_path / "dask", workers=2) as dask:
        training = client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path)
        while any(left.values()):
            what = chance.choice([name for name, count in left.items() if count])
            time.sleep(chance.uniform(0.5, 8))
            left[what] -= 1
            if what == "worker":
                worker = chance.choice([each for each in dask.workers if each.poll() is None] or dask.workers[-1:])
                worker.kill()
                worker.wait()
                dask.start_worker()
            elif what == "scheduler":
                dask.scheduler.kill()
                dask.scheduler.wait()
                dask.start_scheduler()
                dask.start_worker()
                dask.start_worker()
            if what == "client" and training.poll() is None:
                training.kill()
            if what != "worker":
                training.communicate(timeout=SECONDS)
            if training.poll() is not None:
                training = client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path)
        training.communicate(timeout=SECONDS)
        finished(client(group, dask.address, toy_folder, *WORDS, cwd=tmp_path))
    assert_all_there(group, undisturbed)


@pytest.mark.soak_long
def test_ctrl_c_with_worker_processes_is_one_sentence_leaves_no_process_and_the_same_command_goes_on(
    tmp_path, toy_folder, undisturbed
):
    """Many short trainings, stopped when the first has ended: the others cannot be over before the stop arrives."""
    group, seeds = tmp_path / "group", 10
    words = ["train", "--dataset", str(toy_folder), *TRAINING, "--no-onnx", "--seeds", str(seeds), "--threads", "1"]
    command = [sys.executable, "-m", "fittingroom", *words, "--on", "local:2", "--out", str(group)]
    started = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": tmp_path}
    training = subprocess.Popen(command, start_new_session=True, **started)
    wait_until(lambda: list(group.glob("seed-*/job.json")), training)
    os.killpg(training.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    told, _ = training.communicate(timeout=SECONDS)
    assert training.returncode == 130, told
    assert f"fittingroom: Stopped. {group} goes on by the same command again." in told
    assert "Traceback" not in told

    def all_gone():
        return subprocess.run(["pgrep", "-g", str(training.pid)], check=False, capture_output=True).returncode == 1

    wait_until(all_gone)
    kept = {path: path.stat().st_mtime_ns for path in group.glob("seed-*/job.json")}
    begun = {path: json.loads(path.read_text())["created"] for path in group.glob("seed-*/environment.json")}
    assert 1 <= len(kept) < seeds
    finished(subprocess.Popen(command, **started))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert begun == {path: json.loads(path.read_text())["created"] for path in begun}  # gone on with, not begun anew
    assert len(list(group.glob("seed-*/job.json"))) == seeds
    for seed in range(seeds):
        history = fr.open_run(group / f"seed-{seed}").history
        assert [line["epoch"] for line in history] == list(range(1, 61))  # each once
    for run in undisturbed.runs:
        assert weights(group / run.folder.name) == weights(run.folder)
