import tracemalloc

import numpy as np
import pytest

from fittingroom.judging import judge
from fittingroom.judging.calibration import calibration_sums
from fittingroom.judging.intervals import basic_interval, percentile_interval, resample_counts, resampled_sums
from fittingroom.judging.scores import class_sums


def test_every_resample_keeps_the_number_of_each_class():
    labels = np.array([0, 2, 2, 2, 5])
    counts = resampled_sums(labels, (labels[:, None] == np.arange(6)) * 1.0, 50)
    assert (counts == [1, 0, 3, 0, 0, 1]).all()


def test_it_is_that_of_drawing_one_by_one():
    generator = np.random.default_rng(3)
    labels, values = generator.integers(0, 3, 60), generator.normal(size=60)
    drawn = resampled_sums(labels, values[:, None], 4000)[:, 0]
    by_hand = [
        sum(generator.choice(values[labels == one], (labels == one).sum()).sum() for one in range(3))
        for _ in range(4000)
    ]
    assert drawn.mean() == pytest.approx(np.mean(by_hand), abs=0.4)
    assert drawn.std() == pytest.approx(np.std(by_hand), rel=0.06)


def test_the_same_predictions_give_the_same_intervals():
    generator = np.random.default_rng(0)
    labels, matrix = generator.integers(0, 3, 80), generator.dirichlet(np.ones(3), 80)
    assert judge(labels, matrix, "abc") == judge(labels, matrix, "abc")


def test_parts_give_what_one_piece_gives(monkeypatch):
    labels, values = np.array([0, 0, 1, 1, 1]), np.arange(10.0).reshape(5, 2)
    whole = resampled_sums(labels, values, 40)
    monkeypatch.setattr("fittingroom.judging.intervals._CELLS", 15)
    assert np.allclose(resampled_sums(labels, values, 40), whole)


def test_a_million_answers_are_judged_in_bounded_memory():
    generator = np.random.default_rng(0)
    labels, matrix = generator.integers(0, 10, 200_000), generator.random((200_000, 10), np.float32)
    matrix /= matrix.sum(axis=1, keepdims=True)
    tracemalloc.start()
    judge(labels, matrix, "abcdefghij", resamples=2)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 400 * len(labels), "bytes an answer, whose probabilities take 40; with a column a class it was 1,200"


def test_sums_over_resamples_are_those_of_the_samples_drawn():
    generator = np.random.default_rng(1)
    labels, predicted, confidence = generator.integers(0, 3, 50), generator.integers(0, 3, 50), generator.random(50)
    right, counts, once = labels == predicted, next(resample_counts(labels, 3)), np.ones((1, 50))
    of_classes, of_bins = class_sums(labels, predicted, 3)(counts), calibration_sums(confidence, right)(counts)
    for row, times in enumerate(counts.astype(int)):
        drawn = np.repeat(np.arange(50), times)
        np.testing.assert_array_equal(of_classes[row], class_sums(labels[drawn], predicted[drawn], 3)(once)[0])
        np.testing.assert_allclose(of_bins[row], calibration_sums(confidence[drawn], right[drawn])(once)[0])


def test_intervals_leave_out_what_is_not_defined():
    assert percentile_interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert percentile_interval(np.array([np.nan])) is None


def test_the_basic_interval_never_goes_below_nothing():
    assert basic_interval(0.1, np.array([0.5, 0.5])) == (0.0, 0.0)
