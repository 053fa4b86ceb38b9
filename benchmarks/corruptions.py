"""How far each rung's weights hold on corrupted test images: prints docs/corruptions.md; draws an image under each.

Usage: python benchmarks/corruptions.py [--rungs 90 92 ...] [--picture FILE]. The networks are those that ship; the
table is printed once they are done, and nothing was chosen by it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import fittingroom as fr
from fittingroom.cli.formats import written_table
from fittingroom.pages.figures import save_figure
from fittingroom.workflows.corruptions import CORRUPTIONS, STRENGTHS, CorruptionScores, corruptions_figure

RUNGS = ("90", "92", "93", "94", "95", "small")
PAGE = """<!-- Written by `make corruptions`; do not edit. -->

# How far it holds: the ladder on corrupted images

The weights that ship, on the {n:,} test images of {data} as they are and corrupted in nine ways at five strengths each,
which the networks never saw in training. `fittingroom evaluate --model M --corruptions` does the same for any model;
where the kinds come from is said in `workflows/corruptions.py`. An accuracy of 0.5 has the interval 0.490 to 0.510
(Wilson, 95 %), the others narrower ones; all networks are asked about the same corrupted images.

![One image under each corruption, with the accuracy of rung {shown}](images/corruptions.png)

## Mean over the five strengths

{means}

## Each strength, rung {shown}

{each}

| corruption | what 1 to 5 are |
| --- | --- |
{amounts}
"""


def main() -> int:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rungs", nargs="+", default=list(RUNGS))
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args()
    data = fr.load()
    found: dict[str, CorruptionScores] = {}
    for rung in asked.rungs:
        found[rung] = fr.evaluate_corruptions(
            f"fashion-mnist/{rung}", data, log=lambda line, rung=rung: print(f"{rung}: {line}", file=sys.stderr)
        )
    shown = "92" if "92" in found else asked.rungs[0]
    if asked.picture:
        save_figure(corruptions_figure(found[shown], data.test.images[0]), asked.picture)
    means = [
        [rung, scores.clean, scores.mean, *(sum(values) / len(values) for values in scores.accuracies.values())]
        for rung, scores in found.items()
    ]
    each = [[name, *values] for name, values in found[shown].accuracies.items()]
    amounts = "\n".join(
        f"| {name} | {', '.join(f'{amount:g}' for amount in one.amounts)}: {one.unit} |"
        for name, one in CORRUPTIONS.items()
    )
    print(
        PAGE.format(
            n=found[shown].n,
            data=data.name,
            shown=shown,
            means=written_table("markdown", ["rung", "as they are", "all corruptions", *CORRUPTIONS], means),
            each=written_table("markdown", ["corruption", *map(str, range(1, STRENGTHS + 1))], each),
            amounts=amounts,
        ),
        end="",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
