import pytest

from fittingroom.errors import UsageError
from fittingroom.lookup import look_up, suggest


def test_a_close_name_is_suggested():
    with pytest.raises(UsageError, match=r"Unknown dataset 'fashon-mnist'\. Did you mean 'fashion-mnist'\?"):
        look_up("fashon-mnist", {"fashion-mnist": 1, "mnist": 2}, "dataset")


def test_case_does_not_hide_a_close_name():
    assert suggest("FASHION-MNIST", ["fashion-mnist"]) == "Did you mean 'fashion-mnist'?"


def test_all_names_are_given_where_none_is_close():
    with pytest.raises(UsageError, match=r"Known: 'a', 'b'\."):
        look_up("zzz", {"a": 1, "b": 2}, "letter")
