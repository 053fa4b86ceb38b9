"""The ladder's rows: only the recipe as shipped counts, each seed once, and every recipe ever scored is counted."""

from dataclasses import replace

import numpy as np
import pytest

from fittingroom.ladder.ladder_table import RUNGS, chance_of_one, markdown, rows
from fittingroom.ladder.look_log import TestLook, Timing

LOOK = TestLook(
    time="2026-01-01T00:00:00+00:00",
    rung="90",
    recipe_sha256="now",
    dataset="fashion-mnist",
    fingerprint="f" * 16,
    seed=0,
    n=10_000,
    accuracy=0.90,
    views_accuracy=0.91,
    parameters=1000,
    mflop=1.5,
    epochs=4,
    training_seconds=9.0,
    machine="a processor, 2 threads",
    versions="keras 3, torch 2",
)


def ladder(looks, timings=()):
    return {row.rung: row for row in rows(looks, timings, {"90": "now"}.get, "fashion-mnist")}


def test_only_rungs_with_a_recipe_have_a_row():
    assert list(ladder([])) == ["90"]


def test_the_mean_and_sd_are_over_the_seeds_of_the_recipe_as_shipped():
    looks = [replace(LOOK, seed=seed, accuracy=0.90 + seed / 100) for seed in range(3)]
    row = ladder([*looks, replace(LOOK, seed=4, recipe_sha256="before", accuracy=0.99)])["90"]
    assert row.n == 3
    assert row.mean == pytest.approx(0.91)
    assert row.sd == pytest.approx(0.01)
    assert row.hashes == 2


def test_looking_twice_at_one_seed_does_not_count_the_better_look():
    row = ladder([LOOK, replace(LOOK, accuracy=0.95)])["90"]
    assert (row.n, row.mean) == (1, 0.90)


def test_another_datasets_looks_do_not_count():
    assert ladder([replace(LOOK, dataset="mnist")])["90"].n == 0


def test_seconds_are_the_median_epoch_times_the_epochs():
    timings = [Timing("90", "before", (9.0,), 4, "m", ()), Timing("90", "now", (1.0, 1.5, 7.0), 4, "m", ())]
    assert ladder([LOOK], timings)["90"].seconds == 6.0


def test_no_take_of_a_timing_is_picked_all_on_the_last_ones_machine_count():
    timings = [Timing("90", "now", seconds, 4, where, ()) for seconds, where in (((9.0, 2.0), "m"), ((5.0,), "other"))]
    assert ladder([LOOK], [*timings, Timing("90", "now", (3.0,), 4, "m", ())])["90"].seconds == 12.0


def test_yardsticks_are_each_takes_epochs_over_the_loop_that_was_timed_beside_it():
    without = Timing("90", "now", (9.0,), 3, "m", ())
    quick, slow = (
        replace(without, epoch_seconds=(1.0,) * 3, yardstick_seconds=(2.0, 2.0)),
        replace(without, epoch_seconds=(3.0,) * 3, yardstick_seconds=(5.0, 7.0)),
    )
    row = ladder([LOOK], [without, quick, slow])["90"]
    assert row.yardsticks == pytest.approx(1.5)
    assert ladder([LOOK], [without])["90"].yardsticks is None


def seeds_around(mean, half, n):
    return [replace(LOOK, seed=seed, accuracy=mean + half * (-1) ** seed) for seed in range(n)]


@pytest.mark.parametrize(("mean", "half", "holds"), [(0.902, 0.001, True), (0.9005, 0.001, False), (0.899, 0.0, False)])
def test_a_rung_counts_where_all_its_seeds_say_beyond_chance_that_the_mean_reaches_its_target(mean, half, holds):
    looks = seeds_around(mean, half, RUNGS["90"].seeds)
    assert ladder(looks)["90"].holds is holds
    assert not ladder(looks[1:])["90"].holds


def test_p_is_that_of_students_one_sided_test():
    from scipy.stats import ttest_1samp

    accuracies = [0.9012, 0.9031, 0.8994, 0.9020, 0.9017]
    looks = [replace(LOOK, seed=seed, accuracy=value) for seed, value in enumerate(accuracies)]
    row = ladder(looks)["90"]
    assert row.p_value == pytest.approx(ttest_1samp(accuracies, RUNGS["90"].accuracy, alternative="greater").pvalue)
    assert ladder(looks[:1])["90"].p_value is None


def test_how_likely_one_run_reaches_its_rung_is_the_prediction_for_one_more_value():
    from scipy.stats import t

    accuracies = [0.9012, 0.9031, 0.8994, 0.9020, 0.9017]
    spread = np.std(accuracies, ddof=1) * np.sqrt(1 + 1 / 5)
    assert chance_of_one(accuracies, 0.9) == pytest.approx(t.sf((0.9 - np.mean(accuracies)) / spread, 4))
    assert chance_of_one([0.9, 0.9], 0.9) == 1.0
    assert chance_of_one([0.9], 0.9) is None


def test_the_table_says_which_mean_missed_its_bar():
    assert "0.8990 (missed)" in markdown(list(ladder([replace(LOOK, accuracy=0.899)]).values()))
