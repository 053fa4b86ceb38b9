"""The scripts that build the site, which import each other by their bare names."""

import importlib
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts" / "site"


@pytest.fixture(scope="session", autouse=True)
def site_script():
    """Return a function that imports one of them; the source archive has none, nor the pictures that they show."""
    if not SCRIPTS.is_dir():
        pytest.skip("the source archive has no site")
    sys.path.insert(0, str(SCRIPTS))
    before = set(sys.modules)
    yield importlib.import_module
    sys.path.remove(str(SCRIPTS))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(SCRIPTS)):
            del sys.modules[name]
