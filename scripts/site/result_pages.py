"""The results at a glance, each read from the file that its measuring command wrote."""

from __future__ import annotations

import csv
from typing import Any, Final

from contents import ROOT, section

from fittingroom.judging import over_seeds
from fittingroom.judging.references import REFERENCES
from fittingroom.ladder import look_log
from fittingroom.ladder.ladder_page import ladder_figure
from fittingroom.ladder.ladder_table import Row, measured, rows
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.pages.html import inline_svg
from fittingroom.pages.tutorial.values import seeds_accuracies, ten_seeds
from fittingroom.recipes import recipe_names, recipe_sha256

LOGS: Final = ROOT / "benchmarks"
BASELINES: Final = (ROOT / "benchmarks" / "baselines.csv", ROOT / "docs" / "baselines.csv")


def results_page(pages: dict[str, str]) -> str:
    """Return the page of all results.

    Args:
        pages: of the site, by name: what each measures; linked to at the end.
    """
    links = "\n".join(f"| [{_title(name)}]({name.partition('/')[2]}.md) | {words} |" for name, words in pages.items())
    hidden = "\n".join(name.partition("/")[2] for name in pages)
    return "\n\n".join(
        (
            "# Results",
            "Every figure here was printed by a command that anyone can run, and this page reads it from the file that "
            "the command wrote. Accuracy is the share of the 10,000 test images that a network names rightly.",
            ladder(),
            walkthrough(),
            photos(),
            audit(),
            baselines(),
            f"## All tables\n\n| table | what was measured |\n| --- | --- |\n{links}",
            f"```{{toctree}}\n:hidden:\n\n{hidden}\n```\n",
        )
    )


def _title(name: str) -> str:
    file = next(
        path for folder in ("docs", "benchmarks") if (path := ROOT / folder / f"{name.partition('/')[2]}.md").is_file()
    )
    return next(line[2:] for line in file.read_text("utf-8").splitlines() if line.startswith("# "))


def ladder_rows() -> list[Row]:
    """Return the ladder as its logs have it."""
    looks = look_log.read(LOGS / "test_log.jsonl", TestLook)
    timings = look_log.read(LOGS / "epoch_times.jsonl", Timing)
    known = recipe_names()
    return list(rows(looks, timings, lambda name: recipe_sha256(name) if name in known else None, "fashion-mnist"))


def ladder_drawing(key: str) -> str:
    """Return the ladder as a drawing: accuracy against seconds.

    Args:
        key: a word unique on the page.
    """
    figure = ladder_figure(ladder_rows(), "seconds")
    words = "Test accuracy of each recipe against the seconds of its training; the table of results has the numbers."
    return "" if figure is None else str(inline_svg(figure, words, key))


def ladder() -> str:
    """Return the ladder: a drawing of accuracy against seconds, the table, and known scores beside it."""
    drawn = f'<figure class="drawing">{ladder_drawing("ladder")}</figure>'
    told = [row for row in measured().values() if row["mean"] is not None]
    lines = "\n".join(
        f"| `{row['rung']}` | {row['mean']:.4f} | {_spread(row)} | {row['n']} | {row['seconds']:,.0f} | "
        f"{row['parameters']:,} |"
        for row in told
    )
    known = "; ".join(f"{each.who} {each.accuracy:.3f}" for each in REFERENCES)
    return (
        "## The ladder\n\nThe fastest recipe known here for each accuracy; the mean over seeds and how much it varies "
        f"from seed to seed (sd), and the seconds on two threads of one processor.\n\n```{{raw}} html\n{drawn}\n```\n\n"
        "| recipe | accuracy | sd | seeds | seconds | parameters |\n| --- | --: | --: | --: | --: | --: |\n"
        f"{lines}\n\nKnown scores, for comparison: {known}. [How it is measured](../guides/ladder.md), and "
        "[every column](ladder-results.md)."
    )


def _spread(row: dict[str, Any]) -> str:
    return "–" if row["sd"] is None else f"{row['sd']:.4f}"


def walkthrough() -> str:
    """Return the walk-through's ten seeds in a sentence."""
    accuracies, n = seeds_accuracies(), ten_seeds()["n"]
    seeds = over_seeds(accuracies, n)
    return (
        f"## The walk-through\n\nOver {len(accuracies)} seeds its accuracy is {seeds.mean:.4f} on average (sd "
        f"{seeds.sd:.4f}, from {min(accuracies):.4f} to {max(accuracies):.4f}), on {n:,} test images. "
        "[Every seed](walkthrough-results.md)."
    )


def photos() -> str:
    """Return the figures of the network for photos that have bars, as they were printed."""
    table = section((ROOT / "docs" / "photo-results.md").read_text("utf-8"), "The figures that have bars")
    return (
        "## Your own photos\n\nThe network for photos, asked about photos by people whose photos it never saw (folds), "
        f"with 95 % intervals over persons; a bar was set before each figure was found.\n\n{table}\n\n"
        "[By folder, by confidence, and by kind of nothing](photo-results.md)."
    )


def audit() -> str:
    """Return what the audit of Fashion-MNIST found, from its page."""
    text = section((ROOT / "docs" / "audit.md").read_text("utf-8"), "The audit of Fashion-MNIST")
    text = text.replace("](images/", "](../images/")
    return f"## What is wrong in Fashion-MNIST\n\n{text}\n\n[How](../guides/audit.md)."


def baselines() -> str:
    """Return the best of each family of the paper's classifiers, or one sentence where they were not measured."""
    file = next((path for path in BASELINES if path.is_file()), None)
    head = "## The paper's classifiers, fitted again\n\n"
    if file is None:
        return (
            f"{head}Not measured yet: `fittingroom baselines --suite paper` fits them, for hours, and writes its "
            "table. [What it does](../guides/baselines.md)."
        )
    with file.open(encoding="utf-8", newline="") as opened:
        found = [row for row in csv.DictReader(opened) if row.get("accuracy")]
    best: dict[str, dict[str, str]] = {}
    for row in found:
        if row["family"] not in best or float(row["accuracy"]) > float(best[row["family"]]["accuracy"]):
            best[row["family"]] = row
    ordered = sorted(best.values(), key=lambda row: -float(row["accuracy"]))
    lines = "\n".join(f"| {row['family']} | {float(row['accuracy']):.4f} |" for row in ordered)
    return (
        f"{head}The best of {len(found)} fits, by family.\n\n| classifier | accuracy |\n| --- | --: |\n{lines}\n\n"
        "[What it does](../guides/baselines.md)."
    )
