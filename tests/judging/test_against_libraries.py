"""Every score against an independent implementation, to rounding where the definition is the same."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from fittingroom.judging import compare, judge, wilson_interval
from fittingroom.judging.compare import holm, mcnemar

NAMES = tuple("abcdef")


def case(seed, n=700, classes=6, sharpness=1.5):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes)) * 2
    logits[np.arange(n), labels] += sharpness
    return labels, softmax(logits, axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed):
    labels, probabilities = case(seed)
    predicted = probabilities.argmax(axis=1)
    verdict = judge(labels, probabilities, NAMES, resamples=0)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted, labels=range(6))
    assert verdict.accuracy == metrics.accuracy_score(labels, predicted)
    assert verdict.log_loss == pytest.approx(metrics.log_loss(labels, probabilities, labels=range(6)), abs=1e-12)
    assert verdict.top_2_accuracy == metrics.top_k_accuracy_score(labels, probabilities, k=2, labels=range(6))
    assert np.array_equal(verdict.confusion, metrics.confusion_matrix(labels, predicted, labels=range(6)))
    assert [score.precision for score in verdict.classes] == pytest.approx(precision, abs=1e-12)
    assert [score.recall for score in verdict.classes] == pytest.approx(recall, abs=1e-12)
    assert [score.f1 for score in verdict.classes] == pytest.approx(f1, abs=1e-12)
    assert [score.n for score in verdict.classes] == support.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_brier_score_is_that_of_scikit_learn(seed):
    labels, probabilities = case(seed)
    theirs = metrics.brier_score_loss(labels, probabilities, labels=range(6), scale_by_half=False)
    assert judge(labels, probabilities, NAMES, resamples=0).brier_score == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (8683, 10_000), (1, 2), (499, 1000)])
def test_wilsons_interval_is_that_of_statsmodels(right, n):
    assert wilson_interval(right, n) == pytest.approx(proportion_confint(right, n, method="wilson"), abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 9), (40, 41), (0, 12), (700, 800), (5000, 4800)])
def test_mcnemars_test_is_that_of_statsmodels(first, second):
    theirs = their_mcnemar([[10, first], [second, 10]], exact=True).pvalue
    assert mcnemar(first, second) == pytest.approx(min(theirs, 1.0), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("seed", range(5))
def test_holms_correction_is_that_of_statsmodels(seed):
    p_values = np.random.default_rng(seed).random(7) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_calibration_error_is_that_of_counting_bin_by_bin(seed):
    labels, probabilities = case(seed)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    verdict = judge(labels, probabilities, NAMES, resamples=0)
    error = 0.0
    for low, high in zip(np.linspace(0, 1, 16)[:-1], np.linspace(0, 1, 16)[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert verdict.calibration.error == pytest.approx(error, abs=1e-12)
    fraction, mean = metrics_curve(right, confidence)
    used = [one for one in verdict.calibration.curve if one.n]
    assert [one.accuracy for one in used] == pytest.approx(fraction, abs=1e-12)
    assert [one.confidence for one in used] == pytest.approx(mean, abs=1e-12)


def metrics_curve(right, confidence):
    from sklearn.calibration import calibration_curve

    return calibration_curve(right, confidence, n_bins=15, strategy="uniform")


@pytest.mark.parametrize("seed", range(3))
def test_the_area_under_the_risk_is_the_mean_of_the_risks(seed):
    labels, probabilities = case(seed)
    order = np.argsort(-probabilities.max(axis=1))
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    risks = np.cumsum(wrong) / np.arange(1, len(labels) + 1)
    assert judge(labels, probabilities, NAMES, resamples=0).area_under_risk == pytest.approx(risks.mean(), abs=1e-12)


def test_the_bootstrap_of_a_difference_spreads_as_theory_says():
    labels, first = case(0, n=4000)
    second = case(0, n=4000, sharpness=2.0)[1]
    found = compare(labels, {"a": first, "b": second}, resamples=2000)[0]
    gains = (second.argmax(axis=1) == labels) * 1.0 - (first.argmax(axis=1) == labels)
    half = 1.96 * gains.std() / np.sqrt(len(gains))
    low, high = found.interval
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert low < found.difference < high
