"""What the second look at a trace costs: its share of a training, by network. Prints a table.

Usage: python benchmarks/later_check.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import fittingroom as fr
from fittingroom.training import Recipe, gradients, train_model

TRAININGS = {  # by network: epochs, and images
    "walkthrough": (5, 60_000),
    "stem-16-32-48": (2, 60_000),
    "residual-16-32-38": (1, 20_000),
}


def main() -> None:
    """Train each network once and print what share of the time the second look took."""
    data = fr.load("fashion-mnist")
    spent: list[float] = []
    checked_later = gradients.Tracer.checked_later

    def timed(tracer: gradients.Tracer, traced: Any) -> Any:
        compute = checked_later(tracer, traced)
        calls = 1

        def counted(inputs: Any, targets: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls != gradients.LATER_STEP:
                return compute(inputs, targets)
            start = time.perf_counter()
            answer = compute(inputs, targets)
            whole = time.perf_counter() - start
            start = time.perf_counter()  # the step itself is no cost of the check
            traced(inputs, targets)
            spent.append(whole - (time.perf_counter() - start))
            return answer

        return counted

    gradients.Tracer.checked_later = timed  # type: ignore[method-assign]
    head = "| network | epochs | images | training, s | the second look, s | of 5 epochs on 60,000 images |"
    print(head + "\n" + "| --- " * 6 + "|")
    for name, (epochs, images) in TRAININGS.items():
        with tempfile.TemporaryDirectory() as folder:
            part = data.train.images[:images], data.train.labels[:images]
            run = train_model(fr.build(name), part, Recipe(epochs=epochs), out=Path(folder) / "run")
            total = sum(line["seconds"] for line in run.history)
        ordinary = total * 5 * 60_000 / (epochs * images)
        print(f"| {name} | {epochs} | {images:,} | {total:.2f} | {spent[-1]:.3f} | {spent[-1] / ordinary:.2%} |")


if __name__ == "__main__":
    main()
