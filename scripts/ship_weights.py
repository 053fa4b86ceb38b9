"""Put the measured rungs' weights, cards and figures into the package; `make ship` runs it after `make ladder`."""

from __future__ import annotations

import argparse
import shutil
from functools import partial
from pathlib import Path

import fittingroom as fr
from fittingroom.cli.output import log
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import WEIGHTS
from fittingroom.ladder import look_log
from fittingroom.ladder.ladder_plan import shipped_rows
from fittingroom.ladder.ladder_table import MEASURED
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.ladder.ship import ship

ROOT = Path(__file__).parent.parent
HEAD = """# The ladder, measured

Printed by `make ladder-run`; [how it is measured](ladder.md). Seconds on {machine}. Mean and sd are over the seeds
(from seed to seed); the interval is the sampling error of 10,000 test images.
"""
LIMIT_BYTES = 18_000_000


def main() -> None:
    """Ship every rung that was measured, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rungs", nargs="*", help="all that were measured if left out")
    parser.add_argument("--ladder", type=Path, default=ROOT / "ladder", help="folder of `fittingroom ladder`")
    asked = parser.parse_args()
    data = fr.load("fashion-mnist")
    looks = look_log.read(ROOT / "benchmarks" / "test_log.jsonl", TestLook)
    timings = look_log.read(ROOT / "benchmarks" / "epoch_times.jsonl", Timing)
    for row in shipped_rows(looks, timings, data.name):
        if row.n and (not asked.rungs or row.rung in asked.rungs):
            log(str(ship(row, asked.ladder / "runs", WEIGHTS / data.name, data, log=log)))
    atomic_write(MEASURED, partial(shutil.copyfile, asked.ladder / "ladder.json"))
    table = (asked.ladder / "ladder.md").read_text("utf-8")
    text = f"{HEAD.format(machine=timings[-1].machine)}\n{table}"
    atomic_write(ROOT / "docs" / "ladder-results.md", text)
    total = sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file())
    if total > LIMIT_BYTES:
        raise SystemExit(f"The weights take {total} bytes, at most {LIMIT_BYTES} may ship.")
    log(f"All weights: {total / 1e6:.2f} MB.")


if __name__ == "__main__":
    main()
