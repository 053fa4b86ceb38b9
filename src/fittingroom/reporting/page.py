"""The page of a tutorial, and what all pages share: one HTML file each, that needs nothing from outside.

A page is a pure function of its report and its pictures: no file is read but the templates, no clock, no network.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from fittingroom.reporting import run_text, tutorial_text
from fittingroom.reporting.curves import comparison_figure, curve_figure
from fittingroom.reporting.figures import counts_figure, image_figure, interval_figure, pair_figure, picked_figure
from fittingroom.reporting.highlight import highlight
from fittingroom.reporting.judged import JudgedPictures
from fittingroom.reporting.judged_figures import judged_figures
from fittingroom.reporting.svg import inline_svg, picture_uri
from fittingroom.reporting.tutorial_text import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.judging.verdict import Verdict
    from fittingroom.reporting.data_facts import DataFacts
    from fittingroom.reporting.history import Epoch
    from fittingroom.reporting.tutorial_images import ImageAnswer, Pictures
    from fittingroom.reporting.tutorial_report import Fitting, TutorialReport


def tutorial_page(report: TutorialReport, pictures: Pictures, looked_at: JudgedPictures | None = None) -> str:
    """Return the page of a tutorial: the walk-through's nine steps in words, code, figures and numbers.

    Args:
        report: every number on the page.
        pictures: every picture of the nine steps; `choose_images` makes both halves.
        looked_at: the pictures of what it gets wrong; None where there are none.

    Returns:
        HTML, for one file; it opens from ``file://`` and asks the network for nothing.
    """
    drawn = judged_figures(report.judged, looked_at or JudgedPictures(), with_first=False) if report.judged else None
    return (
        environment()
        .get_template("tutorial.html.j2")
        .render(
            report=report,
            fitting=report.fitting,
            data=report.fitting.data,
            score=report.fitting.score,
            images_shown=report.images_shown,
            comparable=tutorial_text.comparable(report),
            reference=REFERENCE,
            text=tutorial_text,
            tell=run_text,
            drawn=drawn,
            figures=_tutorial_figures(report, pictures),
            thumbnails=[picture_uri(image) for image in pictures.train],
        )
    )


def _tutorial_figures(report: TutorialReport, pictures: Pictures) -> dict[str, Markup | list[Markup]]:
    fitting, data, chosen = report.fitting, report.fitting.data, report.images_shown
    accuracies = {"training, finished": fitting.train_accuracy, "test, finished": fitting.score.accuracy}
    losses = {"training, finished": fitting.train_loss, "test, finished": fitting.score.log_loss}
    figures: dict[str, Markup | list[Markup]] = dict(curves(fitting.history, accuracies, losses))
    figures["image"] = inline_svg(
        image_figure(pictures.train[0]), _first_image_words(data, chosen.train_labels), "first"
    )
    figures["counts"] = inline_svg(counts_figure(data.train_counts, data.class_names), _counts_words(data), "counts")
    figures["interval"] = _interval(report)
    figures["look"] = _alone(chosen.look, report, pictures, "look")
    figures["alone"] = [_alone(each, report, pictures, f"alone{each.index}") for each in chosen.alone]
    figures["grid"] = [_pair(each, report, pictures) for each in chosen.grid]
    if report.against is not None:
        figures["against"] = _against(fitting, report.against)
        figures["against_intervals"] = _both_intervals(fitting, report.against)
    return figures


def curves(
    history: Sequence[Epoch], accuracies: dict[str, float | None], losses: dict[str, float | None]
) -> dict[str, Markup]:
    """Return the curves of accuracy and of loss, with points for what the finished network reached.

    Args:
        history: one value an epoch.
        accuracies: of the finished network, by what to write beside the point.
        losses: likewise.
    """
    return {
        name: inline_svg(curve_figure(history, name, ends), _curve_words(history, name), name)
        for name, ends in (("accuracy", accuracies), ("loss", losses))
    }


def _alone(chosen: ImageAnswer, report: TutorialReport, pictures: Pictures, key: str) -> Markup:
    names = report.fitting.data.class_names
    figure = picked_figure(
        chosen.index, _floats(chosen), chosen.label, pictures.test[chosen.index], names, palette=report.palette
    )
    return inline_svg(figure, _shown_words(chosen, names), key)


def _pair(chosen: ImageAnswer, report: TutorialReport, pictures: Pictures) -> Markup:
    names = report.fitting.data.class_names
    figure = pair_figure(
        chosen.index, _floats(chosen), chosen.label, pictures.test[chosen.index], names, palette=report.palette
    )
    return inline_svg(figure, _shown_words(chosen, names), f"pair{chosen.index}")


def _floats(chosen: ImageAnswer) -> list[float]:
    return [float(value) for value in chosen.probabilities]


def _interval(report: TutorialReport) -> Markup:
    score = report.fitting.score
    marks = (
        [(f"reference {REFERENCE.test_accuracy}", REFERENCE.test_accuracy)] if tutorial_text.comparable(report) else []
    )
    return inline_svg(
        interval_figure([("this run", score.accuracy, score.accuracy_interval)], marks),
        _interval_words(score),
        "interval",
    )


def _both_intervals(fitting: Fitting, other: Fitting) -> Markup:
    rows = [(each.data.title, each.score.accuracy, each.score.accuracy_interval) for each in (fitting, other)]
    words = " ".join(f"{each.data.title}: {_interval_words(each.score)}" for each in (fitting, other))
    return inline_svg(interval_figure(rows), words, "against-intervals")


def _against(fitting: Fitting, other: Fitting) -> Markup:
    both = (fitting, other)
    curves = {f"{each.data.title}, training": [epoch.accuracy for epoch in each.history] for each in both}
    ends = {f"{each.data.title}, test": each.score.accuracy for each in both}
    words = "Training accuracy by epoch of both datasets. " + " ".join(
        f"{each.data.title}: {each.history[0].accuracy:.4f} to {each.history[-1].accuracy:.4f}." for each in both
    )
    return inline_svg(comparison_figure(curves, ends), words, "against")


def _first_image_words(data: DataFacts, labels: Sequence[int]) -> str:
    return f"The first training image, {data.class_names[labels[0]]}, in greys from 0 to 255, with a colour bar."


def _counts_words(data: DataFacts) -> str:
    counts = (f"{name} {count:,}" for name, count in zip(data.class_names, data.train_counts, strict=True))
    return f"Training images a class: {', '.join(counts)}."


def _curve_words(history: Sequence[Epoch], name: str) -> str:
    values = ", ".join(f"{getattr(epoch, name):.4f}" for epoch in history)
    held_out = [value for epoch in history if (value := getattr(epoch, f"val_{name}")) is not None]
    validation = f" Validation: {', '.join(f'{value:.4f}' for value in held_out)}." if held_out else ""
    return f"Training {name} by epoch: {values}.{validation}"


def _interval_words(score: Verdict) -> str:
    low, high = score.accuracy_interval
    return f"Test accuracy {score.accuracy:.4f}, 95 % interval {low:.4f} to {high:.4f}."


def _shown_words(chosen: ImageAnswer, names: Sequence[str]) -> str:
    percent = 100 * chosen.probabilities[chosen.predicted]
    return (
        f"Test image {chosen.index}: taken for {names[chosen.predicted]} with {percent:.0f} percent; "
        f"it is {names[chosen.label]}: {'right' if chosen.right else 'wrong'}."
    )


@cache
def environment() -> Environment:
    """Return the templates with their filters, for every page."""
    environment = Environment(
        loader=PackageLoader("fittingroom.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "highlight": lambda code: highlight(str(code).strip("\n")),
        "score": lambda value: "–" if value is None else f"{value:.4f}",
        "thousands": lambda value: f"{value:,}",
        "code_words": _code_words,
        "array": lambda values: repr(np.array(values, np.float32)),
    }
    return environment


def _code_words(sentence: str) -> Markup:
    """Turn `words between backticks` into code."""
    pieces = sentence.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if position % 2 else escape(piece)
        for position, piece in enumerate(pieces)
    )
