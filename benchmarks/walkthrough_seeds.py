"""Measure the walk-through's test accuracy over ten seeds, and keep them where pages and docs read them.

Usage: walkthrough_seeds.py
Nothing is chosen by these figures: recipe and network are the walk-through's, fixed beforehand.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import fittingroom as fr
from fittingroom.backend import choose_device
from fittingroom.files import write_json
from fittingroom.pages.tutorial.values import SEEDS_FILE
from fittingroom.tutorial import tutorial
from fittingroom.tutorial_plan import TutorialPlan

SEEDS = range(10)


def one(seed: int) -> dict[str, Any]:
    """Do the walk-through once, in a folder that goes away, and return what it reached."""
    with tempfile.TemporaryDirectory() as folder:
        run, verdict = tutorial(TutorialPlan(seed=seed, out=Path(folder) / "run"))
        print(f"seed {seed}: {verdict}", flush=True)
        return {"seed": seed, "test_accuracy": verdict.accuracy, "train_accuracy": run.history[-1]["accuracy"]}


def main() -> None:
    """Measure and write."""
    data, device = fr.load(), choose_device()
    facts = {
        "schema": "fittingroom/ten-seeds/1",
        "n": len(data.test.labels),
        "fingerprint": data.fingerprint,
        "machine": f"{device.title}, {device.threads} threads",
        "version": fr.__version__,
        "seeds": [one(seed) for seed in SEEDS],
    }
    write_json(SEEDS_FILE, facts)
    print(
        f"{SEEDS_FILE} is written. `make docs` writes docs/walkthrough-results.md from it; a test holds README to it."
    )


if __name__ == "__main__":
    main()
