import statistics

import pytest

from fittingroom.errors import UsageError
from fittingroom.judging import over_seeds, wilson_interval
from fittingroom.judging.intervals import student_interval, student_quantile, student_tail


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


def test_two_seeds_have_an_interval():
    low, high = student_interval([0.86, 0.88])
    assert (low, high) == pytest.approx((0.87 - 12.7062 * 0.01, 0.87 + 12.7062 * 0.01), abs=1e-5)
    assert student_interval([0.86]) is None


@pytest.mark.parametrize("values", [[], [1.2], [0.5, 1.2], [-0.1, 0.5], [float("nan")]])
def test_what_is_no_accuracy_is_refused(values):
    with pytest.raises(UsageError, match="from 0 to 1"):
        over_seeds(values, 100)


def test_the_interval_of_the_mean_is_students():
    from scipy import stats

    values = [0.86, 0.87, 0.865, 0.88, 0.871]
    spread = stats.t.interval(0.95, 4, loc=statistics.fmean(values), scale=stats.sem(values))
    assert over_seeds(values, 100).mean_interval == pytest.approx(spread, abs=1e-12)
    assert over_seeds([0.9], 100).mean_interval is None


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_students_quantile_is_scipys_for_every_number_of_seeds(confidence):
    from scipy import stats

    found = [student_quantile(freedom, confidence) for freedom in range(1, 60)]
    assert found == pytest.approx([stats.t.ppf(0.5 + confidence / 2, freedom) for freedom in range(1, 60)], rel=1e-9)


@pytest.mark.parametrize("t", [-2.5, -1.0, 0.0, 0.3, 2.776, 40.0, float("inf")])
def test_students_tail_is_scipys(t):
    from scipy import stats

    found = [student_tail(t, freedom) for freedom in range(1, 60)]
    assert found == pytest.approx([stats.t.sf(t, freedom) for freedom in range(1, 60)], rel=1e-9, abs=1e-15)
