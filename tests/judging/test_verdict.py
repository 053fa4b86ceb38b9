import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.errors import DataError
from fittingroom.judging import judge
from fittingroom.judging.verdict import score_rows

NAMES = ("a", "b", "c")


def random_case(seed: int, n: int = 50, classes: int = 3):
    generator = np.random.default_rng(seed)
    return generator.integers(0, classes, n), generator.dirichlet(np.ones(classes), n)


def test_a_perfect_predictor_scores_one():
    labels = np.array([0, 1, 2, 1])
    verdict = judge(labels, np.eye(3)[labels], NAMES)
    assert verdict.accuracy == 1
    assert verdict.log_loss == 0
    assert all(score.recall == score.precision == score.f1 == 1 for score in verdict.classes)
    assert all(score.f1_interval == score.precision_interval == (1, 1) for score in verdict.classes)


@given(st.integers(0, 10_000))
def test_shuffling_the_samples_changes_no_score(seed):
    labels, probabilities = random_case(seed)
    order = np.random.default_rng(seed + 1).permutation(len(labels))
    one, other = judge(labels, probabilities, NAMES), judge(labels[order], probabilities[order], NAMES)
    assert one.confusion == other.confusion
    assert one.log_loss == pytest.approx(other.log_loss, abs=1e-12)


@given(st.integers(0, 10_000))
def test_scores_agree_with_counting_one_by_one(seed):
    labels, probabilities = random_case(seed)
    verdict = judge(labels, probabilities, NAMES)
    predicted = [max(range(3), key=lambda c, row=row: row[c]) for row in probabilities]
    pairs = list(zip(labels.tolist(), predicted, strict=True))
    assert verdict.accuracy == sum(t == p for t, p in pairs) / len(pairs)
    for c, score in enumerate(verdict.classes):
        own, given_to = [p for t, p in pairs if t == c], [t for t, p in pairs if p == c]
        assert score.recall == (own.count(c) / len(own) if own else None)
        assert score.precision == (given_to.count(c) / len(given_to) if given_to else None)
        assert [verdict.confusion[c][p] for p in range(3)] == [own.count(p) for p in range(3)]


def test_the_rows_are_every_score_with_its_value():
    labels, probabilities = random_case(3)
    verdict = judge(labels, probabilities, NAMES, resamples=20)
    rows = {name: (value, interval) for name, value, interval in score_rows(verdict)}
    assert rows == {
        "accuracy": (verdict.accuracy, verdict.accuracy_interval),
        "top-2 accuracy": (verdict.top_2_accuracy, verdict.top_2_accuracy_interval),
        "log loss": (verdict.log_loss, verdict.log_loss_interval),
        "Brier score": (verdict.brier_score, verdict.brier_score_interval),
        "calibration error, 15 bins": (verdict.calibration.error, verdict.calibration.error_interval),
        "calibration error, root mean square, debiased": (verdict.calibration.rms_error_debiased, None),
        "area under the risk-coverage curve": (verdict.area_under_risk, None),
    }
    assert [name for name, _, _ in score_rows(judge(labels, probabilities.argmax(axis=1), NAMES))] == ["accuracy"]


def test_the_risk_is_told_for_every_twentieth_of_the_samples():
    labels, probabilities = random_case(4, n=200)
    curve = judge(labels, probabilities, NAMES, resamples=0).risk_coverage
    assert [round(point.coverage, 2) for point in curve] == [round(1 - step / 20, 2) for step in range(20)]


def test_the_ten_pairs_most_confused_are_told_the_most_frequent_first_one_mistake_among_them():
    labels = np.arange(12).repeat(13)
    predicted = labels.copy()
    for label in range(12):  # one mistake of the last class, twelve of the first
        predicted[np.flatnonzero(labels == label)[: 12 - label]] = (label + 1) % 12
    pairs = judge(labels, predicted, [f"c{label}" for label in range(12)]).most_confused
    assert [(pair.true, pair.predicted, pair.count) for pair in pairs] == [
        (f"c{label}", f"c{label + 1}", 12 - label) for label in range(10)
    ]
    (only,) = judge(np.array([0, 1, 2]), np.array([0, 2, 2]), NAMES).most_confused
    assert (only.true, only.predicted, only.count, only.share) == ("b", "c", 1, 1)


