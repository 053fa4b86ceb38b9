"""Long tables of cases as test parameters: some of them in every run, the others in `make soak`."""

import pytest


def one_in(number, cases):
    """Return cases as parameters; the first and every so many after it run in `make test`, all of them in `make soak`.

    Args:
        number: 3 for a third of the cases in every run.
        cases: names, or parameters.
    """
    return [case if index % number == 0 else in_soak(case) for index, case in enumerate(cases)]


def in_soak(case):
    """Return one case as a parameter that belongs to `make soak`."""
    if hasattr(case, "marks"):
        return pytest.param(*case.values, id=case.id, marks=[*case.marks, pytest.mark.soak])
    return pytest.param(case, marks=pytest.mark.soak)


def here_and_in_soak(here, *others):
    """Return cases as parameters, of which the first runs in every run.

    Args:
        here: the case that always runs.
        others: those of `make soak`.
    """
    return [here, *map(in_soak, others)]
