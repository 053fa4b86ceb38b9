"""The page of a run: its score, its settings, how it was trained, what it gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.data.edits import edits_words
from fittingroom.pages import judged, replay
from fittingroom.pages.answers import Pictures
from fittingroom.pages.figures import preview_figure
from fittingroom.pages.html import inline_svg, learning_curves, picture_uri, render
from fittingroom.pages.judged import judged_figures
from fittingroom.pages.run.values import cost_words, status_sentence
from fittingroom.words import counted

if TYPE_CHECKING:
    from markupsafe import Markup

    from fittingroom.pages.run.values import RunReport


PARTS = (
    ("score", "Score"),
    ("settings", "Settings"),
    ("training", "Training"),
    ("classes", "Per class"),
    ("calibration", "Calibration"),
    ("sets", "Prediction sets"),
    ("first", "First images"),
    ("losses", "Highest losses"),
    ("confused", "Confusions"),
    ("learned", "What it has learned"),
    ("replay", "The training replayed"),
    ("cost", "Cost"),
    ("reproduce", "Reproduce"),
)
ALWAYS = ("settings", "training", "cost", "reproduce")


def run_page(report: RunReport, pictures: Pictures | None = None) -> str:
    """Return the page of a run: test figures only once it was tested, validation figures before, or curves alone.

    Args:
        report: every number on the page.
        pictures: the pixels of the images that it shows; None where they cannot be had.

    Returns:
        HTML, for one file; it opens from ``file://`` and asks the network for nothing.
    """
    drawn = judged_figures(report.judged, pictures or Pictures()) if report.judged else None
    return render(
        "run.html.j2",
        report=report,
        tell=judged,
        status=status_sentence(report),
        figures=_figures(report, pictures or Pictures()),
        drawn=drawn,
        parts=[(key, name) for key, name in PARTS if _is_there(key, report, bool(drawn and drawn["first"]))],
        cost=cost_words(report.cost),
        edited=edits_words(report.edits) if report.edits else "",
        inside=(pictures or Pictures()).inside,
        played=replay,
        picture_uri=picture_uri,
    )


def _figures(report: RunReport, pictures: Pictures) -> dict[str, Markup]:
    """Return the figures that only this page has, by their name in the template; the others are `judged_figures`."""
    figures = {**learning_curves(report.history, {}, {})}
    if pictures.batches:
        images = counted(len(pictures.batches[0]), "training image")
        words = f"{images} as they are, and as the network got them in four epochs"
        figures["batch"] = inline_svg(preview_figure(pictures.batches), words, "batch")
    return figures


def _is_there(key: str, report: RunReport, with_first: bool) -> bool:
    if key in ALWAYS:
        return True
    if key == "replay":
        return report.replay is not None
    if report.judged is None or (key == "first" and not with_first):
        return False
    if key == "learned":
        return report.learned is not None
    found = {"confused": report.judged.confused_examples, "sets": report.judged.sets}
    return bool(found.get(key, True))
