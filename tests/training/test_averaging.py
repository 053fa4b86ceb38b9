"""Averages of the weights."""

import pytest
import torch

from fittingroom.training.recipe import Recipe
from fittingroom.training.step import Averaging


def test_ema_follows_the_weights_and_leaves_them():
    weights = torch.zeros(2)
    averaging = Averaging(weights, Recipe(averaging="ema", averaging_decay=0.75))
    weights.fill_(4.0)
    averaging.after_step(1)
    assert averaging.state["average"].tolist() == [1.0, 1.0]
    assert weights.tolist() == [4.0, 4.0]
    with averaging.in_place():
        assert weights.tolist() == [1.0, 1.0]
    assert weights.tolist() == [4.0, 4.0]


def test_lookahead_sets_the_weights_to_the_average_every_few_steps():
    weights = torch.zeros(2)
    averaging = Averaging(weights, Recipe(averaging="lookahead", averaging_decay=0.5, averaging_every=2))
    weights.fill_(4.0)
    averaging.after_step(1)
    assert weights.tolist() == [4.0, 4.0]
    averaging.after_step(2)
    assert weights.tolist() == [2.0, 2.0]
    assert not averaging.use


def test_no_averaging_does_nothing():
    weights = torch.ones(2)
    averaging = Averaging(weights, Recipe())
    averaging.after_step(1)
    assert (averaging.state, averaging.use) == ({}, False)
    with averaging.in_place():
        assert weights.tolist() == pytest.approx([1, 1])


def test_lookahead_has_defaults_of_its_own_with_which_it_moves():
    weights = torch.zeros(1)
    averaging = Averaging(weights, Recipe(averaging="lookahead"))
    for step in range(1, 7):
        weights.add_(1.0)
        averaging.after_step(step)
    assert weights.tolist() == [3.0]
