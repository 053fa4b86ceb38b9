"""What each idea is worth for the recipe that rung 92 had: validation accuracy with and without it, at equal compute.

    python benchmarks/ideas.py            # measures what benchmarks/ideas.jsonl does not hold yet; writes docs/ideas.md

It looks at validation images only: 10,000 held out of the training images.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ideas  # this file, by the name that a worker imports it by
import numpy as np
import torch
from ideas_in_stages import TEACHER, Stages, distilled, growing, hardest_half, in_stages, one_piece, trained

import fittingroom as fr
from fittingroom.cli.output import log
from fittingroom.data import Dataset, Split, hold_out
from fittingroom.files import append_json_line, atomic_write, read_json_lines
from fittingroom.jobs.job import Job, Report, Row, place_of
from fittingroom.jobs.places import find_place
from fittingroom.jobs.run_jobs import run_jobs
from fittingroom.ladder.measure import averaged
from fittingroom.models import build
from fittingroom.recipes import load_recipe, recipe_sha256

ROOT = Path(__file__).parent.parent
LOG, PAGE = Path(__file__).parent / "ideas.jsonl", ROOT / "docs" / "ideas.md"
RUNG = Path(__file__).parent / "recipes_before" / "92.toml"  # rung 92 as it was when the ideas were tried
HELD_OUT = 10_000

Trial = Callable[[Split, Split, int], float]
"""``trial(train, validation, seed)``: the accuracy on the validation images."""

BASE, STAGED = "the recipe as it is", "the recipe in stages of one epoch"
CHANGES: dict[str, dict[str, Any]] = {  # what is changed in the recipe of the rung
    BASE: {},
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
    "weight decay 0.1": {"weight_decay": 0.1},
    "half the learning rate": {"learning_rate": 0.025},
    "twice the learning rate": {"learning_rate": 0.1},
}
STAGES: dict[str, Stages] = {
    STAGED: one_piece,
    f"distilled: labels drawn from the answers of rung {TEACHER} (its training not counted)": distilled,
    "loss-based selection: the hardest half after two epochs, choosing it counted": hardest_half,
    "progressive resolution: two epochs' worth on 20 x 20 pixels first": growing,
}


def changed(changes: dict[str, Any]) -> Trial:
    """Return the trial of the rung's recipe with some settings changed."""
    return lambda train, held, seed: right(network(changes, train, seed), held)


def staged(stages: Stages) -> Trial:
    """Return the trial of the rung's recipe in stages."""
    return lambda train, held, seed: right(in_stages(stages, train, load_recipe(RUNG), seed), held)


def by_views(unsure: float) -> Trial:
    """Return the trial that averages over views of the images that the recipe's network is least sure of.

    Args:
        unsure: share of the images that are averaged.
    """

    def trial(train: Split, held: Split, seed: int) -> float:
        predict = partial(fr.predict, network({}, train, seed))
        chances = predict(held.images)
        rows = np.argsort(chances.max(axis=1))[: round(unsure * len(held))]
        chances[rows] = averaged(predict, mirrored=True)(held.images[rows])
        return float(np.mean(chances.argmax(axis=1) == held.labels))

    return trial


TRIALS: dict[str, Trial] = {
    **{name: changed(changes) for name, changes in CHANGES.items()},
    "averaged over six views when asked": by_views(1.0),
    "averaged over six views where it is least sure, a quarter of the images": by_views(0.25),
    **{name: staged(stages) for name, stages in STAGES.items()},
}

HEAD = """# What each idea is worth here

Printed by `make ideas`: the recipe that rung 92 had (`benchmarks/recipes_before/92.toml`) with one thing changed,
trained on 50,000 images for the same number of epochs, and its accuracy on 10,000 validation images held out of the
training images. Mean and sd over seeds; the difference is to the recipe as it is (for ideas that need stages, to the
recipe in stages), with its standard error. What did not help is here too.

| changed | accuracy | sd | n | difference | standard error |
| --- | --- | --- | --- | --- | --- |
"""


def main() -> None:
    """Measure what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--on", help="local, local:4 or tcp://SCHEDULER, whose workers have benchmarks/ on their path")
    parser.add_argument("--threads", type=int, default=None)
    asked = parser.parse_args()
    place = find_place(asked.on, asked.threads)
    threads = place.threads if place else asked.threads or torch.get_num_threads()
    data = place_of(fr.load("fashion-mnist"), "fashion-mnist")
    missing = [(name, seed) for seed in range(asked.seeds) for name in TRIALS if seed not in accuracies(name)]
    jobs = [Job(f"{name}, seed {seed}", None, {"idea": name, "seed": seed}, threads, data) for name, seed in missing]
    for outcome in run_jobs(ideas.measure, jobs, place, log=log):
        if outcome.error is not None:
            raise outcome.error
        append_json_line(LOG, {"recipe_sha256": recipe_sha256(RUNG), **outcome.job.arguments, **(outcome.row or {})})
        log(f"{outcome.job.key}: {(outcome.row or {})['accuracy']:.4f}")
    atomic_write(PAGE, HEAD + "".join(row(name) for name in TRIALS))


def measure(job: Job, data: Dataset | None, report: Report) -> Row:
    """Measure one idea with one seed: a job that keeps no folder."""
    del report
    assert data is not None
    train, held = hold_out(data.train, HELD_OUT)
    accuracy = TRIALS[job.arguments["idea"]](train, held, job.arguments["seed"])
    return {"accuracy": accuracy, "threads": job.threads}


def network(changes: dict[str, Any], train: Split, seed: int) -> Any:
    """Return the network of the rung's recipe, changed, after its last epoch."""
    recipe = load_recipe(RUNG).replace(**changes)
    model = build(recipe.model or "walkthrough", seed=seed)
    trained(model, train.images, train.labels, recipe, seed)
    return model


def right(model: Any, held: Split) -> float:
    """Return the share of held-out images that a model names rightly."""
    return float(np.mean(fr.predict(model, held.images).argmax(axis=1) == held.labels))


def accuracies(idea: str) -> dict[int, float]:
    """Return what is logged for an idea with the recipe as it is now, by seed."""
    fields = {"idea": "str", "recipe_sha256": "str", "seed": "int", "accuracy": "float"}
    lines, now = read_json_lines(LOG, fields), recipe_sha256(RUNG)
    return {line["seed"]: line["accuracy"] for line in lines if (line["idea"], line["recipe_sha256"]) == (idea, now)}


def row(idea: str) -> str:
    """Return an idea's row of the table; one in stages is compared with the recipe in stages."""
    base_name = STAGED if idea in STAGES else BASE
    values, base = list(accuracies(idea).values()), list(accuracies(base_name).values())
    if len(values) < 2 or len(base) < 2:
        return f"| {idea} | not measured | | {len(values)} | | |\n"
    mean, spread = np.mean(values), np.std(values, ddof=1)
    if idea == base_name:
        return f"| {idea} | {mean:.4f} | {spread:.4f} | {len(values)} | | |\n"
    error = (np.var(values, ddof=1) / len(values) + np.var(base, ddof=1) / len(base)) ** 0.5
    difference = f"{100 * (mean - np.mean(base)):+.2f} points | {100 * error:.2f}"
    return f"| {idea} | {mean:.4f} | {spread:.4f} | {len(values)} | {difference} |\n"


if __name__ == "__main__":
    os.nice(5)
    main()
