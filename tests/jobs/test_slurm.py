"""`--on slurm:FILE`: what its file may say, and, where a SLURM is running, trainings for real."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.jobs import places
from fittingroom.jobs.places import Place, find_place

SETTINGS = 'jobs = 2\nmemory = "1GB"\nwalltime = "00:30:00"\nskip = ["--mem"]\ninterface = "lo"\n'


def running():
    """Whether a SLURM takes jobs here."""
    if shutil.which("sinfo") is None:
        return False
    return subprocess.run(["sinfo", "--noheader"], capture_output=True, check=False, timeout=30).returncode == 0


@pytest.fixture
def submitting(monkeypatch):
    """As if this machine could submit jobs, and all packages were there."""
    monkeypatch.setattr(places.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(places, "missing", lambda extra: ())


def test_a_settings_file_says_how_many_workers_slurm_is_to_start(tmp_path, submitting):
    (tmp_path / "slurm.toml").write_text(SETTINGS + "gpus = 1\n")
    place = find_place(f"slurm:{tmp_path / 'slurm.toml'}", None)
    assert (place.address, place.workers, place.threads, place.is_local) == (None, 2, 1, False)
    assert place.slurm["gpus"] == 1
    assert find_place(f"slurm:{tmp_path / 'slurm.toml'}", 4).threads == 4
    assert Place(None, 2, 1).is_local
    assert not Place("tcp://10.0.0.1:8786", None, 1).is_local


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SETTINGS + "quue = 'main'\n", "unknown key 'quue'. Did you mean 'queue'?"),
        (SETTINGS.replace("jobs = 2\n", ""), "jobs: expected a whole number, received nothing"),
        (SETTINGS.replace("jobs = 2", "jobs = 0"), "expected 1 to 1000 jobs"),
        (SETTINGS.replace("jobs = 2", "jobs = '2'"), "jobs: expected a whole number, received '2'"),
        (SETTINGS + "prologue = 'module load python'\n", "prologue: expected a list of texts"),
        ("jobs = \n", "expected TOML"),
    ],
)
def test_a_settings_file_that_is_none_is_refused(tmp_path, submitting, text, told):
    (tmp_path / "slurm.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        find_place(f"slurm:{tmp_path / 'slurm.toml'}", None)
    assert told in str(caught.value)


def test_what_slurm_needs_is_told(tmp_path, submitting, monkeypatch):
    with pytest.raises(UsageError, match=r"--on slurm needs a file .* --on slurm:FILE.toml"):
        find_place("slurm", None)
    with pytest.raises(UsageError, match="expected a file, found no such file"):
        find_place(f"slurm:{tmp_path / 'none.toml'}", None)
    (tmp_path / "slurm.toml").write_text(SETTINGS)
    monkeypatch.setattr(places.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match="expected SLURM's sbatch here, found none"):
        find_place(f"slurm:{tmp_path / 'slurm.toml'}", None)
    monkeypatch.setattr(places, "missing", lambda extra: ("dask-jobqueue",))
    with pytest.raises(UsageError, match=r"needs dask-jobqueue, which is not installed: .* install"):
        find_place(f"slurm:{tmp_path / 'slurm.toml'}", None)


@pytest.mark.soak
@pytest.mark.skipif(not running(), reason="no SLURM is running here")
def test_a_real_slurm_trains_and_a_job_that_it_ends_is_replaced(tmp_path, toy_folder):
    pytest.importorskip("dask_jobqueue")
    (tmp_path / "slurm.toml").write_text(SETTINGS)
    words = ["train", "--model", "walkthrough", "--dataset", str(toy_folder), "--epochs", "60", "--batch-size", "16"]
    words += ["--validation", "100", "--no-onnx", "--seeds", "2", "--on", "slurm:slurm.toml", "--out", "group"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": tmp_path}
    training = subprocess.Popen([sys.executable, "-m", "fittingroom", *words], env=os.environ, **pipes)
    deadline = time.monotonic() + 240
    history = tmp_path / "group" / "seed-0" / "history.jsonl"
    while not history.exists() or len(history.read_text().splitlines()) < 5:
        assert time.monotonic() < deadline
        assert training.poll() is None, training.communicate()[0]
        time.sleep(0.1)
    jobs = subprocess.run(["squeue", "--noheader", "--format=%i"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["scancel", *jobs.split()], check=True)  # as where their time is over
    told, _ = training.communicate(timeout=400)
    assert training.returncode == 0, told
    for seed in (0, 1):
        run = fr.open_run(tmp_path / "group" / f"seed-{seed}")
        assert [line["epoch"] for line in run.history] == list(range(1, 61))
        assert json.loads((run.folder / "job.json").read_text())["threads"] == 1


@pytest.mark.soak
@pytest.mark.skipif(not running(), reason="no SLURM is running here")
def test_what_slurm_refuses_is_one_sentence_and_leaves_no_folder(tmp_path, toy_folder, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slurm.toml").write_text(SETTINGS + 'queue = "no-such-queue"\n')
    with pytest.raises(UsageError, match=r"SLURM would not take such a job: .*partition"):
        fr.train_seeds("walkthrough", toy_folder, seeds=1, onnx=False, on="slurm:slurm.toml", out=tmp_path / "group")
    assert not (tmp_path / "group").exists()
