import numpy as np
import pytest

from fittingroom.judging import judge, risk_coverage, wilson_interval
from fittingroom.judging.calibration import calibration, calibration_sums


def calibration_of(confidence, right, bins=15):
    return calibration(
        calibration_sums(np.asarray(confidence, float), np.asarray(right), bins)(np.ones((1, len(right))))[0]
    )


def test_the_error_is_the_mean_gap_weighed_by_answers():
    found = calibration_of([0.9, 0.9, 0.9, 0.6], [True, True, False, False], bins=10)
    assert found.error == pytest.approx((3 * abs(0.9 - 2 / 3) + 0.6) / 4)
    assert found.rms_error == pytest.approx(np.sqrt((3 * (0.9 - 2 / 3) ** 2 + 0.36) / 4))


def test_a_bin_holds_its_upper_edge_and_not_its_lower():
    curve = calibration_of([0.5, 0.6], [True, True], bins=10).curve
    assert [one.n for one in curve] == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert [(one.low, one.high) for one in curve] == [(step / 10, (step + 1) / 10) for step in range(10)]


def test_each_bin_has_wilsons_interval_and_an_empty_one_has_none():
    curve = calibration_of([0.95] * 8, [True] * 6 + [False] * 2, bins=2).curve
    assert curve[1].accuracy_interval == wilson_interval(6, 8)
    assert (curve[0].confidence, curve[0].accuracy, curve[0].accuracy_interval) == (None, None, None)


def test_chance_alone_is_taken_off():
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1, 600)
    found = [calibration_of(confidence, generator.random(600) < confidence) for _ in range(200)]
    assert np.mean([one.rms_error**2 for one in found]) > 1e-3
    assert abs(np.mean([one.squared_error_debiased for one in found])) < 2e-4


def test_the_interval_holds_the_true_error_as_often_as_it_says():
    generator, held = np.random.default_rng(1), 0
    labels = np.arange(500) % 10
    for _ in range(100):
        said = np.where(generator.random(500) < 0.8, labels, (labels + 1) % 10)
        probabilities = np.full((500, 10), 0.1 / 9) + (0.9 - 0.1 / 9) * np.eye(10)[said]
        low, high = judge(labels, probabilities, "abcdefghij", resamples=200).calibration.error_interval
        held += low <= 0.1 <= high
    assert 88 <= held <= 100


def test_declining_the_least_certain_raises_the_accuracy_of_a_model_that_knows_when_it_is_wrong():
    confidence, right = np.linspace(0.5, 1, 100), np.arange(100) >= 20
    curve = risk_coverage(confidence, right, (1.0, 0.8, 0.5))
    assert [point.accuracy for point in curve] == [0.8, 1.0, 1.0]
    assert [point.n for point in curve] == [100, 80, 50]
    assert curve[1].threshold == confidence[20]


def test_images_as_sure_as_the_last_are_answered_with_it():
    point = risk_coverage(np.array([0.9, 0.7, 0.7, 0.7]), np.array([True, True, False, False]), (0.5,))[0]
    assert (point.coverage, point.n, point.accuracy) == (1.0, 4, 0.5)
