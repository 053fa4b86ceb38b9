"""Are two workers of one thread worth it? Trainings of rung 90 in turns: two workers, one worker, one of two threads.

    python benchmarks/scale_check.py                # prints a table of ratios; 8 trainings in each of three ways
    python benchmarks/scale_check.py --epochs 1 --trainings 4    # a shorter look

The ways take turns, each round in another order; a way's time is from the first job given out to the last row that came
back, on workers that are there and have trained once: of two, both, and the one that was ready first has begun again by
then. What else runs on the machine falls on all three.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fittingroom.backend import processor_name
from fittingroom.cli.output import emit, log
from fittingroom.jobs.places import Place, find_place
from fittingroom.jobs.run_jobs import run_jobs
from fittingroom.workflows.train_jobs import train_job, training_job
from fittingroom.workflows.training import found_by_name

if TYPE_CHECKING:
    from fittingroom.jobs.job import Job

WAYS = {"two workers of one thread": ("local:2", 1), "one of one thread": ("local:1", 1), "one of two": ("local:1", 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainings", type=int, default=8, help="of each way, in all rounds; even")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    asked = parser.parse_args()
    found = found_by_name(None, "fashion-mnist", "90", {"epochs": asked.epochs}, {}, 0, None, log)
    each = asked.trainings // asked.rounds
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    with TemporaryDirectory() as folder:
        for number in range(asked.rounds):
            for name in list(WAYS) if number % 2 == 0 else list(reversed(WAYS)):
                place = find_place(*WAYS[name])
                assert place is not None
                root = Path(folder) / f"{number}-{name.replace(' ', '-')}"
                jobs = [
                    training_job(
                        root / f"seed-{seed}",
                        found,
                        ("fashion-mnist", None),
                        seed=seed,
                        threads=place.threads,
                        onnx=False,
                    )
                    for seed in range((place.workers or 1) + each)
                ]
                seconds[name].append(timed(jobs, place))
                log(f"round {number + 1}, {name}: {each} trainings in {seconds[name][-1]:.1f} s")
    emit(table(seconds, each, asked.epochs))


def timed(jobs: list[Job], place: Place) -> float:
    """Return the seconds for the jobs, from when as many as there are workers have ended: those have warmed them up."""
    ended = []
    for outcome in run_jobs(train_job, jobs, place):
        if outcome.error is not None:
            raise outcome.error
        ended.append(time.perf_counter())
    first = place.workers or 1
    return ended[-1] - ended[first - 1]


def table(seconds: dict[str, list[float]], each: int, epochs: int) -> str:
    """Return throughput and its ratios as Markdown."""
    rates = {name: [each / value for value in values] for name, values in seconds.items()}
    best = rates["two workers of one thread"]
    lines = [
        f"Rung 90, {epochs} epochs, {each} trainings a round, n = {len(best)} rounds in turns; {processor_name()}",
        "",
        "| way | trainings a minute, median | two workers against it, median (each round) |",
        "| --- | --- | --- |",
    ]
    for name, values in rates.items():
        ratios = [two / one for two, one in zip(best, values, strict=True)]
        told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        lines.append(f"| {name} | {60 * statistics.median(values):.1f} | {statistics.median(ratios):.2f} ({told}) |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
