from __future__ import annotations

import numpy as np

from fittingroom.pages.figures import FEW, coverage_figure, reliability_figure, runs_figure
from helpers.report_samples import make_judged

JUDGED = make_judged()
CURVE = JUDGED.score.calibration.curve


def test_the_reliability_curve_joins_the_bins_with_enough_answers() -> None:
    upper = reliability_figure(CURVE).axes[0]
    line = next(each for each in upper.lines if each.get_label() == "as trained")
    expected = [(one.confidence, one.accuracy) for one in CURVE if one.n >= FEW]
    assert np.allclose(line.get_xydata(), expected)


def test_each_bins_interval_is_an_upright_stroke() -> None:
    upper = reliability_figure(CURVE).axes[0]
    strokes = {tuple(line.get_ydata()) for line in upper.lines if len(set(line.get_xdata())) == 1}
    assert {one.accuracy_interval for one in CURVE if one.n} <= strokes


def test_tempered_answers_are_a_second_line_with_its_own_dashes_and_marker() -> None:
    assert JUDGED.temperature is not None
    upper = reliability_figure(CURVE, JUDGED.temperature["test"].curve).axes[0]
    names = ("as trained", "after temperature")
    one, other = (next(each for each in upper.lines if each.get_label() == name) for name in names)
    assert one.get_linestyle() != other.get_linestyle()
    assert one.get_marker() != other.get_marker()


def test_the_bars_beneath_count_the_answers_of_each_bin() -> None:
    lower = reliability_figure(CURVE).axes[1]
    assert [bar.get_height() for bar in lower.patches] == [one.n for one in CURVE]


def test_the_coverage_curve_has_a_point_for_each_coverage_and_its_interval() -> None:
    axes = coverage_figure(JUDGED.score.risk_coverage).axes[0]
    points = JUDGED.score.risk_coverage
    assert np.allclose(axes.lines[0].get_xydata(), [(point.coverage, point.accuracy) for point in points])
    edges = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == min(point.accuracy_interval[0] for point in points)


def test_runs_of_different_lengths_are_drawn_each_to_its_end() -> None:
    axes = runs_figure({"short": [0.7, 0.8], "long": [0.6, 0.7, 0.9]}).axes[0]
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2], [1, 2, 3]]
    assert [text.xy for text in axes.texts] == [(2, 0.8), (3, 0.9)]
    assert len({(line.get_linestyle(), line.get_marker()) for line in axes.lines}) == 2
