import re

import numpy as np
import pytest

from fittingroom.errors import DataError, UsageError
from fittingroom.judging import compare, differing


def answers(labels, wrong, classes=3):
    """Probabilities that are sure, and wrong where they are told to be."""
    said = np.where(wrong, (labels + 1) % classes, labels)
    return np.eye(classes)[said] * 0.9 + 0.1 / classes


LABELS = np.arange(3000) % 3


def few(count):
    return np.arange(3000) < count


def test_the_better_is_named_with_points_and_interval():
    found = compare(LABELS, {"a": answers(LABELS, few(600)), "b": answers(LABELS, few(300))})[0]
    assert found.better == "b"
    assert found.difference == pytest.approx(0.1)
    assert str(found).startswith("b is better: 10.00 points (95 % ")
    assert found.only_first == 0
    assert found.only_second == 300


@pytest.mark.parametrize("wrong", [300, 599])
def test_the_sentence_gives_difference_and_interval_in_points(wrong):
    found = compare(LABELS, {"a": answers(LABELS, few(600)), "b": answers(LABELS, few(wrong))})[0]
    told = re.search(r"([+-]?\d+\.\d+) points \(95 % ([+-]\d+\.\d+|\d+\.\d+) to ([+-]?\d+\.\d+)\)", str(found))
    expected = [f"{100 * value:.2f}" for value in (found.difference, *found.interval)]
    assert [each.lstrip("+") for each in told.groups()] == expected


def test_the_order_of_two_models_changes_no_verdict():
    one, other = answers(LABELS, few(600)), answers(LABELS, few(300))
    there, back = (compare(LABELS, pair)[0] for pair in ({"a": one, "b": other}, {"b": other, "a": one}))
    assert there.better == back.better == "b"
    assert there.p_value == back.p_value
    assert str(there).partition(" (")[0] == str(back).partition(" (")[0]


def test_the_interval_of_the_better_is_of_what_it_is_better_by_whichever_comes_first():
    models = {"a": answers(LABELS, few(300)), "b": answers(LABELS, few(600))}
    words = [str(compare(LABELS, dict(pair))[0]) for pair in (models.items(), reversed(models.items()))]
    edges = [[float(edge) for edge in re.search(r"95 % (\S+) to ([^)]+)\)", said).groups()] for said in words]
    assert edges[0] == pytest.approx(edges[1])
    assert 0 < edges[0][0] < 10 < edges[0][1]


def test_what_is_as_good_cannot_be_told_apart():
    other = answers(LABELS, few(300)[::-1])
    found = compare(LABELS, {"a": answers(LABELS, few(300)), "b": other})[0]
    assert found.better is None
    assert "cannot be told apart at this size" in str(found)


def test_many_models_by_luck_alone_are_not_told_apart():
    generator = np.random.default_rng(0)
    models = {str(k): answers(LABELS, generator.random(3000) < 0.1) for k in range(8)}
    found = compare(LABELS, models)
    assert len(found) == 28
    assert [pair for pair in found if pair.better] == []
    assert all(pair.adjusted_p_value >= pair.p_value for pair in found)
    assert all(pair.comparisons == 28 for pair in found)


def test_one_model_is_no_comparison():
    with pytest.raises(UsageError, match="two or more models, received 1"):
        compare(LABELS, {"a": answers(LABELS, few(1))})


def test_predictions_of_other_samples_are_refused():
    with pytest.raises(DataError, match="received 3,000 labels and 2 predictions"):
        compare(LABELS, {"a": answers(LABELS, few(1)), "b": np.eye(3)[:2]})


def test_the_images_that_tell_two_models_apart_come_surest_first():
    labels = np.array([0, 0, 0, 1])
    first = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    second = np.array([[0.3, 0.7], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
    assert differing(first, second, labels).tolist() == [2, 0]


def test_of_several_models_the_sentence_says_better_than_which():
    models = {"a": answers(LABELS, few(600)), "b": answers(LABELS, few(300)), "c": answers(LABELS, few(600)[::-1])}
    found = compare(LABELS, models)
    assert str(found[0]).startswith("b is better than a: 10.00 points")
    assert str(found[2]).startswith("b is better than c: 10.00 points")


def test_a_tiny_p_value_is_not_printed_as_nothing():
    assert str(compare(LABELS, {"a": answers(LABELS, few(600)), "b": answers(LABELS, few(300))})[0]).endswith(
        "p < 0.0001"
    )


def test_intervals_of_several_comparisons_are_wider():
    pair = {"a": answers(LABELS, few(600)), "b": answers(LABELS, few(570)[::-1])}
    alone, among = compare(LABELS, pair)[0], compare(LABELS, {**pair, "c": answers(LABELS, few(100))})[0]
    assert among.interval[0] < alone.interval[0] < alone.interval[1] < among.interval[1]
