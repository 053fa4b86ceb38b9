"""Of pictures without labels, those that would teach most: where the model wavers, and no two alike.

Each strategy is a function of what a model says and sees of the pictures; which one is the default was decided by
`make suggest-check` on held-out training images, see docs/suggesting.md.

Sources: D. Roth and K. Small, Margin-based active learning, ECML 2006; F. Zhdanov, Diverse mini-batch active learning,
arXiv 1901.05954 (the most uncertain first, then spread out among them); D. Arthur and S. Vassilvitskii, k-means++,
SODA 2007.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from fittingroom.arrays import Array, Probabilities
from fittingroom.errors import UsageError
from fittingroom.lookup import look_up

CANDIDATES = 5  # times as many as are asked for: among so many of the smallest margin the spread is sought
Strategy: TypeAlias = Callable[[Array, Array, int, np.random.Generator], Array]


def margins(probabilities: Probabilities) -> Array:
    """Return how much more probable the first class is than the second, 0 where the model wavers to 1 where it is sure.

    Args:
        probabilities: ``(n, c)``, of two classes or more.

    Returns:
        float64 ``(n,)``.

    Example:
        >>> margins(np.array([[0.5, 0.4, 0.1], [0.9, 0.05, 0.05]])).round(2).tolist()
        [0.1, 0.85]
    """
    best = np.partition(probabilities.astype(np.float64), -2, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0])


def by_margin(margin: Array, features: Array, count: int, generator: np.random.Generator) -> Array:
    """Return the pictures about which the model wavers most, the least sure first.

    Args:
        margin: see `margins`, ``(n,)``.
        features: ``(n, d)``; not looked at.
        count: how many, at most n.
        generator: not asked.
    """
    del features, generator
    return np.argsort(margin, kind="stable")[:count]


def by_diversity(margin: Array, features: Array, count: int, generator: np.random.Generator) -> Array:
    """Return pictures that are far from each other: each is drawn with the square of its distance to those before it.

    Args:
        margin: ``(n,)``; not looked at.
        features: what the model sees of each, ``(n, d)``.
        count: how many, at most n.
        generator: draws.
    """
    del margin
    return spread(features, count, int(generator.integers(len(features))), generator)


def by_margin_and_diversity(margin: Array, features: Array, count: int, generator: np.random.Generator) -> Array:
    """Return pictures about which the model wavers and that are far from each other; the least sure one first.

    Args:
        margin: ``(n,)``.
        features: ``(n, d)``.
        count: how many, at most n.
        generator: draws.
    """
    unsure = np.argsort(margin, kind="stable")[: CANDIDATES * count]
    return np.asarray(unsure[spread(features[unsure], count, 0, generator)])


def by_chance(margin: Array, features: Array, count: int, generator: np.random.Generator) -> Array:
    """Return any pictures: what the others are compared with.

    Args:
        margin: ``(n,)``; not looked at.
        features: ``(n, d)``; not looked at.
        count: how many, at most n.
        generator: draws.
    """
    del features
    return np.asarray(generator.permutation(len(margin))[:count])


STRATEGIES: dict[str, Strategy] = {
    "margin": by_margin,
    "margin-diversity": by_margin_and_diversity,
    "diversity": by_diversity,
    "random": by_chance,
}
DEFAULT = "margin"


def choose(strategy: str, probabilities: Probabilities, features: Array, count: int, seed: int = 0) -> Array:
    """Return the positions of the pictures that a strategy chooses, the most telling first.

    Args:
        strategy: a key of `STRATEGIES`.
        probabilities: that the model gives, ``(n, c)``.
        features: what it sees of each, ``(n, d)``.
        count: how many; all of them where there are not so many.
        seed: of what is drawn.

    Returns:
        int64 ``(min(n, count),)``, each once.

    Raises:
        UsageError: no such strategy, or a model of one class, which never wavers.
    """
    chosen = look_up(strategy, STRATEGIES, "strategy")
    if probabilities.shape[1] < 2:
        raise UsageError("Expected a model of two classes or more, received one of one class, which is never unsure.")
    count = min(count, len(probabilities))
    if not count:
        return np.zeros(0, np.int64)
    return np.asarray(chosen(margins(probabilities), features, count, np.random.default_rng(seed)), np.int64)


def spread(features: Array, count: int, first: int, generator: np.random.Generator) -> Array:
    """Return rows that are far from each other, as k-means++ draws its starting points.

    Args:
        features: ``(n, d)``.
        count: how many, at most n.
        first: the row to begin with.
        generator: draws.

    Returns:
        Positions int64 ``(count,)``, each once; copies of what is there already come last.

    Example:
        >>> rows = np.array([[0.0], [0.0], [9.0]])
        >>> spread(rows, 2, 0, np.random.default_rng(0)).tolist()
        [0, 2]
    """
    rows = np.ascontiguousarray(features, np.float32)
    squares = np.einsum("ij,ij->i", rows, rows)
    nearest = np.full(len(rows), np.inf, np.float64)
    left = np.ones(len(rows), bool)
    chosen = [first]
    while True:
        latest = chosen[-1]
        left[latest] = False
        if len(chosen) == count:
            return np.array(chosen, np.int64)
        distances = squares - 2 * (rows @ rows[latest]) + squares[latest]
        np.minimum(nearest, np.maximum(distances, 0), out=nearest)
        nearest[latest] = 0
        weights = np.where(left, nearest, 0)
        weights[weights < 1e-6 * max(1.0, float(squares[latest]))] = 0  # rounding: copies are no distance apart
        total = float(weights.sum())
        if total > 0:
            chosen.append(int(np.searchsorted(np.cumsum(weights), generator.random() * total, side="right")))
        else:
            chosen.append(int(np.flatnonzero(left)[0]))
        chosen[-1] = min(chosen[-1], len(rows) - 1)
        if not left[chosen[-1]]:  # the very end of the sum, by rounding
            chosen[-1] = int(np.flatnonzero(left)[0])
