from __future__ import annotations

import pytest
from statsmodels.stats.proportion import proportion_confint

from fittingroom.pages.learning import Epoch, read_learning


def history(*lines: tuple[float, float, float, float]) -> tuple[Epoch, ...]:
    """Epochs of ``(loss, accuracy, val_loss, val_accuracy)``."""
    return tuple(Epoch(k, 1.0, 100, None, *line) for k, line in enumerate(lines, start=1))


def test_a_validation_loss_that_rises_again_is_overfitting_since_its_lowest() -> None:
    found = read_learning(
        history(
            (0.6, 0.80, 0.50, 0.82),
            (0.3, 0.90, 0.40, 0.86),
            (0.2, 0.93, 0.42, 0.86),
            (0.15, 0.95, 0.47, 0.86),
            (0.1, 0.97, 0.55, 0.86),
        ),
        1000,
    )
    assert (found.finding, found.best_epoch, found.best_loss, found.last_loss) == ("rising loss", 2, 0.4, 0.55)
    assert "Overfitting since epoch 2" in found.sentence
    assert "0.4000; by the last epoch it had risen to 0.5500" in found.sentence
    assert found.gap == pytest.approx(0.11)


def test_a_gap_beyond_chance_is_overfitting_that_still_helped() -> None:
    found = read_learning(history((0.5, 0.85, 0.5, 0.84), (0.3, 0.92, 0.4, 0.87)), 1000)
    low, high = proportion_confint(870, 1000, method="wilson")
    assert found.finding == "gap"
    assert "a gap of 5.0 points" in found.sentence
    assert f"95 % {low:.4f} to {high:.4f}" in found.sentence


def test_a_gap_within_chance_is_none() -> None:
    found = read_learning(history((0.4, 0.88, 0.4, 0.87)), 1000)
    assert found.finding == "none"
    assert "No overfitting is detected with 1,000 validation images" in found.sentence


def test_doing_better_on_what_was_held_out_is_explained() -> None:
    found = read_learning(history((0.6, 0.80, 0.4, 0.88)), 1000)
    assert found.finding == "better held out"
    assert "augmentation made harder" in found.sentence


def test_a_rise_within_chance_is_no_rising_loss() -> None:
    found = read_learning(history((0.4, 0.88, 0.4, 0.87), (0.39, 0.88, 0.403, 0.87)), 1000)
    assert found.finding == "none"


@pytest.mark.parametrize("images", [0, 1000])
def test_without_validation_it_cannot_be_told(images: int) -> None:
    found = read_learning((Epoch(1, 1.0, 100, None, 0.5, 0.9),), images)
    assert (found.finding, found.gap) == ("unknown", None)
    assert "cannot be detected" in found.sentence


# the walk-through with 10,000 images held out, seeds 0 to 5: training accuracy, validation loss and accuracy by epoch
WALKTHROUGHS = (
    (
        (0.7906, 0.4739, 0.8333),
        (0.8473, 0.5123, 0.8122),
        (0.863, 0.4187, 0.8482),
        (0.874, 0.401, 0.8535),
        (0.88, 0.3682, 0.8702),
    ),
    (
        (0.7913, 0.4648, 0.8369),
        (0.8489, 0.4918, 0.8196),
        (0.8642, 0.414, 0.8526),
        (0.8751, 0.3605, 0.8715),
        (0.8811, 0.388, 0.8625),
    ),
    (
        (0.7898, 0.5877, 0.7838),
        (0.8455, 0.4356, 0.8444),
        (0.8628, 0.389, 0.8597),
        (0.8725, 0.3925, 0.8618),
        (0.8795, 0.3758, 0.869),
    ),
    (
        (0.7915, 0.5985, 0.7921),
        (0.8489, 0.4432, 0.8465),
        (0.8639, 0.3992, 0.8568),
        (0.8726, 0.4252, 0.839),
        (0.8803, 0.3496, 0.8778),
    ),
    (
        (0.7905, 0.4782, 0.8292),
        (0.8502, 0.423, 0.851),
        (0.8649, 0.4075, 0.862),
        (0.8741, 0.3634, 0.8714),
        (0.881, 0.3768, 0.8659),
    ),
    (
        (0.794, 0.5001, 0.8295),
        (0.8481, 0.427, 0.8533),
        (0.8645, 0.4288, 0.8493),
        (0.8728, 0.3854, 0.8624),
        (0.8825, 0.4066, 0.8526),
    ),
)


@pytest.mark.parametrize("epochs", [2, 3, 4, 5])
def test_the_seeds_of_the_walkthrough_get_the_same_advice_wherever_they_stop(epochs: int) -> None:
    seeds = [history(*((0.5, *line) for line in seed[:epochs])) for seed in WALKTHROUGHS]
    found = {read_learning(each, 10_000).finding for each in seeds}
    assert "rising loss" not in found
    assert len(found - {"none"}) <= 1


def test_a_rise_that_goes_on_is_said_though_the_loss_jumps_from_epoch_to_epoch() -> None:
    jumps = (0.01, -0.01, 0.01, -0.01, 0.01, -0.01, 0.01, -0.01)
    losses = (0.50, 0.42, 0.36, 0.35, 0.38, 0.43, 0.49, 0.56)
    lines = [(0.3, 0.9, loss + jump, 0.87) for loss, jump in zip(losses, jumps, strict=True)]
    assert read_learning(history(*lines), 10_000).finding == "rising loss"


def test_one_epoch_that_jumps_up_at_the_end_is_no_rise_that_goes_on() -> None:
    lines = [(0.3, 0.88, loss, 0.87) for loss in (0.45, 0.40, 0.42, 0.37, 0.39, 0.355, 0.38)]
    found = read_learning(history(*lines), 10_000)
    assert found.finding == "gap"
    assert "nothing here shows that fewer epochs would help" in found.sentence
