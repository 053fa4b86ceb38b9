"""Learning-rate schedules over a whole training."""

import pytest

from fittingroom.training.recipe import Recipe
from fittingroom.training.schedules import SCHEDULES, learning_rate_at


def rates(steps_an_epoch=10, **settings):
    recipe = Recipe(learning_rate=0.1, epochs=4, **settings)
    rate = learning_rate_at(recipe, steps_an_epoch)
    return [rate(step) for step in range(recipe.epochs * steps_an_epoch)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_stays_between_zero_and_its_peak_and_wastes_no_step(name):
    found = rates(schedule=name)
    assert all(0 < rate <= 0.1 + 1e-12 for rate in found)


def test_constant_stays_and_linear_and_cosine_fall_to_zero():
    assert set(rates()) == {0.1}
    for name in ("linear", "cosine"):
        found = rates(schedule=name)
        assert found == sorted(found, reverse=True)
        assert found[0] == 0.1
        assert found[-1] < 0.003


def test_one_cycle_peaks_after_three_tenths():
    found = rates(schedule="one_cycle")
    assert found.index(max(found)) == 11 or found.index(max(found)) == 12


def test_warm_up_rises_over_its_epochs_and_then_follows_the_schedule():
    found, plain = rates(warmup=1.0, schedule="cosine"), rates(schedule="cosine")
    assert found[:10] == sorted(found[:10])
    assert found[0] < 0.01
    assert found[20] == pytest.approx(plain[20], rel=0.05)
