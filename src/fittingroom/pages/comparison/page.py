"""The page that compares runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.pages import run_text, tutorial_text
from fittingroom.pages.comparison.values import SEED_ALONE
from fittingroom.pages.curves import runs_figure
from fittingroom.pages.html import environment, inline_svg, picture_uri
from fittingroom.pages.run.page import cost_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from fittingroom.arrays import Array
    from fittingroom.pages.comparison.values import ComparisonReport


MOST_CURVES = 6


def comparison_page(report: ComparisonReport, pictures: Mapping[int, Array], twin: str = "comparison.json") -> str:
    """Return the page as HTML, for one file that needs nothing from outside.

    Args:
        report: every number on it.
        pictures: the images on which the first two differ, by position in the split's file; empty for none.
        twin: the name of the file that holds every number.
    """
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            report=report,
            text=tutorial_text,
            tell=run_text,
            curves=_curves(report),
            uris={index: picture_uri(image) for index, image in pictures.items()},
            costs=[dict(cost_words(each.cost)) for each in report.contenders],
            twin=twin,
            seed_alone=SEED_ALONE,
        )
    )


def _curves(report: ComparisonReport) -> Markup | None:
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
