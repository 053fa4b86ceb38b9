import statistics

import pytest

from fittingroom.errors import UsageError
from fittingroom.judging import over_seeds, wilson_interval


def test_mean_and_spread_are_those_of_the_seeds():
    values = [0.86, 0.87, 0.865, 0.88]
    found = over_seeds(values, 10_000)
    assert found.mean == pytest.approx(sum(values) / 4)
    assert found.sd == pytest.approx(statistics.stdev(values))
    assert found.sampling_interval == wilson_interval(round(10_000 * sum(values) / 4), 10_000)


def test_training_luck_and_sampling_error_are_told_apart_in_words():
    words = str(over_seeds([0.86, 0.87], 10_000))
    low, high = wilson_interval(8650, 10_000)
    assert "Variation between seeds: sd 0.0071" in words
    assert f"Sampling error: {low:.4f} to {high:.4f}" in words


def test_one_seed_has_no_spread():
    found = over_seeds([0.9], 100)
    assert found.sd is None
    assert "not known" in str(found)


@pytest.mark.parametrize("values", [[], [1.2], [0.5, 1.2], [-0.1, 0.5], [float("nan")]])
def test_what_is_no_accuracy_is_refused(values):
    with pytest.raises(UsageError, match="from 0 to 1"):
        over_seeds(values, 100)
