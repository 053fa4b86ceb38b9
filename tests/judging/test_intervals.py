import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.errors import UsageError
from fittingroom.judging import wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(8683, 10_000, 0.86153, 0.87478), (0, 10, 0.0, 0.27754), (10, 10, 0.72246, 1.0), (1, 2, 0.09453, 0.90547)],
)
def test_the_interval_is_that_of_the_score_test(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=2e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(case):
    successes, n = case
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_solve_the_equation_that_defines_them(case):
    successes, n = case
    share, z = successes / n, 1.959963984540054
    for end in wilson_interval(successes, n):
        assert (share - end) ** 2 == pytest.approx(z * z * end * (1 - end) / n, abs=1e-12)


def test_no_samples_are_refused():
    with pytest.raises(UsageError, match="received 0 of 0"):
        wilson_interval(0, 0)
