import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from fittingroom.errors import DataError
from fittingroom.judging import fit_temperature, tempered
from fittingroom.judging.calibration import fit_temperature_to_sets, tempering


def case(seed, scale, n=3000, classes=5):
    """Answers that are as sure as they should be, and the same made surer by a factor."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, classes)) * 1.5
    honest = softmax(logits, axis=1)
    labels = (honest.cumsum(axis=1) < generator.random((n, 1))).sum(axis=1)
    return labels, softmax(logits * scale, axis=1), logits * scale


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_is_that_of_an_independent_search(scale):
    labels, probabilities, logits = case(0, scale)
    theirs = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[np.arange(len(labels)), labels].mean(),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fit_temperature(labels, probabilities) == pytest.approx(theirs.x, rel=1e-4)
    assert fit_temperature(labels, probabilities) == pytest.approx(scale, rel=0.1)


def test_tempering_changes_no_answer_and_mends_the_calibration():
    labels, probabilities, _ = case(1, 3.0)
    value = fit_temperature(labels, probabilities)
    assert (tempered(probabilities, value).argmax(axis=1) == probabilities.argmax(axis=1)).all()
    done = tempering(labels, probabilities, value)
    assert done.log_loss[1] < done.log_loss[0]
    assert done.calibration_error[1] < 0.3 * done.calibration_error[0]
    assert (done.temperature, done.n) == (value, len(labels))


def test_before_and_after_are_those_of_scikit_learn():
    labels, probabilities, logits = case(3, 2.0)
    done = tempering(labels, probabilities, 1.7)
    after = softmax(logits / 1.7, axis=1)
    assert done.log_loss == pytest.approx([log_loss(labels, probabilities), log_loss(labels, after)], abs=1e-6)
    assert done.confidence == pytest.approx([probabilities.max(axis=1).mean(), after.max(axis=1).mean()], abs=1e-6)
    fraction, mean = calibration_curve(after.argmax(axis=1) == labels, after.max(axis=1), n_bins=15)
    used = [one for one in done.curve if one.n]
    assert [one.accuracy for one in used] == pytest.approx(fraction, abs=1e-9)
    assert [one.confidence for one in used] == pytest.approx(mean, abs=1e-6)


def test_a_temperature_of_one_changes_nothing():
    probabilities = case(2, 1.0)[1]
    assert tempered(probabilities, 1.0) is probabilities


def test_an_image_without_a_right_class_is_refused():
    with pytest.raises(DataError, match="at least one right class"):
        fit_temperature_to_sets(np.array([[True, False], [False, False]]), np.full((2, 2), 0.5))


@pytest.mark.parametrize(("right", "edge"), [(True, 0.05), (False, 20.0)])
def test_the_temperature_stays_between_its_bounds(right, edge):
    labels = np.arange(200) % 2
    chances = np.where(np.eye(2)[labels] > 0, 0.6, 0.4) if right else np.where(np.eye(2)[labels] > 0, 0.01, 0.99)
    assert fit_temperature(labels, chances.astype(np.float32)) == pytest.approx(edge, rel=1e-3)


def test_a_temperature_near_nothing_leaves_numbers():
    cold = tempered(np.array([[1 - 1e-9, 1e-9], [0.25, 0.75]]), 0.02)
    assert cold == pytest.approx(np.array([[1, 0], [0, 1]]), abs=1e-6)


def test_a_probability_that_rounding_made_more_than_one_counts_as_one():
    labels = np.array([0, 0, 0, 1])
    rounded = np.tile([1.0009, 0.01], (4, 1))
    assert fit_temperature(labels, rounded) == fit_temperature(labels, np.minimum(rounded, 1))
