"""The page of a run: what was asked, how it learned, how it was judged, what it gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.pages import run_text, tutorial_text
from fittingroom.pages.answers import Pictures
from fittingroom.pages.curves import curves
from fittingroom.pages.html import environment
from fittingroom.pages.judged import judged_figures

if TYPE_CHECKING:
    from fittingroom.pages.run.values import Cost, RunReport


PARTS = (
    ("standing", "Where it stands"),
    ("asked", "What was asked"),
    ("learned", "How it learned"),
    ("classes", "Right and wrong"),
    ("sureness", "How sure it is"),
    ("first", "The first images"),
    ("losses", "Highest losses"),
    ("confused", "What for what"),
    ("cost", "What it cost"),
    ("again", "Do it again"),
)
ALWAYS = ("asked", "learned", "cost", "again")


def run_page(report: RunReport, pictures: Pictures | None = None) -> str:
    """Return the page of a run: test figures only once it was tested, validation figures before, or curves alone.

    Args:
        report: every number on the page.
        pictures: the pixels of the images that it shows; None where they cannot be had.

    Returns:
        HTML, for one file; it opens from ``file://`` and asks the network for nothing.
    """
    drawn = judged_figures(report.judged, pictures or Pictures()) if report.judged else None
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            report=report,
            text=tutorial_text,
            tell=run_text,
            figures=curves(report.history, {}, {}),
            drawn=drawn,
            parts=[(key, name) for key, name in PARTS if _is_there(key, report, bool(drawn and drawn["first"]))],
            cost=cost_words(report.cost),
        )
    )


def _is_there(key: str, report: RunReport, with_first: bool) -> bool:
    if key in ALWAYS:
        return True
    if report.judged is None or (key == "first" and not with_first):
        return False
    return key != "confused" or bool(report.judged.confused)


def cost_words(cost: Cost) -> tuple[tuple[str, str], ...]:
    """Return what a run cost as names and values for a table."""
    rows = [
        ("training", f"{cost.train_seconds:.1f} seconds, all epochs"),
        ("speed", f"{cost.images_per_second:,.0f} images a second"),
        ("images an epoch", f"{cost.train_images:,}"),
    ]
    if cost.parameters is not None:
        rows.append(("parameters", f"{cost.parameters:,}"))
    if cost.model_bytes is not None:
        rows.append(("model file", f"{cost.model_bytes:,} bytes"))
    return tuple(rows)
