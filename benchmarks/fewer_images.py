"""How accurate are three rungs where there are fewer training images? One look each at 10,000 held out; five seeds.

    python benchmarks/fewer_images.py            # measures what benchmarks/fewer_images.jsonl lacks: half an hour
    python benchmarks/fewer_images.py --seeds 2

Each recipe takes as many steps as on all images: a hundredth of the images is seen a hundred times as often. The images
are drawn anew for each seed, equally many of each class. Test images play no part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fittingroom as fr
from fittingroom.backend import describe
from fittingroom.cli.output import emit, log
from fittingroom.data import Split, hold_out
from fittingroom.files import append_json_line, read_json_lines
from fittingroom.judging.intervals import student_interval
from fittingroom.ladder.measure import machine
from fittingroom.pages.plots import INK, LINE, MUTED
from fittingroom.recipes import recipe_sha256

ROOT = Path(__file__).parent.parent
LOG = Path(__file__).parent / "fewer_images.jsonl"
RUNGS = ("walkthrough", "90", "92")
SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
HELD_OUT = 10_000
COLORS = ("#0072b2", "#d55e00", "#009e73")


def main() -> None:
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--picture", type=Path, help="a PNG to draw")
    asked = parser.parse_args()
    train, held = hold_out(fr.load("fashion-mnist").train, HELD_OUT)
    for seed in range(asked.seeds):
        for rung in RUNGS:
            for share in SHARES:
                if seed not in known(rung, share):
                    accuracy = measured(rung, part(train, share, seed), held, seed, share)
                    line = {"rung": rung, "recipe_sha256": recipe_sha256(rung), "share": share, "seed": seed}
                    append_json_line(LOG, line | {"accuracy": accuracy})
                    log(f"Rung {rung}, {share:.0%} of the images, seed {seed}: {accuracy:.4f}")
    emit(table(len(train)))
    if asked.picture:
        drawn(len(train)).savefig(asked.picture, dpi=110)


def part(train: Split, share: float, seed: int) -> Split:
    """Return a share of the images, equally many of each class, drawn by a seed."""
    generator, rows = np.random.default_rng(seed), []
    for label in np.unique(train.labels):
        own = generator.permutation(np.flatnonzero(train.labels == label))
        rows.append(own[: round(share * len(own))])
    return train.take(np.sort(np.concatenate(rows)))


def measured(rung: str, images: Split, held: Split, seed: int, share: float) -> float:
    """Return a rung's accuracy on the held-out images after as many steps as on all of them."""
    recipe = fr.load_recipe(rung)
    with tempfile.TemporaryDirectory() as folder:
        pair, epochs = (images.images, images.labels), round(recipe.epochs / share)
        run = fr.train(data=pair, recipe=rung, epochs=epochs, seed=seed, out=Path(folder) / "run", onnx=False)
        return float(np.mean(run.predict(held.images, tempered=False).argmax(axis=1) == held.labels))


def known(rung: str, share: float) -> dict[int, float]:
    """Return what is logged for a rung's recipe as it is now and a share, by seed."""
    fields = {"rung": "str", "recipe_sha256": "str", "share": "float", "seed": "int", "accuracy": "float"}
    meant = (rung, recipe_sha256(rung), share)
    lines = read_json_lines(LOG, fields)
    return {
        line["seed"]: line["accuracy"]
        for line in lines
        if (line["rung"], line["recipe_sha256"], float(line["share"])) == meant
    }


def table(images: int) -> str:
    """Return the means with their intervals as Markdown."""
    head = ["images", *(f"`{rung}`" for rung in RUNGS)]
    lines = [
        "<!-- Printed by `make fewer-images`; do not edit. -->\n\n# Fewer training images\n\n"
        f"Accuracy on {HELD_OUT:,} validation images held out of the training images, after as many steps as on all "
        "of them:\nmean over seeds, with Student's 95 % interval over them. "
        f"{machine(describe())}.\n\n![Accuracy against images](images/fewer-images.png)\n",
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
    ]
    for share in SHARES:
        cells = [f"{round(share * images):,}", *(cell(list(known(rung, share).values())) for rung in RUNGS)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(values: list[float]) -> str:
    """Return a mean with its interval and n."""
    if not values:
        return "not measured"
    between = student_interval(values)
    spread = f" ({between[0]:.4f} to {between[1]:.4f})" if between else ""
    return f"{statistics.fmean(values):.4f}{spread}, n = {len(values)}"


def drawn(images: int) -> Figure:
    """Return accuracy against the number of images, a line a rung."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for rung, color in zip(RUNGS, COLORS, strict=True):
        points = [(share * images, list(values.values())) for share in SHARES if (values := known(rung, share))]
        means = [statistics.fmean(values) for _, values in points]
        axes.plot([x for x, _ in points], means, color=color, marker="o", markersize=4, linewidth=1.5)
        for x, values in points:
            axes.plot([x] * len(values), values, ".", color=color, alpha=0.35, markersize=4)
        axes.annotate(rung, (points[-1][0], means[-1]), textcoords="offset points", xytext=(7, -3), color=INK)
    axes.set_xscale("log")
    axes.margins(x=0.14)
    axes.set_xlabel("training images", color=MUTED)
    axes.set_ylabel("accuracy on images held out", color=MUTED)
    axes.tick_params(colors=MUTED)
    axes.grid(color=LINE, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


if __name__ == "__main__":
    os.nice(5)
    main()
