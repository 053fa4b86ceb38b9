"""How far a score could be off by the luck of which images were drawn."""

from __future__ import annotations

import math
from statistics import NormalDist

from fittingroom.errors import UsageError


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Args:
        successes: how many were right, in ``0..n``.
        n: how many there were, at least 1.
        confidence: of the two-sided interval, in (0, 1).

    Returns:
        ``(low, high)``, fractions in [0, 1].

    Raises:
        UsageError: ``n`` below 1, or ``successes`` outside ``0..n``.

    Example:
        >>> low, high = wilson_interval(8683, 10_000)
        >>> f"{low:.4f} {high:.4f}"
        '0.8615 0.8748'

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UsageError(f"An interval needs 0 <= successes <= n and n >= 1, received {successes} of {n}.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high
