"""Prediction sets: what is promised holds, over all images and for each class, and MAPIE gives the same sets."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import betabinom

import fittingroom as fr
from fittingroom.errors import DataError, UsageError
from fittingroom.judging import check_coverage, judge_sets, set_thresholds, sets_of, wilson_interval
from fittingroom.judging.conformal import expected_coverage

NAMES = tuple("abcd")


def answers(seed, n=600, sharpness=2.0, classes=4):
    """Answers of a model that is often right, and about the first class less often."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes)) * 1.5
    logits[np.arange(n), labels] += np.where(labels == 0, sharpness / 3, sharpness)
    return labels, softmax(logits, axis=1).astype(np.float32)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_the_sets_are_those_of_mapie(coverage):
    mapie = pytest.importorskip("mapie.classification")
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Kept(ClassifierMixin, BaseEstimator):
        """An estimator whose inputs are its answers already."""

        def __init__(self):
            self.classes_, self.n_features_in_ = np.arange(4), 4

        def fit(self, inputs, labels):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def predict_proba(self, inputs):
            return inputs

        def predict(self, inputs):
            return inputs.argmax(axis=1)

    known, asked = answers(0), answers(1)
    theirs = mapie.SplitConformalClassifier(Kept(), confidence_level=coverage, conformity_score="lac", prefit=True)
    theirs.conformalize(known[1].astype(np.float64), known[0])
    _, their_sets = theirs.predict_set(asked[1].astype(np.float64))
    their_sets = np.asarray(their_sets)[:, :, 0].astype(bool)
    their_sets[np.arange(600), asked[1].argmax(axis=1)] = True  # where theirs are empty ours have the likeliest class
    ours = sets_of(asked[1], set_thresholds(*known, coverage))
    assert np.array_equal(ours, their_sets)
    assert 600 < ours.sum() < 4 * 600


@pytest.mark.parametrize("per_class", [False, True])
def test_over_many_draws_the_share_of_sets_that_hold_the_true_class_is_what_was_asked_for(per_class):
    found = [
        judge_sets(*answers(2 * seed + 1), NAMES, answers(2 * seed, n=400), 0.9, per_class=per_class)
        for seed in range(200)
    ]
    mean = np.mean([one.coverage for one in found])
    assert 0.897 < mean < 0.912  # the standard error of the mean is 0.0014
    inside = np.mean([one.expected[0] <= one.coverage <= one.expected[1] for one in found])
    assert inside > 0.9


def test_a_threshold_a_class_keeps_the_promise_for_each_and_one_for_all_does_not():
    known, judged = answers(0, n=8000), answers(1, n=8000)
    one, each = (judge_sets(*judged, NAMES, known, 0.9, per_class=per_class) for per_class in (False, True))
    assert one.classes[0]["coverage"] < 0.85
    assert all(abs(row["coverage"] - 0.9) < 0.025 for row in each.classes)
    assert len(set(one.thresholds)) == 1 < len(set(each.thresholds))


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_counting(seed):
    known, (labels, matrix) = answers(10 + seed), answers(20 + seed, n=300)
    found = judge_sets(labels, matrix, NAMES, known, 0.9)
    of_true = sorted((float(row[label]) for label, row in zip(*known, strict=True)), reverse=True)
    threshold = of_true[541 - 1]  # 0.9 x 601, rounded up
    sets = [{k for k in range(4) if row[k] >= threshold} | {int(row.argmax())} for row in matrix]
    assert found.thresholds == (threshold,) * 4
    assert found.coverage == np.mean([label in own for label, own in zip(labels, sets, strict=True)])
    assert found.mean_size == pytest.approx(np.mean([len(own) for own in sets]))
    assert found.sizes == tuple(sum(len(own) == size for own in sets) for size in (1, 2, 3, 4))
    assert found.larger == sum(found.sizes[2:]) > found.sizes[3]
    single = [label in own for label, own in zip(labels, sets, strict=True) if len(own) == 1]
    assert found.single_accuracy == pytest.approx(np.mean(single))
    assert sum(row["n"] for row in found.classes) == found.n == 300


@pytest.mark.parametrize(("known", "n", "coverage"), [(100, 50, 0.9), (999, 1000, 0.95), (20, 7, 0.5), (19, 30, 0.95)])
def test_what_chance_explains_is_the_beta_binomial_of_scipy(known, n, coverage):
    hits = int(np.ceil(round((known + 1) * coverage, 9)))
    theirs = betabinom(n, hits, known + 1 - hits)
    assert expected_coverage([known], [n], coverage) == pytest.approx(
        (theirs.ppf(0.025) / n, theirs.ppf(0.975) / n), abs=1e-12
    )
    weights = np.convolve(theirs.pmf(np.arange(n + 1)), theirs.pmf(np.arange(n + 1)))
    low = np.searchsorted(np.cumsum(weights), 0.025) / (2 * n)
    assert expected_coverage([known] * 2, [n] * 2, coverage)[0] == pytest.approx(low)


def test_so_few_images_that_nothing_can_be_promised_put_every_class_into_every_set():
    labels, matrix = answers(0, n=18)  # for 0.95 it takes 19
    assert set_thresholds(labels, matrix, 0.95).tolist() == [0.0] * 4
    assert judge_sets(*answers(1), NAMES, (labels, matrix), 0.95).mean_size == 4
    assert expected_coverage([18], [600], 0.95) == (1.0, 1.0)
    labels, matrix = answers(0, n=19)
    assert set_thresholds(labels, matrix, 0.95)[0] == matrix[np.arange(19), labels].min()


