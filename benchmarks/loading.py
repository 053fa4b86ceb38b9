"""A warm `fr.load` of all 70,000 images beside the usual loader (gzip, np.frombuffer); prints a table and keeps it.

Usage: loading.py
Each run of either is a process of its own; the two take turns. Imports are outside the clock.
"""

from __future__ import annotations

import gzip
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import fittingroom as fr
from fittingroom.backend import processor_name
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.files import atomic_write

RUNS = 7
BAR_MS = 60
RESULT = Path(__file__).parent / "loading.md"

OURS = """
import time, fittingroom as fr
load = fr.load
start = time.perf_counter(); data = load(); seconds = time.perf_counter() - start
assert data.train.images.shape == (60000, 28, 28) and data.train.images.flags.writeable
print(seconds)
"""
USUAL = """
import sys, time, gzip, numpy as np
start = time.perf_counter()
for name, offset in zip(sys.argv[2:], (16, 8, 16, 8)):
    with gzip.open(f"{sys.argv[1]}/{name}.gz") as file:
        array = np.frombuffer(file.read(), np.uint8, offset=offset).copy()
print(time.perf_counter() - start)
"""


def milliseconds(code: str, *arguments: str) -> float:
    """Run a loader in a fresh process and return the time it printed."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return 1000 * float(done.stdout)


def main() -> None:
    """Measure, print, write."""
    data = fr.load()  # also makes sure that the cache is filled
    arrays = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    with tempfile.TemporaryDirectory() as folder:
        for name, array in zip(FILE_NAMES, arrays, strict=True):
            write_idx(Path(folder) / name, array)
            (Path(folder) / f"{name}.gz").write_bytes(gzip.compress((Path(folder) / name).read_bytes()))
        pairs = [(milliseconds(OURS), milliseconds(USUAL, folder, *FILE_NAMES)) for _ in range(RUNS)]
    rows = {"fr.load, warm": [ours for ours, _ in pairs], "gzip and np.frombuffer": [usual for _, usual in pairs]}
    medians = {name: statistics.median(values) for name, values in rows.items()}
    ours, usual = medians.values()
    lines = [f"| {name} | {medians[name]:.1f} | {min(v):.1f} to {max(v):.1f} |" for name, v in rows.items()]
    verdict = "holds" if ours <= BAR_MS else "is missed"
    text = (
        f"# Loading all 70,000 images\n\nPrinted by `make bench`: {RUNS} fresh processes each, in turns; "
        f"{processor_name()}.\n\n| loader | median ms | from, to |\n| --- | --- | --- |\n" + "\n".join(lines) + "\n\n"
        f"Ratio {ours / usual:.4f}. The bar of {BAR_MS} ms {verdict}.\n"
    )
    atomic_write(RESULT, text)
    print(text)


if __name__ == "__main__":
    main()
