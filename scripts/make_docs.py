"""Write the generated pages of docs/: command line, the recipe's settings, the walk-through's ten seeds, glossary.

Usage: make_docs.py [--check]; with --check nothing is written, and the exit code is 1 where a page is out of date.
"""

from __future__ import annotations

import dataclasses
import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

os.environ |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}

from fittingroom.cli.app import COMMANDS, GROUPS, main
from fittingroom.files import atomic_write
from fittingroom.judging import over_seeds, wilson_interval
from fittingroom.judging.references import WALKTHROUGH_ACCURACY
from fittingroom.pages.glossary import GLOSSARY
from fittingroom.pages.tutorial.values import seeds_accuracies, ten_seeds
from fittingroom.training.recipe import Recipe

DOCS = Path(__file__).parent.parent / "docs"
NOTE = "<!-- Written by `make docs` from the code; do not edit. -->\n\n"


def help_of(*words: str) -> str:
    """Return what a command's --help prints."""
    with redirect_stdout(io.StringIO()) as out:
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def command_line() -> str:
    """Return the page of the command line."""
    names = [(), *((name,) for name in COMMANDS)]
    names += [
        (group, *rest) for group, (_, commands) in GROUPS.items() for rest in ((), *((name,) for name in commands))
    ]
    parts = [f"## `{' '.join(('fittingroom', *words))}`\n\n```text\n{help_of(*words)}\n```\n" for words in names]
    return f"{NOTE}# The command line\n\n" + "\n".join(parts)


def recipe_settings() -> str:
    """Return the page of the recipe's settings."""
    rows = []
    for entry in dataclasses.fields(Recipe):
        default = (
            "none" if entry.default is None else str(entry.default).lower() if entry.type == "bool" else entry.default
        )
        choices = ", ".join(f"`{choice}`" for choice in entry.metadata["choices"])
        help_text = entry.metadata["help"] + (f" One of {choices}." if choices else "")
        rows.append(f"| `{entry.name}` | {default} | {entry.metadata['unit']} | {help_text} |")
    head = "| setting | default | unit | what it does |\n| --- | --- | --- | --- |\n"
    words = "The same table serves Python (`fr.Recipe(epochs=10)`), the command line (`--set epochs=10`) and TOML.\n\n"
    return f"{NOTE}# The recipe's settings\n\n{words}{head}" + "\n".join(rows) + "\n"


BAND = (0.862, 0.876)  # in which the mean of the walk-through's accuracy is to lie


def walkthrough_results() -> str:
    """Return the page of the walk-through's ten seeds."""
    measured = ten_seeds()
    n, accuracies = measured["n"], seeds_accuracies()
    seeds = over_seeds(accuracies, n)
    rows = "\n".join(
        "| {seed} | {test_accuracy:.4f} | {low:.4f} to {high:.4f} | {train_accuracy:.4f} |".format(
            **row, **dict(zip(("low", "high"), wilson_interval(round(row["test_accuracy"] * n), n), strict=True))
        )
        for row in measured["seeds"]
    )
    return (
        f"{NOTE}# The walk-through, ten seeds\n\n"
        "Measured by `make seeds`. Five epochs, batch 128, RMSprop, all 60,000 training images; the last epoch's "
        f"network on the {n:,} test images, once a seed. Data {measured['fingerprint']}; {measured['machine']}; "
        f"fittingroom {measured['version']}.\n\n"
        "| seed | test accuracy | 95 % interval | training accuracy, last epoch |\n| --- | --- | --- | --- |\n"
        f"{rows}\n\nTest accuracy: mean **{seeds.mean:.4f}**, sd {seeds.sd:.4f}, n = {len(accuracies)} seeds, from "
        f"{min(accuracies):.4f} to {max(accuracies):.4f}.\n\n"
        f"The mean is {'inside' if BAND[0] <= seeds.mean <= BAND[1] else 'outside'} {BAND[0]} to {BAND[1]}, where the "
        f"walk-through's printed {WALKTHROUGH_ACCURACY} is too. The interval of one run is the sampling "
        "error: what the choice of the test images explains. The spread over seeds is what the starting values and the "
        "order of the images explain (variation between seeds).\n"
    )


def glossary() -> str:
    """Return the page of the glossary, a heading a word, so that each can be linked to."""
    entries = [f"## {word}\n\n{meaning}\n\nExample: {example}\n" for word, (meaning, example) in GLOSSARY.items()]
    return (
        f"{NOTE}# Glossary\n\nThe technical words of this project, for readers who have never trained a network. "
        "The pages\nthat `fittingroom report` and `fittingroom tutorial` write define the words that they use, and\n"
        "`fittingroom glossary epoch` prints one in the terminal; all are from the same table.\n\n" + "\n".join(entries)
    )


PAGES = {
    "glossary.md": glossary,
    "command-line.md": command_line,
    "recipe.md": recipe_settings,
    "walkthrough-results.md": walkthrough_results,
}


def run(check: bool) -> int:
    """Write the pages, or compare them; return the exit code."""
    stale = []
    for name, make in PAGES.items():
        text, path = make(), DOCS / name
        if check and (not path.exists() or path.read_text("utf-8") != text):
            stale.append(name)
        if not check:
            atomic_write(path, text)
    if stale:
        sys.stderr.write(f"Out of date: {', '.join(stale)}. Run: make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv))