def test_a_class_that_nothing_was_held_out_of_is_in_every_set_where_each_has_a_threshold():
    labels, matrix = answers(0)
    without = labels != 2
    thresholds = set_thresholds(labels[without], matrix[without], 0.9, per_class=True)
    assert thresholds[2] == 0
    assert (thresholds[[0, 1, 3]] > 0).all()
    assert sets_of(matrix, thresholds)[:, 2].all()


def test_there_is_a_count_for_each_size_of_a_set_also_where_none_has_it():
    labels = np.arange(40) % 4
    sure = np.eye(4, dtype=np.float32)[labels]
    found = judge_sets(labels, sure, NAMES, (labels, sure), 0.9)
    assert (found.sizes, found.larger, found.mean_size) == ((40, 0, 0, 0), 0, 1)


def test_each_class_has_its_own_row_and_one_without_images_nothing_in_it():
    known, (labels, matrix) = answers(0), answers(1)
    there = labels != 2
    labels, matrix = labels[there], matrix[there]
    found = judge_sets(labels, matrix, NAMES, known, 0.9)
    sets = sets_of(matrix, np.array(found.thresholds))
    assert found.classes[2] == {"name": "c", "n": 0, "coverage": None, "coverage_interval": None, "mean_size": None}
    for label in (0, 1, 3):
        own = sets[labels == label]
        hits = int(own[:, label].sum())
        assert found.classes[label] == {
            "name": NAMES[label],
            "n": len(own),
            "coverage": hits / len(own),
            "coverage_interval": wilson_interval(hits, len(own)),
            "mean_size": own.sum(axis=1).mean(),
        }


def test_no_set_is_empty_and_a_lower_coverage_gives_no_larger_set():
    known, (_, matrix) = answers(0), answers(1)
    sizes = [sets_of(matrix, set_thresholds(*known, coverage)).sum(axis=1) for coverage in (0.1, 0.5, 0.9, 0.99)]
    assert all((size >= 1).all() for size in sizes)
    assert all((small <= large).all() for small, large in pairwise(sizes))


def test_the_order_of_the_samples_and_of_the_classes_changes_nothing():
    known, judged = answers(0), answers(1)
    turned, columns = np.random.default_rng(0).permutation(600), np.array([2, 0, 3, 1])
    back = np.argsort(columns)
    again = judge_sets(
        back[judged[0][turned]],
        judged[1][turned][:, columns],
        [NAMES[column] for column in columns],
        (back[known[0]], known[1][:, columns]),
        0.9,
        per_class=True,
    )
    first = judge_sets(*judged, NAMES, known, 0.9, per_class=True)
    assert (again.coverage, again.mean_size, again.sizes) == (first.coverage, first.mean_size, first.sizes)
    assert sorted(again.classes, key=lambda row: row["name"]) == list(first.classes)


@pytest.mark.parametrize("value", [0, 1, -0.5, float("nan"), "0.9", True, None])
def test_a_coverage_that_is_none_is_refused(value):
    with pytest.raises(UsageError, match=r"coverage: expected a fraction between 0 and 1, such as 0\.95, received"):
        check_coverage(value)


def test_per_cent_are_refused_with_the_fraction():
    with pytest.raises(UsageError, match=r"received 95\. For 95 per cent say 0\.95\."):
        check_coverage(95)


def test_judge_takes_answers_to_calibrate_on_and_gives_both_kinds_of_sets():
    known, judged = answers(0), answers(1)
    verdict = fr.judge(*judged, NAMES, resamples=0, coverage=0.9, calibration=known)
    assert [one.per_class for one in verdict.prediction_sets] == [False, True]
    assert verdict.prediction_sets[0] == judge_sets(*judged, NAMES, known, 0.9)
    assert verdict.to_dict()["prediction_sets"][1]["asked"] == 0.9
    assert fr.judge(*judged, NAMES, resamples=0).prediction_sets == ()


def test_judge_refuses_one_without_the_other_the_same_images_and_classes_alone():
    known, judged = answers(0), answers(1)
    for half in ({"coverage": 0.9}, {"calibration": known}):
        with pytest.raises(UsageError, match="take both a coverage"):
            fr.judge(*judged, NAMES, **half)
    with pytest.raises(UsageError, match="other images to calibrate prediction sets on than those judged"):
        fr.judge(*judged, NAMES, coverage=0.9, calibration=judged)
    with pytest.raises(UsageError, match="need probabilities"):
        fr.judge(judged[0], judged[0], NAMES, coverage=0.9, calibration=known)
    with pytest.raises(UsageError, match="need probabilities"):
        fr.judge(*judged, NAMES, coverage=0.9, calibration=(known[0], known[0]))
    with pytest.raises(DataError, match="of the same 4 classes, received some of 3 classes"):
        fr.judge(*judged, NAMES, coverage=0.9, calibration=answers(2, classes=3))
    with pytest.raises(DataError, match="none"):
        set_thresholds(known[0][:0], known[1][:0], 0.9)
