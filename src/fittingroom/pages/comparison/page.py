"""The page that compares runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.pages import judged
from fittingroom.pages.comparison.values import SEED_ALONE
from fittingroom.pages.figures import runs_figure
from fittingroom.pages.html import inline_svg, picture_uri, render
from fittingroom.pages.run.values import cost_words

if TYPE_CHECKING:
    from markupsafe import Markup

    from fittingroom.pages.answers import Pictures
    from fittingroom.pages.comparison.values import ComparisonReport


MOST_CURVES = 6


def comparison_page(report: ComparisonReport, pictures: Pictures, twin: str = "comparison.json") -> str:
    """Return the page as HTML, for one file that needs nothing from outside.

    Args:
        report: every number on it.
        pictures: the images on which the first two differ; empty where they cannot be had.
        twin: the name of the file that holds every number.
    """
    return render(
        "comparison.html.j2",
        report=report,
        tell=judged,
        curves=_curves(report),
        uris={index: picture_uri(image) for index, image in pictures.judged.items()},
        costs=[dict(cost_words(each.cost)) for each in report.contenders],
        twin=twin,
        seed_alone=SEED_ALONE,
    )


def _curves(report: ComparisonReport) -> Markup:
    """Return the curves of what was held out where all runs have them, else of training."""
    drawn = report.contenders[:MOST_CURVES]
    held_out = all(each.history[-1].val_accuracy is not None for each in drawn)
    values = {
        each.name: [(epoch.val_accuracy if held_out else epoch.accuracy) or 0.0 for epoch in each.history]
        for each in drawn
    }
    kind = "Validation" if held_out else "Training"
    told = " ".join(f"{name}: {', '.join(f'{value:.4f}' for value in line)}." for name, line in values.items())
    return inline_svg(runs_figure(values), f"{kind} accuracy by epoch. {told}", "runs")
