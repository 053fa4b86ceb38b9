"""The walk-through's test accuracy over ten seeds; prints a table and writes docs/walkthrough-results.md.

Usage: walkthrough_seeds.py [--seeds N]
Nothing is chosen by these figures: recipe and network are the walk-through's, fixed beforehand.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import fittingroom as fr
from fittingroom.backend import choose_device
from fittingroom.tutorial import tutorial
from fittingroom.tutorial_plan import TutorialPlan

DOC = Path(__file__).parent.parent / "docs" / "walkthrough-results.md"
BAND = (0.862, 0.876)


def one(seed: int, dataset: str) -> Outcome:
    """Do the walk-through once, in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = tutorial(TutorialPlan(dataset=dataset, seed=seed, out=Path(folder) / "run"))
        print(f"{dataset} seed {seed}: {outcome.verdict}", flush=True)
        return outcome


def table(outcomes: list[Outcome]) -> str:
    """Return the rows, and the mean with its spread."""
    rows = [
        f"| {seed} | {o.verdict.accuracy:.4f} | {o.verdict.accuracy_interval[0]:.4f} to "
        f"{o.verdict.accuracy_interval[1]:.4f} | {o.train_accuracy:.4f} |"
        for seed, o in enumerate(outcomes)
    ]
    values = [o.verdict.accuracy for o in outcomes]
    spread = f"mean **{statistics.mean(values):.4f}**, sd {statistics.stdev(values):.4f}, n = {len(values)} seeds"
    head = "| seed | test accuracy | 95 % interval | training accuracy, last epoch |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + f"\n\nTest accuracy: {spread}, from {min(values):.4f} to {max(values):.4f}.\n"


def main() -> None:
    """Measure and write."""
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    outcomes = [one(seed, "fashion-mnist") for seed in range(seeds)]
    mean = statistics.mean(o.verdict.accuracy for o in outcomes)
    device = choose_device()
    text = (
        "<!-- Written by `make seeds`; do not edit. -->\n\n# The walk-through, ten seeds\n\n"
        "Printed by `make seeds`. Five epochs, batch 128, RMSprop, all 60,000 training images; "
        "the last epoch's network on the 10,000 test images, once a seed. "
        f"Data {fr.load().fingerprint}; {device.title}, {device.threads} threads; fittingroom {fr.__version__}.\n\n"
        f"{table(outcomes)}\n"
        f"The mean is {'inside' if BAND[0] <= mean <= BAND[1] else 'outside'} {BAND[0]} to {BAND[1]}, where the "
        "walk-through's printed 0.8683 lies too. The interval of one run tells what the choice of test images can do "
        "(sampling error); the spread over seeds what the start and the order of training can do (training luck).\n"
    )
    DOC.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