def test_the_log_loss_of_a_certain_mistake_is_finite():
    verdict = judge(np.array([1]), np.array([[1.0, 0.0]]), ("a", "b"))
    assert verdict.log_loss == pytest.approx(87.33, abs=0.01)
    more_than_sure = np.array([[0.0, 1.0005]])  # as float16 rounds
    assert judge(np.array([1]), more_than_sure, ("a", "b")).log_loss == 0


def test_an_absent_class_has_no_recall_rather_than_zero():
    verdict = judge(np.array([0, 1]), np.eye(3)[[0, 1]], NAMES)
    assert verdict.classes[2].recall is None
    assert verdict.classes[2].recall_interval is None
    assert verdict.classes[2].f1 is None


def test_a_constant_predictor_has_no_precision_where_it_never_answers():
    verdict = judge(np.array([0, 1]), np.tile([1.0, 0.0], (2, 1)), ("a", "b"))
    assert verdict.accuracy == 0.5
    assert verdict.classes[1].precision is None
    assert verdict.classes[1].precision_interval is None
    assert verdict.classes[1].f1 == 0
    low, high = verdict.classes[0].precision_interval
    assert low <= verdict.classes[0].precision == 0.5 <= high


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        (np.array([0]), np.array([0.5, 0.5]), r"expected floats of shape \(n, classes\).*pass probabilities\[None\]"),
        (np.array([], int), np.zeros((0, 2)), "at least one sample, received none"),
        (np.array([0]), np.array([[np.nan, 1.0]]), "row 0 holds a value that is not finite"),
        (np.array([0]), np.array([[3.0, 4.0]]), "row 0 sums to 7.*Are these logits"),
        (np.array([0]), np.array([[1.5, -0.5]]), "Are these logits"),
        (np.array([2]), np.array([[0.5, 0.5]]), r"expected labels in 0\.\.1, received 2 at index 0"),
        (np.array([0, 1]), np.array([[0.5, 0.5]]), "a label for each prediction, received 2 labels and 1 prediction"),
        (np.array([0]), np.array([[0, 2]]), "expected floats"),
    ],
)
def test_bad_input_is_one_clear_sentence(labels, probabilities, words):
    with pytest.raises(DataError, match=words):
        judge(labels, probabilities, ("a", "b"))


def test_another_number_of_names_is_refused():
    with pytest.raises(DataError, match="a name for each of 2 classes, received 3"):
        judge(np.array([0]), np.array([[0.5, 0.5]]), NAMES)


def test_a_name_given_to_two_classes_is_refused():
    with pytest.raises(DataError, match="received 'a' more than once"):
        judge(np.array([0, 1]), np.eye(3)[[0, 1]], ("a", "b", "a"))


def test_a_verdict_becomes_plain_json_values():
    import json

    verdict = judge(np.array([0, 1]), np.eye(2), ("a", "b"))
    assert json.loads(json.dumps(verdict.to_dict()))["confusion"] == [[1, 0], [0, 1]]
    assert str(verdict).startswith("accuracy 1.0000 (95 % ")


CLASSES = {
    "whole numbers": lambda predicted: predicted,
    "a list": lambda predicted: predicted.tolist(),
    "whole floats": lambda predicted: predicted.astype(np.float64),
    "a column": lambda predicted: predicted[:, None],
    "one-hot": lambda predicted: np.eye(4, dtype=np.int64)[predicted],
}


@pytest.mark.parametrize("form", CLASSES)
def test_classes_alone_are_judged_without_what_needs_probabilities(form):
    generator = np.random.default_rng(0)
    labels, probabilities = generator.integers(0, 4, 300), generator.dirichlet(np.ones(4), 300)
    names = list("abcd")
    whole = judge(labels, probabilities, names)
    alone = judge(labels, CLASSES[form](probabilities.argmax(axis=1)), names)
    same = ("n", "accuracy", "accuracy_interval", "classes", "confusion", "most_confused")
    assert all(getattr(alone, name) == getattr(whole, name) for name in same)
    left_out = ("log_loss", "log_loss_interval", "brier_score", "top_2_accuracy", "calibration", "area_under_risk")
    assert all(getattr(alone, name) is None for name in left_out)
    assert alone.risk_coverage == ()
    assert str(alone) == str(whole)
