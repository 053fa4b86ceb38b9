"""The page of a tutorial, drawn from its values and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.pages import judged
from fittingroom.pages.answers import answer_words, tally_sentence
from fittingroom.pages.figures import answer_figure, comparison_figure, counts_figure, image_figure, interval_figure
from fittingroom.pages.html import inline_svg, learning_curves, picture_uri, render
from fittingroom.pages.judged import judged_figures, pair
from fittingroom.pages.tutorial import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from fittingroom.judging.verdict import Verdict
    from fittingroom.pages.answers import Answer, Pictures
    from fittingroom.pages.tutorial.values import DataFacts, Fitting, TutorialReport


def tutorial_page(report: TutorialReport, pictures: Pictures) -> str:
    """Return the page of a tutorial: the walk-through's nine steps in words, code, figures and numbers.

    Args:
        report: every number on the page.
        pictures: every picture of the nine steps, and of what it gets wrong.

    Returns:
        HTML, for one file; it opens from ``file://`` and asks the network for nothing.
    """
    drawn = judged_figures(report.judged, pictures, with_first=False) if report.judged else None
    return render(
        "tutorial.html.j2",
        report=report,
        fitting=report.fitting,
        data=report.fitting.data,
        score=report.fitting.score,
        comparable=values.comparable(report),
        reference=values.REFERENCE,
        text=values,
        tally=tally_sentence(report.grid),
        tell=judged,
        drawn=drawn,
        inside=pictures.inside,
        figures=_tutorial_figures(report, pictures),
        thumbnails=[picture_uri(pictures.train[index]) for index in range(len(report.train_labels))],
    )


def _tutorial_figures(report: TutorialReport, pictures: Pictures) -> dict[str, Markup | list[Markup]]:
    fitting, data = report.fitting, report.fitting.data
    accuracies = {"training, finished": fitting.train_accuracy, "test, finished": fitting.score.accuracy}
    losses = {"training, finished": fitting.train_loss, "test, finished": fitting.score.log_loss}
    figures: dict[str, Markup | list[Markup]] = dict(learning_curves(fitting.history, accuracies, losses))
    figures["image"] = inline_svg(
        image_figure(pictures.train[0]), _first_image_words(data, report.train_labels), "first"
    )
    figures["counts"] = inline_svg(counts_figure(data.train_counts, data.class_names), _counts_words(data), "counts")
    figures["interval"] = _interval(report)
    figures["look"] = _alone(report.look[0], report, pictures, "look")
    figures["alone"] = [_alone(each, report, pictures, f"alone{each.index}") for each in report.alone]
    figures["grid"] = [
        pair(each, pictures.judged[each.index], "test", data.class_names, report.palette) for each in report.grid
    ]
    if report.against is not None:
        figures["against"] = _against(fitting, report.against)
        figures["against_intervals"] = _both_intervals(fitting, report.against)
    return figures


def _alone(chosen: Answer, report: TutorialReport, pictures: Pictures, key: str) -> Markup:
    names = report.fitting.data.class_names
    figure = answer_figure(chosen, pictures.judged[chosen.index], names, report.palette)
    return inline_svg(figure, answer_words(chosen, "test", names), key)


def _interval(report: TutorialReport) -> Markup:
    score = report.fitting.score
    marks = [(f"reference {values.REFERENCE.test_accuracy}", values.REFERENCE.test_accuracy)]
    return inline_svg(
        interval_figure(
            [("this run", score.accuracy, score.accuracy_interval)], marks if values.comparable(report) else []
        ),
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
    return f"Training images per class: {', '.join(counts)}."


def _interval_words(score: Verdict) -> str:
    low, high = score.accuracy_interval
    return f"Test accuracy {score.accuracy:.4f}, 95 % interval {low:.4f} to {high:.4f}."
