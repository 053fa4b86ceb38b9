"""Two dimensions for every image: principal components at once, UMAP in a process of its own.

Usage: python -m fittingroom.studio.layouts FEATURES.npz FILE.npz
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import numpy as np

from fittingroom.arrays import Array
from fittingroom.studio.jobs import arrays_of, save_arrays, tell, told_errors

SAMPLE = 20_000  # images that the axes are found from; all are placed on them
DIMENSIONS = 50  # that UMAP is given: enough for what the eye can tell, and bounded memory
GRAIN = 65_535  # positions travel as whole numbers
PERCENT = 100
EPOCHS = re.compile(r"(\d+)%")


def components(features: Array, count: int = 2) -> Array:
    """Return the first principal components.

    Args:
        features: ``(n, d)``, any real numbers.
        count: how many.

    Returns:
        float32 ``(n, count)``; each component's sign is such that its largest loading is positive.

    Example:
        >>> points = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
        >>> components(points, 1).astype(float).round(3).ravel().tolist()
        [-2.236, 0.0, 2.236]
    """
    values = np.asarray(features, np.float32)
    values = values - values.mean(axis=0)
    drawn = values[:: max(1, len(values) // SAMPLE)]
    _, vectors = np.linalg.eigh(drawn.T @ drawn)
    axes = vectors[:, ::-1][:, :count]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    placed = np.zeros((len(values), count), np.float32)
    placed[:, : axes.shape[1]] = values @ axes
    return placed


def on_grid(placed: Array) -> Array:
    """Return positions as whole numbers 0 to 65,535, the same scale on both axes.

    What lies far out, beyond all but one image in a thousand, is moved to the edge.

    Args:
        placed: ``(n, 2)``.
    """
    low, high = np.quantile(placed, [0.0005, 0.9995], axis=0)
    room = 0.4 * (high - low)
    low, high = np.maximum(placed.min(axis=0), low - room), np.minimum(placed.max(axis=0), high + room)
    span = max(float((high - low).max()), 1e-9)
    centred = (placed - (low + high) / 2) / span + 0.5
    grid: Array = np.clip(np.round(centred * GRAIN), 0, GRAIN).astype(np.uint16)
    return grid


class Percentages(io.StringIO):
    """A file that UMAP's own progress bar is drawn into; each new per cent is told."""

    def write(self, text: str) -> int:
        """Take up what the bar draws."""
        found = EPOCHS.findall(text)
        if found:
            tell(0.35 + 0.65 * int(found[-1]) / PERCENT, "Laying out")
        return len(text)


def umap_layout(features: Path, out: Path) -> None:
    """Lay features out by UMAP, and write ``positions`` uint16 ``(n, 2)``."""
    tell(0, "Reading what the model sees")
    (seen,) = arrays_of(features, "features")
    values = seen.astype(np.float32)
    values = components(values, min(DIMENSIONS, values.shape[1]))
    tell(0.05, "Loading UMAP")
    import umap

    tell(0.1, "Finding neighbours")
    reducer = umap.UMAP(
        n_neighbors=15, min_dist=0.1, verbose=False, tqdm_kwds={"file": Percentages(), "disable": False}
    )
    save_arrays(out, positions=on_grid(reducer.fit_transform(values)))


if __name__ == "__main__":
    with told_errors():
        umap_layout(Path(sys.argv[1]), Path(sys.argv[2]))
