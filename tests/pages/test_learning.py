from __future__ import annotations

import pytest
from statsmodels.stats.proportion import proportion_confint

from fittingroom.pages.learning import Epoch, read_learning


def history(*lines: tuple[float, float, float, float]) -> tuple[Epoch, ...]:
    """Epochs of ``(loss, accuracy, val_loss, val_accuracy)``."""
    return tuple(Epoch(k, 1.0, 100, None, *line) for k, line in enumerate(lines, start=1))


def test_a_validation_loss_that_rises_again_is_overfitting_since_its_lowest() -> None:
    found = read_learning(history((0.6, 0.8, 0.5, 0.82), (0.3, 0.9, 0.4, 0.86), (0.1, 0.97, 0.55, 0.86)), 1000)
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
    assert "No overfitting that 1,000 validation images could show" in found.sentence


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
    assert "cannot be told" in found.sentence
