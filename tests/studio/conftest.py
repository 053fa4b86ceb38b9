"""A studio in this process, on the toy dataset, and a visitor who has opened its page."""

import pytest
from starlette.testclient import TestClient

from fittingroom.studio.app import build_app
from fittingroom.studio.collection import Shelf
from fittingroom.studio.security import Door
from fittingroom.studio.studio import Studio

PORT = 8765
OWN = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def studio(toy_folder, tmp_path):
    return Studio(Door(port=PORT), tmp_path / "runs", Shelf.of([toy_folder]))


@pytest.fixture
def visitor(studio):
    """A browser on this machine that has opened the page and holds its cookie."""
    with TestClient(build_app(studio), base_url=OWN) as client:
        client.get("/")
        yield client
