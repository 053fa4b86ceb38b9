from fittingroom.judging import references_line, too_good_warning
from fittingroom.judging.references import CLAIMS


def test_a_score_too_good_to_be_true_is_told_with_causes_and_checks():
    words = too_good_warning(0.9896, "fashion-mnist")
    assert "0.9896 is above 0.975" in words
    for part in ("leak", "31 August 2017", "Wrong files", "fittingroom data verify", "fittingroom explore"):
        assert part in words


def test_a_documented_score_is_believed():
    assert too_good_warning(0.966, "fashion-mnist") is None


def test_the_alarm_is_for_what_is_above_its_figure_alone():
    assert too_good_warning(0.975, "fashion-mnist") is None
    assert too_good_warning(0.9751, "fashion-mnist").startswith("Warning: 0.9751 is above 0.975;")


def test_what_is_claimed_and_unchecked_is_named_by_the_alarm_and_does_not_set_it_off():
    assert all(too_good_warning(claim.accuracy, "fashion-mnist") is None for claim in CLAIMS)
    assert "the highest claimed 0.9691" in too_good_warning(0.98, "fashion-mnist")


def test_digits_may_be_read_almost_always():
    assert too_good_warning(0.995, "mnist") is None
    assert references_line("mnist") == ""


def test_the_references_are_those_known():
    for part in ("0.835", "0.868", "0.897", "0.966"):
        assert part in references_line("fashion-mnist")
