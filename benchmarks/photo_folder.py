"""The folder of real photos that the photo path is developed and scored on: which half a photo is in, what is right."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent.parent.parent / "shared" / "photos"
RIGHT = {  # folder: the classes that are right; none where the right answer is "none of these"
    "t-shirt": ("T-shirt/top",),
    "pants": ("Trouser",),
    "longsleeve": ("Pullover", "Shirt"),
    "dress": ("Dress",),
    "outwear": ("Coat",),
    "shirt": ("Shirt",),
    "shoes": ("Sandal", "Sneaker", "Ankle boot"),
    "hat": (),
    "shorts": (),
    "skirt": (),
}
ANSWERABLE = [name for name, right in RIGHT.items() if right]
UNANSWERABLE = [name for name, right in RIGHT.items() if not right]
RESAMPLES = 2000


def is_for_choosing(path: Path) -> bool:
    """Say whether a photo is for looking and choosing, not for scoring: its name's SHA-256 begins with 0 to 7."""
    return hashlib.sha256(path.name.encode()).hexdigest()[0] in "01234567"


def photos(*, choosing: bool) -> list[Path]:
    """Return one half of the photos, by folder and name.

    Raises:
        SystemExit: the folder is not there.
    """
    if not FOLDER.is_dir():
        raise SystemExit(f"{FOLDER}: expected the folder of photos, found none. Nothing is measured without it.")
    found = sorted(FOLDER.glob("*/*.jpg"))
    return [path for path in found if path.parent.name in RIGHT and is_for_choosing(path) == choosing]


def interval(values: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean, resampled within each folder.

    Args:
        values: float or bool ``(n,)``.
        groups: the folder of each, ``(n,)``.
    """
    generator = np.random.default_rng(0)
    parts = [values[groups == group] for group in np.unique(groups)]
    means = [
        np.concatenate([part[generator.integers(0, len(part), len(part))] for part in parts]).mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def auroc(scores: np.ndarray, is_none: np.ndarray) -> float:
    """Return how often something unanswerable has the higher score than something answerable; ties count half."""
    no, yes = scores[is_none], np.sort(scores[~is_none])
    below, up_to = (np.searchsorted(yes, no, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(yes))
