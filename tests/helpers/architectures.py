"""The package's architectures as test parameters: one of each kind in every run, its larger kin in the long tests."""

from fittingroom.models import MODELS
from helpers.cases import in_soak

KIN = {  # like another one that is tried, only larger
    "deep-24-64-128",
    "stem-16-24-64",
    "stem-16-32-48",
    "stem-16-32-64",
    "stem-24-64-128",
    "residual-16-32-64",
}


def one_of_a_kind(names=MODELS):
    """Return names as parameters; those that are like another one belong to `make soak`."""
    return [in_soak(name) if name in KIN else name for name in names]
