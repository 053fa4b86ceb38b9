"""Fashion-MNIST as ``keras.datasets`` caches it, so that plain Keras scripts find it without a network."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from fittingroom.data import FILE_NAMES, load, write_idx

if TYPE_CHECKING:
    from pathlib import Path

LEVEL = 6  # gzip's own default


def fill(folder: Path) -> Path:
    """Write the four gzipped IDX files where ``keras.datasets.fashion_mnist`` looks for them.

    Args:
        folder: what KERAS_HOME is to be.

    Returns:
        The folder.
    """
    data = load()
    target = folder / "datasets" / "fashion-mnist"
    target.mkdir(parents=True, exist_ok=True)
    arrays = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        plain = target / name
        write_idx(plain, array)
        (target / f"{name}.gz").write_bytes(gzip.compress(plain.read_bytes(), LEVEL))
        plain.unlink()
    return folder
