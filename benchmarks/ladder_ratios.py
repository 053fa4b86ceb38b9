"""How long a rung trains by its recipe of today, beside the one it had before: in turns, in one run.

    python benchmarks/ladder_ratios.py                    # every rung whose recipe is another one now; minutes
    python benchmarks/ladder_ratios.py 90 92 --rounds 5

Seconds differ between machines that call themselves the same, and their ratios hardly do. Each turn trains a few epochs
of one recipe, of which the first is not counted, and multiplies their median by the recipe's epochs; which recipe comes
first changes from turn to turn. The recipes as they were are kept in benchmarks/recipes_before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import fittingroom as fr
from fittingroom.backend import describe
from fittingroom.cli.output import emit, log
from fittingroom.ladder.measure import machine
from fittingroom.recipes import find_recipe

BEFORE = Path(__file__).parent / "recipes_before"
BARS = {"90": 0.65, "92": 0.6, "93": 0.55, "94": 0.5, "95": 0.5}
COLUMNS = ("rung", "before, s", "now, s", "now / before", "lowest", "highest", "n", "at most")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rungs", nargs="*", help="those whose recipe has changed if left out")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each recipe")
    parser.add_argument("--epochs", type=int, default=2, help="that are timed in a turn, beside the first")
    asked = parser.parse_args()
    data = fr.load("fashion-mnist")
    emit(
        "<!-- Printed by benchmarks/ladder_ratios.py; do not edit. -->\n\n# Rungs, now and before\n\n"
        "Seconds of training: the median epoch times the epochs, median of the turns. The ratio is the median of the "
        "ratios of\nneighbouring turns, with the lowest and the highest of them. "
        f"{machine(describe())}.\n\n| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}"
    )
    for rung in asked.rungs or changed():
        emit(row(rung, data, asked.rounds, asked.epochs))


def changed() -> list[str]:
    """Return the rungs whose recipe is another one than it was."""
    return [rung for rung in BARS if recipe_of(rung).read_bytes() != find_recipe(rung).read_bytes()]


def recipe_of(rung: str) -> Path:
    """Return the file of a rung's recipe as it was."""
    return BEFORE / f"{rung}.toml"


def row(rung: str, data: fr.Dataset, rounds: int, epochs: int) -> str:
    """Return a rung's row of the table."""
    taken: dict[str, list[float]] = {"before": [], "now": []}
    files = {"before": recipe_of(rung), "now": find_recipe(rung)}
    for turn in range(rounds):
        for which in ("before", "now") if turn % 2 else ("now", "before"):
            taken[which].append(seconds(files[which], data, epochs))
            log(f"Rung {rung}, turn {turn + 1} of {rounds}: {which} {taken[which][-1]:.2f} s")
    ratios = [now / before for now, before in zip(taken["now"], taken["before"], strict=True)]
    before, now = (statistics.median(taken[which]) for which in ("before", "now"))
    return (
        f"| `{rung}` | {before:.1f} | {now:.1f} | {statistics.median(ratios):.2f} | {min(ratios):.2f} | "
        f"{max(ratios):.2f} | {rounds} | {BARS[rung]:g} |"
    )


def seconds(recipe: Path, data: fr.Dataset, epochs: int) -> float:
    """Return how long a recipe's training takes, by a few of its epochs."""
    with tempfile.TemporaryDirectory() as folder:
        run = fr.train(data=data, recipe=recipe, epochs=epochs + 1, out=Path(folder) / "run", onnx=False)
        return statistics.median(line["seconds"] for line in run.history[1:]) * fr.load_recipe(recipe).epochs


if __name__ == "__main__":
    main()
