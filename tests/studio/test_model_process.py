"""Models are asked in a process of their own: what hangs, crashes or eats memory there is ended, and told of."""

import os
import signal

import pytest

from fittingroom.studio import model_process
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.model_process import ModelProcess
from fittingroom.studio.state import Studio
from fittingroom.web.problems import Problem
from fittingroom.web.security import Access

PATIENCE = 300.0  # seconds; nothing here takes as long, and nothing here depends on it
DRAWING = {"model": "fashion-mnist/walkthrough", "height": 28, "width": 28}


@pytest.fixture
def models():
    process = ModelProcess(4_000_000_000)
    yield process
    process.close()


def pid(models):
    return models._process.pid


def test_one_process_answers_task_after_task(models):
    first = models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE)
    asked = pid(models)
    assert len(first["probabilities"]) == 10
    assert models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE) == first
    assert pid(models) == asked != os.getpid()


def test_a_tasks_own_refusal_comes_with_its_status_and_ends_nothing(models):
    with pytest.raises(Problem, match="takes 28x28 pixels, received 14x56") as refused:
        models.ask("draw", {**DRAWING, "height": 14, "width": 56}, bytes(14 * 56), seconds=PATIENCE)
    assert refused.value.status == 422
    assert models._process.poll() is None


def test_a_model_that_hangs_is_ended_and_the_next_task_is_answered(models):
    models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE)
    hung = pid(models)
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(Problem, match=r"took longer than 0.2 s, so it was ended") as late:
        models.ask("draw", DRAWING, bytes(28 * 28), seconds=0.2)
    assert late.value.status == 503
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)
    assert models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE)["class_names"][0] == "T-shirt/top"


def test_a_model_that_takes_too_much_memory_is_ended(models):
    models.most_bytes = 10_000_000  # Python with NumPy has more
    with pytest.raises(Problem, match=r"takes more than 0.01 GB of memory, so it was ended") as large:
        models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE)
    assert large.value.status == 422
    assert models._process is None


def test_a_process_that_dies_is_told_of(models, monkeypatch):
    exchange = model_process._exchange

    def killed(process, *arguments):
        process.kill()
        exchange(process, *arguments)

    monkeypatch.setattr(model_process, "_exchange", killed)
    with pytest.raises(Problem, match="ended without an answer") as crashed:
        models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE)
    assert crashed.value.status == 422


def test_a_process_whose_studio_is_gone_ends_too(models):
    models.ask("draw", DRAWING, bytes(28 * 28), seconds=PATIENCE)
    models._process.stdin.close()
    assert models._process.wait() == 0


@pytest.mark.soak
def test_a_page_is_written_where_its_memory_is_given_back(with_run, studio, monkeypatch):
    writers = []
    asked = ModelProcess.ask

    def ask(self, *arguments, **more):
        answer = asked(self, *arguments, **more)
        writers.append(self._process.pid)
        return answer

    monkeypatch.setattr(ModelProcess, "ask", ask)
    before = model_process.resident_bytes(os.getpid())
    assert with_run.post("/api/runs/20260101-a/page").status_code == 200
    assert (studio.runs / "20260101-a" / "report.html").exists()
    assert model_process.resident_bytes(os.getpid()) - before < 50_000_000
    with pytest.raises(ProcessLookupError):
        os.kill(writers[0], 0)


def test_a_studio_that_is_closed_ends_it(tmp_path):
    closing = Studio(Access(port=1), tmp_path, DatasetRegistry([]))
    process = closing.models._running()
    closing.close()
    assert process.poll() is not None
