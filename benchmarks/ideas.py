"""What each idea is worth at rung 92: validation accuracy with and without it, for the same compute, several seeds.

    python benchmarks/ideas.py            # measures what benchmarks/ideas.jsonl does not hold yet; writes docs/ideas.md

It looks at validation images only: 10,000 held out of the training images.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fittingroom as fr
from fittingroom.cli.output import say
from fittingroom.models import build
from fittingroom.recipes import load_recipe, recipe_sha256

ROOT = Path(__file__).parent.parent
LOG, PAGE = Path(__file__).parent / "ideas.jsonl", ROOT / "docs" / "ideas.md"
RUNG = "92"
HELD_OUT = 10_000

IDEAS: dict[str, dict[str, Any]] = {  # what is changed in the recipe of the rung
    "the recipe as it is": {},
    "stem not whitened, trained": {"whiten": False},
    "adam, one cycle to 0.005, for muon": {"optimizer": "adam", "learning_rate": 0.005, "schedule": "one_cycle"},
    "sgd, Nesterov 0.9, one cycle to 0.2, for muon": {
        "optimizer": "sgd",
        "learning_rate": 0.2,
        "momentum": 0.9,
        "nesterov": True,
        "schedule": "one_cycle",
    },
    "no label smoothing": {"label_smoothing": 0.0},
    "label smoothing 0.2": {"label_smoothing": 0.2},
    "random flip": {"flip": "random"},
    "alternating flip": {"flip": "alternating"},
    "translate 1": {"translate": 1},
    "cutout 8": {"cutout": 8},
    "cutmix 1": {"cutmix": 1.0},
    "mixup 0.2": {"mixup": 0.2},
    "average of the weights (EMA 0.99)": {"averaging": "ema", "averaging_decay": 0.99},
    "lookahead 0.5, every 6 steps": {"averaging": "lookahead", "averaging_decay": 0.5, "averaging_every": 6},
    "batch 500": {"batch_size": 500},
    "batch 125": {"batch_size": 125},
    "cosine for linear": {"schedule": "cosine"},
    "half the learning rate": {"learning_rate": 0.025},
    "twice the learning rate": {"learning_rate": 0.1},
}

HEAD = """# What each idea is worth here

Printed by `make ideas`: the recipe of rung 92 with one thing changed, trained on 50,000 images for the same number of
epochs, and its accuracy on 10,000 validation images held out of the training images. Mean and sd over seeds; the
difference is to the recipe as it is, with its standard error. An idea is kept where it helps; what did not help is here
too.

| changed | accuracy | sd | n | difference | standard error |
| --- | --- | --- | --- | --- | --- |
"""


def main() -> None:
    """Measure what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    data = fr.load("fashion-mnist")
    for seed in range(asked.seeds):
        for name, changes in IDEAS.items():
            if seed not in accuracies(name):
                accuracy = measure(data, changes, seed)
                line = {"idea": name, "recipe_sha256": recipe_sha256(RUNG), "seed": seed, "accuracy": accuracy}
                with LOG.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                say(f"{name}, seed {seed}: {accuracy:.4f}")
    PAGE.write_text(HEAD + "".join(row(name) for name in IDEAS), encoding="utf-8")


def measure(data: fr.Dataset, changes: dict[str, Any], seed: int) -> float:
    """Return the validation accuracy after the last epoch."""
    recipe = load_recipe(RUNG).replace(**changes)
    with tempfile.TemporaryDirectory() as folder:
        model = build(recipe.model or "walkthrough", seed=seed)
        run = fr.train(model, data, recipe=recipe, seed=seed, validation=HELD_OUT, out=Path(folder) / "run")
        return float(run.history[-1]["val_accuracy"])


def accuracies(idea: str) -> dict[int, float]:
    """Return what is logged for an idea with the recipe as it is now, by seed."""
    lines = [json.loads(line) for line in LOG.read_text("utf-8").splitlines()] if LOG.exists() else []
    now = recipe_sha256(RUNG)
    return {line["seed"]: line["accuracy"] for line in lines if (line["idea"], line["recipe_sha256"]) == (idea, now)}


def row(idea: str) -> str:
    """Return an idea's row of the table."""
    values, base = list(accuracies(idea).values()), list(accuracies(next(iter(IDEAS))).values())
    if len(values) < 2 or len(base) < 2:
        return f"| {idea} | not measured | | {len(values)} | | |\n"
    error = (np.var(values, ddof=1) / len(values) + np.var(base, ddof=1) / len(base)) ** 0.5
    difference = "" if values == base else f"{100 * (np.mean(values) - np.mean(base)):+.2f} points"
    spread = "" if values == base else f"{100 * error:.2f}"
    return (
        f"| {idea} | {np.mean(values):.4f} | {np.std(values, ddof=1):.4f} | {len(values)} | {difference} | {spread} |\n"
    )


if __name__ == "__main__":
    os.nice(5)
    main()
