"""The package's architectures as test parameters: one of each kind in every run, its larger kin in the long tests."""

import pytest

from fittingroom.models import MODELS

KIN = {  # like another one that is tried, only larger
    "stem-16-24-64",
    "stem-16-32-48",
    "stem-16-32-64",
    "stem-24-64-128",
    "residual-16-32-64",
}


def one_of_a_kind(names=MODELS):
    """Return names as parameters; those that are like another one belong to `make soak`."""
    return [pytest.param(name, marks=pytest.mark.soak) if name in KIN else name for name in names]
