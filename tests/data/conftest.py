from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import fittingroom.data.download as download_module
import fittingroom.data.folder as places
import fittingroom.data.sources as sources
from helpers import tiny_dataset
from helpers.local_server import LocalServer

REAL_MNIST = Path(__file__).parents[2] / ".." / "shared" / "mnist"


@pytest.fixture(autouse=True)
def _own_world(tmp_path, monkeypatch):
    """No test sees this machine's caches, folders or network."""
    for variable in ("FITTINGROOM_DATA", "FITTINGROOM_OFFLINE", "KERAS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    workplace = tmp_path / "workplace"
    workplace.mkdir()
    monkeypatch.chdir(workplace)
    patience = download_module.Patience(
        connect_seconds=1.0, read_seconds=0.3, tries=3, pause_seconds=0.0, progress_seconds=0.0
    )
    monkeypatch.setattr(download_module, "PATIENCE", patience)


@pytest.fixture
def tiny(monkeypatch):
    """The catalog holds the dataset "tiny", which has no mirror and no package."""
    tiny_dataset.install(set_attribute=monkeypatch.setattr)
    return tiny_dataset.TINY


@pytest.fixture
def tiny_folder(tiny, tmp_path):
    """A folder with tiny's four files, gzipped."""
    return tiny_dataset.write_files(tmp_path / "tiny-files")


@pytest.fixture
def with_mirrors(monkeypatch):
    """A function that gives "tiny" these mirrors."""

    def install(*urls):
        known = replace(tiny_dataset.TINY, mirrors=urls)
        tiny_dataset.install(known, monkeypatch.setattr)
        return known

    return install


@pytest.fixture
def lines():
    """What was said, a line each; pass ``lines.append`` as ``log``."""
    return []


@pytest.fixture
def real_mnist():
    if not REAL_MNIST.is_dir():
        pytest.skip(f"the original digits are not in {REAL_MNIST}")
    return REAL_MNIST


@pytest.fixture
def server():
    local = LocalServer()
    yield local
    local.stop()


@pytest.fixture
def tiny_mirror(server, tiny, tmp_path):
    """The local server with tiny's four files."""
    folder = tiny_dataset.write_files(tmp_path / "served")
    server.files.update({f"/{path.name}": path.read_bytes() for path in folder.iterdir()})
    return server


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt at the network fails the test."""

    def refuse(*arguments, **options):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(sources, "download", refuse)
    monkeypatch.setattr(sources.debian, "unpack", refuse)


@pytest.fixture
def no_torchvision_roots(monkeypatch):
    monkeypatch.setattr(places, "TORCHVISION_ROOTS", ())
