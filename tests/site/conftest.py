"""The scripts that build the site, which import each other by their bare names."""

import importlib
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts" / "site"


@pytest.fixture(scope="session")
def site_script():
    """Return a function that imports one of them."""
    sys.path.insert(0, str(SCRIPTS))
    before = set(sys.modules)
    yield importlib.import_module
    sys.path.remove(str(SCRIPTS))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(SCRIPTS)):
            del sys.modules[name]
