"""The ladder's rows: only the recipe as shipped counts, each seed once, and every recipe ever scored is counted."""

from dataclasses import replace

import pytest

from fittingroom.ladder.ladder_table import RUNGS, markdown, rows
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
    timings = [Timing("90", "before", (9.0,), 4, "m"), Timing("90", "now", (1.0, 1.5, 7.0), 4, "m")]
    assert ladder([LOOK], timings)["90"].seconds == 6.0


def test_no_take_of_a_timing_is_picked_all_on_the_last_ones_machine_count():
    timings = [Timing("90", "now", seconds, 4, where) for seconds, where in (((9.0, 2.0), "m"), ((5.0,), "other"))]
    assert ladder([LOOK], [*timings, Timing("90", "now", (3.0,), 4, "m")])["90"].seconds == 12.0


@pytest.mark.parametrize(("seconds", "accuracy", "holds"), [(2.0, 0.90, True), (2.1, 0.90, False), (2.0, 0.899, False)])
def test_a_rung_holds_when_all_its_seeds_reach_the_bar_in_time(seconds, accuracy, holds):
    looks = [replace(LOOK, seed=seed, accuracy=accuracy) for seed in range(RUNGS["90"].seeds)]
    assert ladder(looks, [Timing("90", "now", (seconds,), 4, "m")])["90"].holds is holds
    assert not ladder(looks[1:], [Timing("90", "now", (1.0,), 4, "m")])["90"].holds


def test_the_table_says_which_mean_missed_its_bar():
    assert "0.8990 (missed)" in markdown(list(ladder([replace(LOOK, accuracy=0.899)]).values()))
