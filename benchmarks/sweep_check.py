"""Does TPE find better settings than chance at equal cost? Trials of rung 92's network, judged where none was chosen.

    python benchmarks/sweep_check.py                          # 40 trials of each sampler; hours on two cores
    python benchmarks/sweep_check.py --trials 10 --epochs 2   # a shorter look
    python benchmarks/sweep_check.py --synthetic 20           # seconds: a made-up objective whose optimum is known

Both sweeps vary the same five settings with the same number of trials and of epochs, and stop none early, so that they
cost the same. The best of each by its fresh seeds on the first part is judged on the second, paired by seed. What is
finished is kept in --out: the same command goes on.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from pathlib import Path
from typing import Any

import fittingroom as fr
from fittingroom.backend import processor_name
from fittingroom.cli.output import emit, log
from fittingroom.judging.intervals import student_interval
from fittingroom.workflows.sweep_finals import AS_IT_WAS, gain_over

SPACE: dict[str, Any] = {
    "learning_rate": {"low": 0.005, "high": 0.5, "log": True},
    "momentum": {"low": 0.5, "high": 0.98},
    "weight_decay": {"low": 1e-6, "high": 0.3, "log": True},
    "batch_size": {"low": 64, "high": 512, "step": 64},
    "label_smoothing": {"low": 0.0, "high": 0.4},
}
SAMPLERS = ("tpe", "random")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40, help="of each sampler")
    parser.add_argument("--epochs", type=int, help="of each training; the recipe's where it is left out")
    parser.add_argument("--fresh-seeds", type=int, default=5)
    parser.add_argument("--finalists", type=int, default=5)
    parser.add_argument("--on", help="local, local:4 or tcp://SCHEDULER")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default=Path("sweep-check"))
    parser.add_argument("--synthetic", type=int, help="only the made-up objective, over so many seeds")
    asked = parser.parse_args()
    if asked.synthetic:
        emit(synthetic(asked.synthetic, asked.trials))
        return
    settings = {"epochs": asked.epochs} if asked.epochs else {}
    space = {"recipe": "92", "settings": settings, "space": SPACE}
    words: dict[str, Any] = {"on": asked.on, "threads": asked.threads, "pruner": "none", "trials": asked.trials}
    words |= {"finalists": asked.finalists, "fresh_seeds": asked.fresh_seeds, "log": log}
    found = {name: fr.sweep(space, sampler=name, out=asked.out / name, **words) for name in SAMPLERS}
    emit(table(found))


def table(found: dict[str, Any]) -> str:
    """Return what the two sweeps came to as Markdown."""
    tpe = found["tpe"]
    lines = [
        f"Rung 92's network, {len(tpe.trials)} trials of each sampler, none stopped early; {tpe.train_n:,} images to "
        f"train on, {tpe.validation_n:,} and {tpe.second_n:,} held out; {processor_name()}",
        "",
        "| sampler | epochs in all | best trial | chosen, fresh seeds, first part | second part | gain on the recipe |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, report in found.items():
        epochs = sum(row["epochs"] or 0 for row in report.trials)
        best = max(row["val_accuracy"] for row in report.trials if row["outcome"] == "done")
        chosen = chosen_row(report)
        lines.append(
            f"| {name} | {epochs} | {best:.4f} | {chosen['first']:.4f} | {chosen['second']['mean']:.4f} | "
            f"{told(report.gain)} |"
        )
    gain = gain_over(chosen_row(found["tpe"]), chosen_row(found["random"]))
    as_it_was = next(each for each in tpe.finalists if each["name"] == AS_IT_WAS)
    lines += ["", f"The recipe as it is: {as_it_was['second']['mean']:.4f} on the second part."]
    lines += [f"TPE against random, second part, paired by seed: {told(gain)}."]
    return "\n".join(lines)


def chosen_row(report: Any) -> Any:
    """Return the chosen finalist of a sweep."""
    return next(each for each in report.finalists if each["name"] == report.chosen)


def told(gain: Any) -> str:
    """Return a gain in points with its interval."""
    if gain is None or gain["interval"] is None:
        return "not known"
    low, high = gain["interval"]
    return f"{100 * gain['mean']:+.2f} points (95 % {100 * low:+.2f} to {100 * high:+.2f}, n = {gain['seeds']} seeds)"


def synthetic(seeds: int, trials: int) -> str:
    """Return how near both samplers come to a known optimum of as many settings, paired by seed."""
    import optuna

    from fittingroom.workflows.sweep_space import read_space
    from fittingroom.workflows.sweep_trials import distribution_of

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = read_space({"settings": {"optimizer": "sgd"}, "space": SPACE})
    kinds = {each.name: distribution_of(optuna, each) for each in space.dimensions}
    missed: dict[str, list[float]] = {name: [] for name in SAMPLERS}
    for seed in range(seeds):
        for name, sampler in (("tpe", optuna.samplers.TPESampler), ("random", optuna.samplers.RandomSampler)):
            study = optuna.create_study(direction="maximize", sampler=sampler(seed=seed))
            for _ in range(trials):
                trial = study.ask(kinds)
                study.tell(trial, -bowl(trial.params))
            missed[name].append(-study.best_value)
    gains = [theirs - ours for ours, theirs in zip(missed["tpe"], missed["random"], strict=True)]
    low, high = student_interval(gains) or (math.nan, math.nan)
    means = ", ".join(f"{name} {statistics.fmean(values):.4f}" for name, values in missed.items())
    return (
        f"Made-up objective of {len(kinds)} settings, {trials} trials, n = {seeds} seeds: mean distance from the "
        f"optimum {means}; random less TPE {statistics.fmean(gains):+.4f} (95 % {low:+.4f} to {high:+.4f})"
    )


def bowl(values: dict[str, Any]) -> float:
    """Return how far settings are from the best ones, which are known; 0 there."""
    return (
        math.log10(values["learning_rate"] / 0.05) ** 2
        + 4 * (values["momentum"] - 0.9) ** 2
        + 0.1 * math.log10(values["weight_decay"] / 1e-3) ** 2
        + ((values["batch_size"] - 256) / 512) ** 2
        + 4 * (values["label_smoothing"] - 0.1) ** 2
    )


if __name__ == "__main__":
    os.nice(5)
    main()
