"""Everything that can be wrong with predictions: a correct figure or one clear sentence, never a NumPy warning."""

import numpy as np
import pytest

from fittingroom.errors import DataError, UsageError
from fittingroom.judging import compare, judge
from fittingroom.judging.calibration import fit_temperature

NAMES = ("a", "b", "c")
LABELS = np.array([0, 1, 2, 2])
GOOD = np.full((4, 3), 0.1) + 0.7 * np.eye(3)[LABELS]


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        (LABELS, GOOD * 0.9, "row 0 sums to 0.9 .*Divide every row by its sum"),
        (LABELS, GOOD * 100, "Are these per cent"),
        (LABELS, np.eye(3)[LABELS] * 100, "Are these per cent"),
        (LABELS, np.eye(3)[LABELS] * 0.5, "Divide every row by its sum"),
        (LABELS, np.ones((4, 3)), "Divide every row by its sum"),
        (LABELS, GOOD * 101, "Are these logits"),
        (LABELS, GOOD * 7 - 2, "Are these logits"),
        (LABELS, np.where(GOOD > 0.5, np.nan, GOOD), r"row 0 holds a value that is not finite.*4 such rows"),
        (LABELS, np.where(GOOD > 0.5, np.inf, GOOD), "not finite"),
        (LABELS, GOOD.T, r"received 4 labels and 3 predictions\. Are the probabilities transposed\?$"),
        (LABELS, GOOD[None], r"expected floats of shape \(n, classes\)"),
        (LABELS, GOOD[0], r"pass probabilities\[None\]"),
        (LABELS, [[0.5, 0.5], [1.0]], "parts do not fit together"),
        (LABELS, [["a", "b", "c"]] * 4, "expected floats"),
        (LABELS, GOOD.argmax(axis=1) + 1, r"predictions: expected labels in 0\.\.2, received 3"),
        (LABELS, GOOD.argmax(axis=1)[:2], "received 4 labels and 2 predictions"),
        (LABELS + 1, GOOD, r"expected labels in 0\.\.2, received 3 at index 2"),
        (LABELS - 1, GOOD, r"expected labels in 0\.\.2, received -1 at index 0"),
        (LABELS + 0.5, GOOD, "expected whole numbers"),
        (LABELS[:2], GOOD, "received 2 labels and 4 predictions"),
        (np.array([], int), np.zeros((0, 3)), "at least one sample, received none"),
        ([], [], "at least one sample|expected floats"),
        (LABELS, np.zeros((4, 0)), "at least one sample"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence_that_says_why(labels, probabilities, words):
    with pytest.raises(DataError, match=words) as caught:
        judge(labels, probabilities, NAMES)
    assert len(str(caught.value).splitlines()) == 1


def test_fewer_resamples_than_none_are_refused():
    with pytest.raises(UsageError, match="at least 1, received -1"):
        judge(LABELS, GOOD, NAMES, resamples=-1)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_every_kind_of_float_is_judged_alike(kind):
    assert judge(LABELS, GOOD.astype(kind), NAMES).confusion == judge(LABELS, GOOD, NAMES).confusion


def test_lists_are_judged_as_arrays_are():
    assert judge(LABELS.tolist(), GOOD.tolist(), list(NAMES)) == judge(LABELS, GOOD, NAMES)


def test_a_class_that_is_absent_has_no_recall_and_still_its_precision():
    verdict = judge(np.array([0, 1, 0, 1]), np.eye(3)[[0, 1, 2, 1]], NAMES)
    absent = verdict.classes[2]
    assert (absent.n, absent.recall, absent.recall_interval) == (0, None, None)
    assert (absent.predicted, absent.precision, absent.f1) == (1, 0.0, 0.0)
    assert verdict.confusion[2] == (0, 0, 0)


def test_a_perfect_predictor_has_no_error_anywhere():
    verdict = judge(LABELS, np.eye(3)[LABELS], NAMES)
    assert (verdict.accuracy, verdict.log_loss, verdict.brier_score, verdict.top_2_accuracy) == (1, 0, 0, 1)
    assert (verdict.calibration.error, verdict.calibration.error_interval) == (0, (0, 0))
    assert (verdict.area_under_risk, verdict.most_confused) == (0, ())
    assert verdict.accuracy_interval[0] < 1


def test_a_constant_predictor_scores_what_its_class_is_common():
    verdict = judge(LABELS, np.tile([0.2, 0.2, 0.6], (4, 1)), NAMES)
    assert verdict.accuracy == 0.5
    assert [score.precision for score in verdict.classes] == [None, None, 0.5]
    assert [score.recall for score in verdict.classes] == [0, 0, 1]
    assert len({point.n for point in verdict.risk_coverage}) == 1
    assert verdict.area_under_risk == 0.5


def test_one_sample_is_enough():
    verdict = judge(np.array([1]), np.array([[0.1, 0.7, 0.2]]), NAMES)
    assert (verdict.n, verdict.accuracy) == (1, 1.0)
    assert verdict.log_loss_interval == (verdict.log_loss, verdict.log_loss)


def test_one_class_is_judged_too():
    verdict = judge(np.array([0, 0]), np.ones((2, 1)), ["only"])
    assert (verdict.accuracy, verdict.top_2_accuracy, verdict.log_loss) == (1, 1, 0)


def test_models_of_other_samples_are_not_compared():
    with pytest.raises(DataError, match="received 4 labels and 3 predictions"):
        compare(LABELS, {"a": GOOD, "b": GOOD[:3]})


def test_a_model_compared_with_itself_cannot_be_told_apart():
    found = compare(LABELS, {"a": GOOD, "b": GOOD})[0]
    assert (found.p_value, found.difference, found.better) == (1.0, 0.0, None)


@pytest.mark.parametrize("probabilities", [np.full((4, 3), 1 / 3), np.eye(3)[LABELS]], ids=["constant", "perfect"])
def test_answers_that_no_temperature_makes_better_keep_theirs(probabilities):
    assert fit_temperature(LABELS, probabilities) == 1.0


ALIKE = {
    "floats": LABELS.astype(np.float32),
    "one-hot": np.eye(3)[LABELS],
    "a column": LABELS[:, None],
    "a list": LABELS.tolist(),
}


@pytest.mark.parametrize("name", ALIKE)
def test_labels_in_every_form_are_judged_alike(name):
    assert judge(ALIKE[name], GOOD, NAMES) == judge(LABELS, GOOD, NAMES)
