"""Models off the beaten track train as the framework's own loop trains them, or are refused."""

import re

import pytest

from helpers.cases import one_in
from helpers.framework_loops import compare_keras, compare_torch
from helpers.odd_models import KERAS, TORCH

IMAGES = 70  # three batches of 20 and one of 10


def check(comparison, reason):
    assert comparison.holds(), comparison
    if reason is None:
        assert comparison.said == []
    elif reason:
        assert len(comparison.said) == 1
        assert re.search(reason, comparison.said[0])


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", one_in(4, TORCH))
def test_a_torch_module_trains_as_in_a_plain_loop(name, images, labels):
    make, reason = TORCH[name]
    check(compare_torch(make, images[:IMAGES], labels[:IMAGES]), reason)


@pytest.mark.usefixtures("float64")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", one_in(4, KERAS))
def test_a_keras_model_trains_as_in_fit(name, images, labels):
    make, reason, *one_hot = KERAS[name]
    check(compare_keras(make, images[:IMAGES], labels[:IMAGES], one_hot=bool(one_hot)), reason)
