"""A sweep as the studio keeps it, without a training: its order, and how its trials stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NAME = "20260103-090000-made"
VALUES = (0.81, 0.86, None, 0.79, 0.91, 0.88, 0.905, 0.87)
PAGE = "<!doctype html><html lang='en'><title>A sweep</title><h1>What came out</h1></html>"


def make_sweep(runs: Path, name: str = NAME, how: str | None = "done", **changes: Any) -> str:
    """Write a sweep into the folders of a studio, and return its name; where ``how`` is None it has not ended."""
    order = runs / ".studio" / "sweeps" / name
    order.mkdir(parents=True)
    asked = {
        "name": "bars",
        "dataset": "bars",
        "recipe": "90",
        "model": "walkthrough",
        "settings": {"epochs": 3},
        "varied": {"learning_rate": "0.001 to 0.1, by factors", "optimizer": "sgd and adam"},
        "trials": len(VALUES),
        "sampler": "tpe",
        "pruner": "none",
        "workers": 2,
        "seed": 0,
        "finalists": 2,
        "fresh_seeds": 2,
        "out": str(runs.parent / "sweeps" / name),
    }
    (order / "order.json").write_text(json.dumps(asked | changes))
    best = {"learning_rate": 0.0123456, "optimizer": "adam"}
    sentences = ["8 trials: 6 trained to their end, 1 stopped early and 1 failed.", "Its score was too high by 1.00."]
    ended = None if how is None else {"how": how, "words": "" if how == "done" else "Why it ended."}
    result = {"sentences": sentences, "chosen": "trial-0004", "best": best} if how == "done" else None
    state = {"said": "", "workers": "", "trials": rows(), "jobs": [], "finals": None, "end": ended, "result": result}
    (order / "state.json").write_text(json.dumps(state))
    if how == "done":
        folder = runs.parent / "sweeps" / name
        folder.mkdir(parents=True)
        (folder / "sweep.html").write_text(PAGE)
    return name


def rows() -> list[dict[str, Any]]:
    found = []
    for number, value in enumerate(VALUES):
        outcome = "failed" if value is None else "stopped early" if number == 3 else "done"
        settings = {"learning_rate": 0.001 * (number + 1), "optimizer": ("sgd", "adam")[number % 2]}
        error = "The loss is nan in epoch 1." if value is None else None
        seconds = 1.5 * (number + 1)
        row = {"trial": f"trial-{number:04}", "outcome": outcome, "val_accuracy": value, "epochs": 3}
        found.append({**row, "seconds": seconds, "error": error, "settings": settings})
    return found
