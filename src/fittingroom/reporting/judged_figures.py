"""The figures and pictures of judged answers, ready for a page, with words for those who do not see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.reporting.calibration_figures import coverage_figure, reliability_figure
from fittingroom.reporting.figures import pair_figure
from fittingroom.reporting.svg import inline_svg, picture_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from fittingroom.reporting.answers import Answer
    from fittingroom.reporting.judged import Judged, JudgedPictures

PALETTE = "classic-marked"


@dataclass(frozen=True)
class JudgedFigures:
    """What is drawn of judged answers.

    Attributes:
        reliability: an ``<svg>``.
        coverage: another.
        first: one a picture of the first images; empty where there are no pictures.
        judged: addresses of pictures, by position in the split's file.
        train: addresses of pictures, by position in the file of training images.
    """

    reliability: Markup
    coverage: Markup
    first: tuple[Markup, ...]
    judged: Mapping[int, str]
    train: Mapping[int, str]


def judged_figures(
    judged: Judged, pictures: JudgedPictures, *, palette: str = PALETTE, with_first: bool = True
) -> JudgedFigures:
    """Draw what there is to draw of judged answers.

    Args:
        judged: as values.
        pictures: the pixels of the images that it shows; empty where they cannot be had.
        palette: of right and wrong.
        with_first: draw the first images too.
    """
    after = judged.temperature.on_judged.curve if judged.temperature else ()
    drawn = judged.first if with_first and pictures.judged else ()
    return JudgedFigures(
        reliability=inline_svg(
            reliability_figure(judged.score.calibration.curve, after), _reliability_words(judged), "reliability"
        ),
        coverage=inline_svg(coverage_figure(judged.score.risk_coverage), _coverage_words(judged), "coverage"),
        first=tuple(_pair(mistake, judged, pictures, palette) for mistake in drawn),
        judged={index: picture_uri(image) for index, image in pictures.judged.items()},
        train={index: picture_uri(image) for index, image in pictures.train.items()},
    )


def said_words(mistake: Answer, split: str, class_names: tuple[str, ...]) -> str:
    """Say what was answered about one image.

    Example:
        >>> from fittingroom.reporting.answers import Mistake
        >>> said_words(Mistake(3, 0, 1, 2.3, (0.1, 0.9)), "test", ("Coat", "Shirt"))
        'Test image 3: taken for Shirt with 90 percent; it is Coat: wrong.'
    """
    return (
        f"{split.capitalize()} image {mistake.index}: taken for {class_names[mistake.predicted]} with "
        f"{100 * mistake.confidence:.0f} percent; it is {class_names[mistake.label]}: "
        f"{'right' if mistake.right else 'wrong'}."
    )


def _pair(mistake: Answer, judged: Judged, pictures: JudgedPictures, palette: str) -> Markup:
    figure = pair_figure(
        mistake.index,
        list(mistake.probabilities),
        mistake.label,
        pictures.judged[mistake.index],
        judged.class_names,
        palette=palette,
    )
    return inline_svg(figure, said_words(mistake, judged.split, judged.class_names), f"first{mistake.index}")


def _reliability_words(judged: Judged) -> str:
    gap = judged.score.calibration
    told = ", ".join(
        f"{one.confidence:.2f} sure, {one.accuracy:.2f} right" for one in gap.curve if one.confidence is not None
    )
    return f"Share right by confidence, in {gap.bins} bins: {told}."


def _coverage_words(judged: Judged) -> str:
    told = ", ".join(
        f"{point.coverage:.0%} answered, {point.accuracy:.4f} right" for point in judged.score.risk_coverage
    )
    return f"Accuracy where the least certain may be declined: {told}."
