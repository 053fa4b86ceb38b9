import numpy as np
import pytest

from fittingroom.errors import UsageError
from fittingroom.judging import check_gates, judge, parse_gate

VERDICT = judge(np.array([0, 0, 1, 1]), np.eye(3)[[0, 1, 1, 1]], ("Coat", "T-shirt/top", "Bag"), resamples=0)


def reasons(*texts):
    return check_gates(VERDICT, tuple(parse_gate(text) for text in texts))


def test_a_verdict_that_is_good_enough_passes():
    assert reasons("accuracy=0.75", "recall.Coat=0.5", "precision.T-shirt/top=0.66", "f1.coat=0.6") == ()


def test_every_gate_that_fails_gives_its_reason():
    found = reasons("accuracy=0.76", "recall.Coat=0.6", "recall.T-shirt/top=1")
    assert found == ("accuracy is 0.7500, below 0.76.", "recall.Coat is 0.5000, below 0.6.")


def test_a_score_that_is_not_defined_does_not_pass():
    assert reasons("recall.Bag=0")[0].startswith("recall.Bag is not defined")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accuracy", "expected SCORE=NUMBER"),
        ("=0.5", "expected SCORE=NUMBER"),
        ("accurcy=0.5", "Did you mean 'accuracy'"),
        ("accuracy.Coat=0.5", "expected accuracy=NUMBER"),
        ("recall=0.5", "expected recall.CLASS=NUMBER"),
        ("accuracy=88", "a fraction from 0 to 1, received '88'"),
        ("accuracy=nan", "a fraction from 0 to 1, received 'nan'"),
        ("accuracy=high", "a fraction from 0 to 1, received 'high'"),
    ],
)
def test_a_gate_that_cannot_be_read_is_one_sentence(text, words):
    with pytest.raises(UsageError, match=words):
        parse_gate(text)


def test_a_class_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="Did you mean 'Coat'"):
        reasons("recall.Coats=0.5")
