from __future__ import annotations

from dataclasses import replace

import pytest

from fittingroom.pages.judged import looks_sentence
from fittingroom.pages.tutorial import values as text
from helpers.report_samples import history_of, make_fitting, make_report


def test_a_run_of_the_references_recipe_is_comparable() -> None:
    assert text.comparable(make_report()[0])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fitting": make_fitting("mnist")}, "was trained on MNIST"),
        ({"fitting": replace(make_fitting(), history=history_of((0.8, 0.85)))}, "ran 2 epochs instead of 5"),
        ({"optimizer": "adam"}, "used adam instead of rmsprop"),
        ({"batch_size": 64}, "used batches of 64 instead of 128"),
    ],
)
def test_any_other_run_is_not_and_says_why(changes: dict[str, object], reason: str) -> None:
    report = make_report(**changes)[0]
    assert not text.comparable(report)
    assert reason in text.why_not_comparable(report)


def test_files_that_only_bear_the_name_are_not_comparable() -> None:
    fitting = make_fitting()
    report = make_report(replace(fitting, data=replace(fitting.data, fingerprint="0" * 16)))[0]
    assert not text.comparable(report)


@pytest.mark.parametrize(
    ("first", "last", "inside"),
    [
        (0.7989, 0.8842, True),
        (0.7900, 0.8930, True),
        (0.7880, 0.8842, False),
        (0.7989, 0.8950, False),
        (0.81, 0.884, False),
    ],
)
def test_the_band_is_one_point_around_each_end(first: float, last: float, inside: bool) -> None:
    fitting = replace(make_fitting(), history=history_of((first, 0.85, 0.86, 0.87, last)))
    said = text.band_sentence(make_report(fitting)[0])
    assert (": both lie within" in said) is inside
    assert ("do not both lie within" in said) is not inside
    assert f"{first:.4f} to {last:.4f}" in said


@pytest.mark.parametrize(
    ("wrong", "words"), [(156, "inside that range"), (240, "below that range"), (60, "above that range")]
)
def test_the_test_score_is_held_against_ten_seeds(wrong: int, words: str) -> None:
    assert words in text.test_sentence(make_report(make_fitting(wrong=wrong))[0])


@pytest.mark.parametrize(
    ("train_accuracy", "words"),
    [
        (0.95, "gap of 8.0 percentage points is overfitting"),
        (0.871, "within the uncertainty of the test score: no overfitting"),
        (0.80, "better on images it has never seen, by 7.0 percentage points"),
        (None, "was not measured on its training images"),
    ],
)
def test_the_gap_is_named_for_what_it_is(train_accuracy: float | None, words: str) -> None:
    assert words in text.overfitting_sentence(make_fitting(train_accuracy=train_accuracy))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            30,
            "MNIST is the easier dataset: the same network with the same recipe reaches 0.9750 on MNIST, 0.8700 on "
            "Fashion-MNIST",
        ),
        (160, "cannot be told apart"),
        (400, "Here MNIST is the harder dataset"),
    ],
)
def test_two_datasets_are_compared_by_their_intervals(wrong: int, words: str) -> None:
    assert words in text.comparison_sentence(make_fitting(), make_fitting("mnist", wrong=wrong))


def test_how_many_fewer_mistakes_is_computed_and_a_perfect_score_needs_no_factor() -> None:
    assert "makes 5.2 times fewer" in text.comparison_sentence(make_fitting(), make_fitting("mnist", wrong=30))
    assert "fewer" not in text.comparison_sentence(make_fitting(), make_fitting("mnist", wrong=0))


@pytest.mark.parametrize(
    ("looks", "words"), [(0, "No test looks"), (1, "1 test look:"), (2, "2 test looks."), (7, "7 test looks.")]
)
def test_looks_at_the_test_split_are_counted(looks: int, words: str) -> None:
    assert words in looks_sentence(looks)


def test_three_experiments_of_one_command_each_are_on_the_same_data() -> None:
    report = make_report(source="mnist")[0]
    found = text.next_experiments(report)
    assert [command.split()[1] for command, _ in found] == ["tutorial", "train", "train"]
    assert all("--dataset mnist" in command and len(words) > 40 for command, words in found)
    assert f"--seed {report.seed + 1}" in found[0][0]


def test_what_is_tried_is_compared_on_held_out_images_and_not_on_test_images() -> None:
    _, longer, other = text.next_experiments(make_report()[0])
    assert "--validation" in longer[0]
    assert longer[0].split("--validation")[1] == other[0].split("--validation")[1]
