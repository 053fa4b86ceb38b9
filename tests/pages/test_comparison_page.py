from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fittingroom.pages.answers import Pictures
from fittingroom.pages.comparison.page import comparison_page
from helpers.page_reader import Reader, Tables, prose_of, unexplained, words_of
from helpers.report_samples import NAMES, answers, make_comparison


def picture():
    return np.zeros((28, 28), np.uint8)


@pytest.fixture(scope="module")
def page() -> str:
    report = make_comparison()
    return comparison_page(report, Pictures({first.index: picture() for first, *_ in report.differences}))


@pytest.fixture(scope="module")
def tables(page: str) -> Tables:
    return Tables(page)


def right(seed: int):
    labels, matrix = answers(seed=seed)
    return matrix.argmax(axis=1) == labels


def test_it_is_one_small_file_without_scripts_whose_tags_are_closed(page: str) -> None:
    reader = Reader(page)
    assert reader.open == []
    assert len(page.encode()) < 3_000_000
    assert all(address.startswith(("data:image/", "#")) for address in reader.addresses)
    assert not {"script", "link"} & reader.tags
    assert all(image.get("alt") for image in reader.images)


def test_every_number_on_the_page_is_in_its_twin(page: str) -> None:
    twin = json.loads(json.dumps(make_comparison().to_dict()))
    assert unexplained(prose_of(page), twin, {"95", str(len(twin["contenders"])), "0.0001"}) == set()


def test_the_pairs_are_those_of_statsmodels(tables: Tables) -> None:
    rows, p_values = tables.rows("Difference")[1:], []
    for row, (one, other) in zip(rows, [(0, 1), (0, 2), (1, 2)], strict=True):
        first, second = right(one), right(other)
        alone = [int((first & ~second).sum()), int((second & ~first).sum())]
        p_values.append(float(mcnemar([[0, alone[0]], [alone[1], 0]], exact=True).pvalue))
        assert row[:4] == [f"run-{one}", f"run-{other}", *map(str, alone)]
        assert row[4] == f"{100 * (second.mean() - first.mean()):+.2f}"
        assert row[6] == f"{p_values[-1]:.2g}"
    corrected = multipletests(p_values, method="holm")[1]
    assert [row[7] for row in rows] == [f"{value:.2g}" for value in corrected]


def test_recall_by_class_is_that_of_scikit_learn(tables: Tables) -> None:
    rows = tables.rows("Recall")[1:]
    for k in range(3):
        labels, matrix = answers(seed=k)
        recalls = metrics.recall_score(labels, matrix.argmax(axis=1), average=None)
        assert [row[2 + k].removeprefix("▲ ") for row in rows] == [f"{recall:.4f}" for recall in recalls]
    assert [row[0] for row in rows] == list(NAMES)
    assert all(any(cell.startswith("▲") for cell in row) for row in rows)


def test_seeds_are_told_in_words(page: str) -> None:
    words = words_of(page)
    assert "a higher score is chance and no better recipe" in words
    assert "Variation between seeds: sd" in words
    assert "Sampling error:" in words


def test_images_on_which_the_first_two_differ_are_shown_with_what_each_predicted(page: str) -> None:
    labels = answers()[0]
    differences = make_comparison().differences
    assert differences
    for of_run in differences:
        place = of_run[0].index
        assert [one.predicted for one in of_run] == [answers(seed=k)[1][place].argmax() for k in range(3)]
        assert (of_run[0].predicted != labels[place]) != (of_run[1].predicted != labels[place])
        assert f"image {place}" in page


def test_validation_figures_say_that_they_are(page: str) -> None:
    assert "Validation figures only" in words_of(page)
    assert "Validation figures only" not in words_of(comparison_page(make_comparison(split="test"), Pictures()))


def test_two_runs_have_no_correction(page: str) -> None:
    two = words_of(comparison_page(make_comparison(2), Pictures()))
    assert "corrected" not in two
    assert "p, corrected" in words_of(page)
    assert re.search(r"run-\d is better: |cannot be told apart", two)


def test_six_runs_and_more_are_drawn_as_far_as_they_can_be_told_apart() -> None:
    assert "of the first 6 runs" in words_of(comparison_page(make_comparison(7), Pictures()))
