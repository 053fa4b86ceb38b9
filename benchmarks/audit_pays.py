"""`make audit-pays`: does mending pay? Rung 92 with and without what the audit finds, by paired seeds, with intervals.

Of 60,000 training images 10,000 are held out to judge by, with their labels as they are; the other 50,000 are audited
and trained on. No test image is looked at. Every change is an edits.csv, made of the audit's suspects alone: nobody
looks at a picture. What was measured is kept in benchmarks/audit_pays.jsonl and not measured again.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import fittingroom as fr
from fittingroom.audit.folds import RECIPE, cross_validate
from fittingroom.audit.label_errors import MOST_SUSPECTS, Suspect, suspects
from fittingroom.data import Dataset, hold_out
from fittingroom.data.edits import write_edits
from fittingroom.files import append_json_line, read_json_lines
from fittingroom.judging.intervals import student_interval

LOG = Path(__file__).parent / "audit_pays.jsonl"
HELD_OUT = 10_000
RUNG = "92"
SEEDS = (0, 1, 2, 3, 4)
PLANTED = 0.05  # of the labels, any other class
COMPARED = {  # what is trained on, beside what
    "the worst 1 % excluded": "as they are",
    "planted, the worst 1 % relabelled": "planted 5 %",
    "planted, all suspects relabelled": "planted 5 %",
    "planted, all suspects excluded": "planted 5 %",
}


def datasets() -> tuple[Dataset, Dataset, fr.data.Split]:
    """Return the images to train on with their labels, with wrong ones planted among these, and those to judge by."""
    data = fr.load("fashion-mnist")
    rest, judged = hold_out(data.train, HELD_OUT)
    plain = replace(data, train=rest, test=data.test.take(np.arange(0)))
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(rest), round(PLANTED * len(rest)), replace=False)
    labels = rest.labels.copy()
    labels[chosen] = (labels[chosen] + generator.integers(1, data.classes, len(chosen))) % data.classes
    return plain, replace(plain, train=replace(rest, labels=labels)), judged


def suspects_of(data: Dataset, work: Path, most: float) -> list[Suspect]:
    """Return the audit's suspects, the worst first, at most a share of the images."""
    answers = cross_validate(data, RECIPE, work, with_test=False, log=print).train
    return suspects(data.train.labels, answers, most=most)


def edited(data: Dataset, found: list[Suspect], path: Path, *, relabel: bool) -> Dataset:
    """Return a dataset with its suspects excluded or relabelled, by a file as a person would complete it."""
    names = data.class_names
    rows = [
        {
            "index": int(data.train.indices[one.position]),
            "split": "train",
            "given": names[one.given],
            "edit": f"relabel {names[one.suggested]}" if relabel else "exclude",
        }
        for one in found
    ]
    write_edits(path, data, rows)
    return data.edited(path)


def conditions(work: Path) -> tuple[dict[str, Dataset], fr.data.Split, list[str]]:
    """Return what is trained on by its name, what is judged on, and sentences about the edits."""
    work.mkdir(parents=True, exist_ok=True)
    plain, planted, judged = datasets()
    worst = suspects_of(plain, work / "plain", MOST_SUSPECTS)
    every = suspects_of(planted, work / "planted", 1.0)
    few = every[: int(MOST_SUSPECTS * len(planted.train))]
    is_wrong = planted.train.labels != plain.train.labels
    hits = [sum(bool(is_wrong[one.position]) for one in some) for some in (few, every)]
    mended = [sum(one.suggested == plain.train.labels[one.position] for one in some) for some in (few, every)]
    told = [
        f"As they are, the audit's worst 1 % are {len(worst):,} labels.",
        f"Planted: {is_wrong.sum():,}. Of the worst {len(few):,} suspects {hits[0]:,} are planted, and {mended[0]:,} "
        f"suggestions are the label that was there; of all {len(every):,} these are {hits[1]:,} and {mended[1]:,}.",
    ]
    found = {
        "as they are": plain,
        "the worst 1 % excluded": edited(plain, worst, work / "worst.csv", relabel=False),
        "planted 5 %": planted,
        "planted, the worst 1 % relabelled": edited(planted, few, work / "few.csv", relabel=True),
        "planted, all suspects relabelled": edited(planted, every, work / "every.csv", relabel=True),
        "planted, all suspects excluded": edited(planted, every, work / "excluded.csv", relabel=False),
    }
    return found, judged, told


def measure(name: str, data: Dataset, seed: int, judged: fr.data.Split, log: Path) -> None:
    """Train rung 92 and write a line with how often it is right about the images held out."""
    with tempfile.TemporaryDirectory() as place:
        run = fr.train(None, data, recipe=RUNG, seed=seed, onnx=False, out=Path(place) / "run")
        right = int((run.predict(judged.images).argmax(axis=1) == judged.labels).sum())
    line = {"trained_on": name, "seed": seed, "right": right, "n": len(judged), "images": len(data.train)}
    append_json_line(log, line)
    print(line, flush=True)


def print_table(rows: list[dict]) -> None:
    """Print means over the seeds, and the paired differences with 95 % intervals by Student."""
    by = {(row["trained_on"], row["seed"]): 100 * row["right"] / row["n"] for row in rows}
    print("\n| rung 92 trained on | beside | accuracy | beside | difference, points | 95 % | seeds |")
    print("| :-- | :-- | --: | --: | --: | :-: | --: |")
    for name, other in COMPARED.items():
        seeds = [seed for seed in SEEDS if {(name, seed), (other, seed)} <= by.keys()]
        if not seeds:
            continue
        ours, theirs = ([by[one, seed] for seed in seeds] for one in (name, other))
        gains = [one - two for one, two in zip(ours, theirs, strict=True)]
        interval = student_interval(gains)
        words = "–" if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"
        means = [statistics.fmean(each) for each in (ours, theirs, gains)]
        cells = f"{means[0] / 100:.4f} | {means[1] / 100:.4f} | {means[2]:+.2f} | {words} | {len(seeds)}"
        print(f"| {name} | {other} | {cells} |")


def main() -> int:
    """Measure what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("audit-check/pays"), help="folder of what was computed")
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--table-only", action="store_true")
    asked = parser.parse_args()
    if not asked.table_only:
        found, judged, told = conditions(asked.work)
        print("\n".join(told), flush=True)
        done = {(row["trained_on"], row["seed"]) for row in read_json_lines(asked.log)}
        for seed in SEEDS:
            for name, data in found.items():
                if (name, seed) not in done:
                    measure(name, data, seed, judged, asked.log)
    print_table(list(read_json_lines(asked.log)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
