"""A studio in this process, on the toy dataset, and a visitor who has opened its page."""

import shutil
import threading
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.state import Studio
from fittingroom.web.limits import LIMITS
from fittingroom.web.listening import listen
from fittingroom.web.security import Access
from fittingroom.workflows.evaluation import evaluate
from fittingroom.workflows.training import train

PORT = 8765
OWN = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def studio(toy_folder, tmp_path, shared_models):
    return shared_models.lend_to(Studio(Access(port=PORT), tmp_path / "runs", DatasetRegistry([toy_folder])))


@pytest.fixture
def visitor(studio):
    """A browser on this machine that has opened the page and holds its cookie."""
    with TestClient(build_app(studio), base_url=OWN) as client:
        client.get("/")
        yield client


@pytest.fixture(scope="session")
def toy_run(toy_folder, toy, tmp_path_factory):
    """The folder of a run that has met the test images; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("trained") / "20260101-a"
    evaluate(train("walkthrough", toy_folder, epochs=1, batch_size=64, out=folder), toy)
    return folder


@pytest.fixture
def with_run(visitor, studio, toy_run):
    """The visitor of a studio that has the run 20260101-a."""
    shutil.copytree(toy_run, studio.runs / toy_run.name)
    return visitor


@pytest.fixture(scope="module")
def live(toy_folder, toy_run, tmp_path_factory):
    """A studio on a real port of this process, where nothing may be started; and what its visitor holds."""
    import uvicorn

    runs = tmp_path_factory.mktemp("live") / "runs"
    shutil.copytree(toy_run, runs / toy_run.name)
    limits = replace(LIMITS, trainings=0, sweeps=0, jobs=0)
    listener = listen("127.0.0.1", 0)
    access = Access(port=listener.getsockname()[1])
    studio = Studio(access, runs, DatasetRegistry([toy_folder]), limits)
    server = uvicorn.Server(uvicorn.Config(build_app(studio), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield studio
    server.should_exit = True
    thread.join()
    listener.close()
