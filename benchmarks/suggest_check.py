"""`make suggest-check`: do suggested labels teach more than labels drawn at random? Decides the default strategy.

Of 60,000 training images 10,000 are held out to judge by; the labels of the other 50,000 are hidden. Half of the labels
that may be bought are drawn at random and a network is trained on them. It is asked about all others, a strategy of
`fittingroom suggest-labels` chooses the other half, and a fresh network is trained on both halves. The first half, the
seed and the recipe are the same for every strategy. No test image is looked at. What was measured is kept in
benchmarks/suggest.jsonl and not measured again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import fittingroom as fr
from fittingroom.audit.label_suggestions import DEFAULT, STRATEGIES, choose
from fittingroom.data import Split, hold_out
from fittingroom.files import append_json_line, read_json_lines
from fittingroom.judging.intervals import student_interval
from fittingroom.models.feature_extractor import feature_extractor, in_batches

LOG = Path(__file__).parent / "suggest.jsonl"
HELD_OUT = 10_000
BUDGETS = (500, 2000)
SEEDS = (0, 1, 2, 3, 4)
SETTINGS = {"batch_size": 32, "epochs": 30, "schedule": "linear"}  # of the walk-through's network: its own are for
# 60,000 images, and at a constant rate its last steps alone made seeds differ by three points
CHANCE = "random"


def trained(part: Split, seed: int, folder: Path) -> fr.Run:
    """Return a run of the walk-through's network on some labels."""
    pair = (part.images, part.labels)
    return fr.train("walkthrough", pair, settings=SETTINGS, seed=seed, out=folder, onnx=False)


def accuracy(run: fr.Run, part: Split) -> float:
    """Return how often a run is right."""
    return float((run.predict(part.images).argmax(axis=1) == part.labels).mean())


def measure(budget: int, seed: int, strategies: list[str], log: Path) -> None:
    """Measure some strategies with one first half of labels, and write a line for each."""
    pool, judged = hold_out(fr.load("fashion-mnist").train, HELD_OUT)
    generator = np.random.default_rng(1000 + seed)
    first = generator.permutation(len(pool))[: budget // 2]
    left = np.setdiff1d(np.arange(len(pool)), first)
    with tempfile.TemporaryDirectory() as place:
        start = trained(pool.take(first), seed, Path(place) / "start")
        images = pool.images[left]
        told = start.predict(images)
        seen = in_batches(feature_extractor(start.model(), (28, 28)), images).astype(np.float32)
        before = accuracy(start, judged)
        for strategy in strategies:
            chosen = left[choose(strategy, told, seen, budget - len(first), seed)]
            both = pool.take(np.concatenate([first, chosen]))
            run = trained(both, seed, Path(place) / strategy)
            counts = np.bincount(pool.labels[chosen], minlength=10)
            line = {
                "budget": budget,
                "seed": seed,
                "strategy": strategy,
                "settings": SETTINGS,
                "before": before,
                "accuracy": accuracy(run, judged),
                "start_wrong": float((told.argmax(axis=1) != pool.labels[left])[np.isin(left, chosen)].mean()),
                "largest_class": int(counts.max()),
            }
            append_json_line(log, line)
            print(line, flush=True)


def print_table(lines: list[dict], budgets: tuple[int, ...]) -> dict[str, list[float]]:
    """Print each strategy beside random choice, and return the differences by strategy over all budgets."""
    print("\n| labels | strategy | seeds | accuracy | sd | less random | 95 % | on first half alone |")
    print("| --: | :-- | --: | --: | --: | --: | :-- | --: |")
    gains: dict[str, list[float]] = {}
    for budget in budgets:
        here = {(line["strategy"], line["seed"]): line for line in lines if line["budget"] == budget}
        for strategy in STRATEGIES:
            seeds = [seed for name, seed in here if name == strategy and (CHANCE, seed) in here]
            if not seeds:
                continue
            values = np.array([here[strategy, seed]["accuracy"] for seed in seeds])
            less = values - np.array([here[CHANCE, seed]["accuracy"] for seed in seeds])
            gains.setdefault(strategy, []).extend(less.tolist())
            interval = student_interval(tuple(less)) if strategy != CHANCE else None
            words = "" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}"
            before = np.mean([here[strategy, seed]["before"] for seed in seeds])
            sd = values.std(ddof=1) if len(values) > 1 else 0.0
            print(
                f"| {budget:,} | {strategy} | {len(seeds)} | {values.mean():.4f} | {sd:.4f} | {less.mean():+.4f} | "
                f"{words} | {before:.4f} |"
            )
    return gains


def main() -> int:
    """Measure what is not in the log yet, print the table, and return 1 where the default is not the one that wins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", type=int, nargs="*", default=BUDGETS)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--log", type=Path, default=LOG)
    asked = parser.parse_args()
    for seed in asked.seeds:
        for budget in asked.budgets:
            done = {
                line["strategy"]
                for line in read_json_lines(asked.log)
                if (line["budget"], line["seed"], line["settings"]) == (budget, seed, SETTINGS)
            }
            if left := [strategy for strategy in STRATEGIES if strategy not in done]:
                measure(budget, seed, left, asked.log)
    lines = [line for line in read_json_lines(asked.log) if line["settings"] == SETTINGS]
    gains = print_table(lines, tuple(asked.budgets))
    best = max(gains, key=lambda strategy: float(np.mean(gains[strategy])))
    print(f"\nBest over both sizes, on the held-out images: {best}. The default is {DEFAULT}.")
    return 0 if best == DEFAULT else 1


if __name__ == "__main__":
    raise SystemExit(main())
