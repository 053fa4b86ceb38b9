"""Which pictures would teach most: where the model wavers, and no two alike."""

from __future__ import annotations

import numpy as np
import pytest

from fittingroom.audit.label_suggestions import STRATEGIES, choose, spread
from fittingroom.errors import UsageError

GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal(size=(200, 6)).astype(np.float32)
FIRST = np.linspace(0.5, 1.0, 200)
ANSWERS = np.stack([FIRST, 1 - FIRST], axis=1)  # the first picture wavers most


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_chooses_so_many_each_once_and_the_same_for_the_same_seed(strategy):
    chosen = choose(strategy, ANSWERS, FEATURES, 30, seed=3)
    assert len(set(chosen.tolist())) == 30
    assert chosen.tolist() == choose(strategy, ANSWERS, FEATURES, 30, seed=3).tolist()
    assert sorted(choose(strategy, ANSWERS, FEATURES, 500).tolist()) == list(range(200))
    assert choose(strategy, ANSWERS[:0], FEATURES[:0], 5).tolist() == []


def test_by_margin_the_least_sure_come_first():
    assert choose("margin", ANSWERS, FEATURES, 5).tolist() == [0, 1, 2, 3, 4]


def test_by_margin_and_diversity_they_waver_and_are_unlike_each_other():
    copies = np.repeat(GENERATOR.normal(size=(4, 6)), 50, axis=0).astype(np.float32)
    shuffled = np.random.default_rng(1).permutation(200)
    chosen = choose("margin-diversity", ANSWERS, copies[shuffled], 4)
    assert chosen[0] == 0
    assert max(chosen) < 20  # of the five times as many that waver most
    there = {tuple(copies[shuffled][place]) for place in range(20)}
    assert len({tuple(copies[shuffled][place]) for place in chosen}) == min(4, len(there))
    assert len(set(choose("margin", ANSWERS, copies[shuffled], 4).tolist())) == 4


def test_what_is_spread_covers_every_cluster_before_it_takes_a_second_of_one():
    centres = 100 * np.eye(8)
    rows = np.repeat(centres, 25, axis=0) + np.random.default_rng(0).normal(size=(200, 8))
    for seed in range(5):
        chosen = spread(rows, 8, 0, np.random.default_rng(seed))
        assert sorted(np.unique(chosen // 25).tolist()) == list(range(8))


def test_pictures_that_are_all_the_same_are_no_endless_search():
    assert sorted(spread(np.ones((6, 3)), 6, 2, np.random.default_rng(0)).tolist()) == list(range(6))


def test_a_strategy_that_there_is_not_and_a_model_of_one_class_are_refused():
    with pytest.raises(UsageError, match=r"Unknown strategy 'margins'. Did you mean 'margin'\?"):
        choose("margins", ANSWERS, FEATURES, 3)
    with pytest.raises(UsageError, match="Expected a model of two classes or more"):
        choose("margin", ANSWERS[:, :1], FEATURES, 3)
