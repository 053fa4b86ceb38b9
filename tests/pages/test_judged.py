from __future__ import annotations

from dataclasses import replace

import pytest

from fittingroom.pages import judged as text
from fittingroom.pages.run.values import status_sentence
from helpers.report_samples import make_judged, make_run

JUDGED = make_judged()


def with_confidence(confidence: float, accuracy_interval: tuple[float, float] = (0.8, 0.9)):
    score = JUDGED.score
    gap = replace(score.calibration, confidence=confidence)
    return replace(JUDGED, score=replace(score, accuracy=0.85, accuracy_interval=accuracy_interval, calibration=gap))


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.95, "is overconfident"), (0.85, "is well calibrated"), (0.7, "is underconfident")],
)
def test_calibration_is_told_by_the_interval_of_the_accuracy(confidence: float, words: str) -> None:
    sentence = text.calibration_sentence(with_confidence(confidence))
    assert words in sentence
    assert f"mean confidence is {100 * confidence:.1f} %, its accuracy 85.0 %" in sentence


def test_a_score_is_above_below_or_not_told_apart_from_what_is_known() -> None:
    score = replace(JUDGED.score, accuracy=0.868, accuracy_interval=(0.861, 0.874))
    assert text.score_sentence(replace(JUDGED, score=score)) == (
        "With its interval, 0.8680 is above untrained people; not to be told apart from the walk-through; below the "
        "best of scikit-learn and the best documented network."
    )


def test_a_temperature_says_which_way_it_goes_and_what_it_improves() -> None:
    sentence = text.temperature_sentence(JUDGED)
    assert "lowers every confidence and changes no predicted class" in sentence
    assert "fitted on 800 validation images" in sentence
    cooler = JUDGED.temperature | {"test": replace(JUDGED.temperature["test"], temperature=0.8)}
    assert "raises every confidence" in text.temperature_sentence(replace(JUDGED, temperature=cooler))


def test_the_coverage_table_has_each_share_once() -> None:
    points = text.coverage_rows(JUDGED)
    assert [round(point.coverage, 2) for point in points] == [1.0, 0.95, 0.9, 0.8, 0.7, 0.5]
    everything = replace(JUDGED, score=replace(JUDGED.score, risk_coverage=JUDGED.score.risk_coverage[:1]))
    assert len(text.coverage_rows(everything)) == 1


def test_the_status_says_why_there_is_no_score() -> None:
    assert status_sentence(make_run()).startswith("Training curves only: no images were held out")


@pytest.mark.parametrize(
    ("wrong", "words"), [(0, "All 1,200 images are"), (1, "1 of 1,200 images is mis"), (3, "3 of 1,200 images are mis")]
)
def test_mistakes_are_counted(wrong: int, words: str) -> None:
    assert words in text.wrong_sentence(replace(JUDGED, wrong=wrong))
