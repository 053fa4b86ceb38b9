"""Worker processes of this machine: `train --seeds --on local` gives the runs that this process gives."""

import json

import pytest

import fittingroom as fr
from fittingroom.errors import TrainingError
from fittingroom.jobs.dispatch import Dispatch
from fittingroom.jobs.places import Place
from fittingroom.jobs.run_jobs import no_job_lines
from fittingroom.progress import no_log

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ASKED = {"epochs": 2, "validation": 100, "onnx": False, "threads": 1}


class ForgetfulClient:
    """Dask's client, whose memory of the workers was just overwritten by an answer without any."""

    def __init__(self):
        self.status, self.scheduler = "running", self
        self.workers = {"tcp://127.0.0.1:1": {"resources": {}}}

    def scheduler_info(self, n_workers=5):
        return {"workers": {}}

    def identity(self, n_workers=0):
        if self.workers is None:
            raise OSError("it does not answer")
        return {"workers": self.workers if n_workers == -1 else {}}

    def sync(self, function, **named):
        return function(**named)


def test_workers_are_asked_of_the_scheduler_and_none_looks_lost_that_is_there():
    client = ForgetfulClient()
    dispatch = Dispatch(client, Place(None, 1, 1), None, None, no_log, no_job_lines)
    assert list(dispatch._workers()) == ["tcp://127.0.0.1:1"]
    client.workers = None
    assert list(dispatch._workers()) == ["tcp://127.0.0.1:1"]
    client.status, client.workers = "closed", {}
    assert list(dispatch._workers()) == ["tcp://127.0.0.1:1"]


def weights(run):
    return [value.tolist() for value in run.model().get_weights()]


@pytest.mark.soak
def test_worker_processes_give_the_runs_that_this_process_gives(toy_folder, tmp_path):
    told, lines = [], []
    words = {"seeds": 2, **ASKED}
    here = fr.train_seeds("walkthrough", toy_folder, out=tmp_path / "here", **words)
    there = fr.train_seeds(
        "walkthrough", toy_folder, out=tmp_path / "there", on="local:2", log=told.append, on_job=lines.append, **words
    )
    assert [weights(run) for run in there.runs] == [weights(run) for run in here.runs]
    assert [run.environment["threads"] for run in there.runs] == [1, 1]
    assert any("2 worker processes of 1 thread on this machine. Dask's dashboard: http://" in line for line in told)
    assert len({line.worker for line in lines if line.worker}) == 2
    assert [line.key for line in lines if line.state == "done"] in (["seed-0", "seed-1"], ["seed-1", "seed-0"])
    assert {json.loads((run.folder / "job.json").read_text())["threads"] for run in there.runs} == {1}


@pytest.mark.soak
def test_an_error_in_a_worker_is_the_error_here_and_what_is_finished_stays(toy_folder, tmp_path):
    fr.train_seeds("walkthrough", toy_folder, out=tmp_path / "fine", seeds=1, **ASKED)
    with pytest.raises(TrainingError, match="The loss is nan in epoch 1"):
        fr.train_seeds("walkthrough", toy_folder, out=tmp_path / "group", seeds=1, on="local:1", lr=1e30, **ASKED)
