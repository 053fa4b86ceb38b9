from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from fittingroom.judging.references import too_good_warning
from fittingroom.pages.answers import Pictures
from fittingroom.pages.learning import read_learning
from fittingroom.pages.run.page import run_page
from helpers.page_reader import Reader, Tables, prose_of, unexplained, words_of
from helpers.report_samples import NAMES, answers, history_of, make_judged, make_pictures, make_run

OF_METHOD = {"95", "0", "1", "20", "2", "0.1"}  # "95 % interval", "runs from 0 to 1", "fewer than 20 answers"


@pytest.fixture(scope="module")
def page() -> str:
    judged = make_judged()
    return run_page(make_run(judged), make_pictures(judged))


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


@pytest.fixture(scope="module")
def tables(page: str) -> Tables:
    return Tables(page)


@pytest.fixture(scope="module")
def predictions():
    labels, matrix = answers()
    return labels, matrix.astype(np.float64), matrix.argmax(axis=1)


def interval(pair) -> str:
    return f"{pair[0]:.4f} to {pair[1]:.4f}"


def test_every_tag_is_closed_every_id_unique_and_every_link_finds_its_place(reader: Reader) -> None:
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert {address[1:] for address in reader.addresses if address.startswith("#")} <= set(reader.ids)


def test_it_is_one_small_file_without_scripts_that_asks_for_nothing(page: str, reader: Reader) -> None:
    assert len(page.encode()) < 3_000_000
    assert all(address.startswith(("data:image/", "#")) for address in reader.addresses)
    assert not {"script", "link", "iframe", "object"} & reader.tags
    assert not re.search(r"https?:|@import|url\((?!#)", page)


def test_every_picture_has_words_for_those_who_do_not_see_it(reader: Reader) -> None:
    assert len(reader.images) == 9 + 9 * 3 + 4
    assert all(image.get("alt") for image in reader.images)
    assert len(reader.svgs) == 2 + 2 + 15
    assert all(svg.get("aria-label") and svg.get("role") == "img" for svg in reader.svgs)


def test_what_the_network_was_given_is_shown_where_training_changed_the_images() -> None:
    rows = [np.full((3, 28, 28), 40 * number, np.uint8) for number in range(5)]
    reader = Reader(run_page(make_run(make_judged()), Pictures(batches=rows)))
    assert (
        sum("3 training images as they are, and as the network got them" in svg["aria-label"] for svg in reader.svgs)
        == 1
    )
    without = Reader(run_page(make_run(make_judged()), Pictures()))
    assert not any("as the network got them" in svg["aria-label"] for svg in without.svgs)


def test_right_and_wrong_are_told_by_words_and_signs_and_not_by_colour_alone(page: str) -> None:
    marked = re.findall(r'class="(?:right|wrong)">\s*([^<\s]+)', page)
    assert marked
    assert set(marked) <= {"✓", "✗"}


def test_it_follows_the_readers_light_and_prints(page: str) -> None:
    for rule in ("prefers-color-scheme:dark", "@media print", "max-width:34rem", "width=device-width"):
        assert rule in page


def test_the_accuracy_and_its_interval_are_those_of_statsmodels(tables: Tables, predictions) -> None:
    labels, _, said = predictions
    low_high = proportion_confint(int((said == labels).sum()), len(labels), method="wilson")
    row = next(row for row in tables.rows("All scores") if row[0] == "accuracy")
    assert row[1:] == [f"{metrics.accuracy_score(labels, said):.4f}", interval(low_high)]


def test_the_scores_are_those_of_scikit_learn(tables: Tables, predictions) -> None:
    labels, matrix, _ = predictions
    shown = {row[0]: row[1] for row in tables.rows("All scores")}
    assert shown["top-2 accuracy"] == f"{metrics.top_k_accuracy_score(labels, matrix, k=2):.4f}"
    assert shown["log loss"] == f"{metrics.log_loss(labels, matrix):.4f}"
    assert shown["Brier score"] == f"{metrics.brier_score_loss(labels, matrix, scale_by_half=False):.4f}"


def test_the_calibration_figures_are_those_of_counting_bin_by_bin(tables: Tables, predictions) -> None:
    labels, matrix, said = predictions
    shown, sure, right = {row[0]: row[1] for row in tables.rows("All scores")}, matrix.max(axis=1), said == labels
    error = squares = 0.0
    for low in range(15):
        inside = (sure > low / 15) & (sure <= (low + 1) / 15)
        if inside.any():
            gap, hits, n = sure[inside].mean() - right[inside].mean(), right[inside].mean(), inside.sum()
            error += inside.mean() * abs(gap)
            squares += inside.mean() * (gap**2 - hits * (1 - hits) / max(n - 1, 1))
    assert shown["calibration error, 15 bins"] == f"{error:.4f}"
    assert shown["calibration error, root mean square, debiased"] == f"{np.sqrt(max(squares, 0)):.4f}"


def test_the_area_under_the_risk_is_the_mean_of_the_risks(tables: Tables, predictions) -> None:
    labels, matrix, said = predictions
    wrong = (said != labels)[np.argsort(-matrix.max(axis=1), kind="stable")]
    shown = {row[0]: row[1] for row in tables.rows("All scores")}
    assert (
        shown["area under the risk-coverage curve"] == f"{(np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean():.4f}"
    )


def test_each_interval_is_near_that_of_a_bootstrap_written_another_way(tables: Tables, predictions) -> None:
    labels, matrix, _ = predictions
    generator, drawn = np.random.default_rng(9), {"log loss": [], "top-2 accuracy": [], "Brier score": []}
    top = np.argsort(-matrix, axis=1)[:, :2]
    each = {
        "log loss": -np.log(matrix[np.arange(len(labels)), labels]),
        "top-2 accuracy": (top == labels[:, None]).any(axis=1),
        "Brier score": ((matrix - np.eye(10)[labels]) ** 2).sum(axis=1),
    }
    for _ in range(1500):
        rows = np.concatenate(
            [generator.choice(np.flatnonzero(labels == one), (labels == one).sum()) for one in range(10)]
        )
        for name, values in each.items():
            drawn[name].append(values[rows].mean())
    shown = {row[0]: row[2] for row in tables.rows("All scores")}
    for name, values in drawn.items():
        theirs, spread = np.quantile(values, [0.025, 0.975]), np.std(values)
        ours = [float(edge) for edge in shown[name].split(" to ")]
        assert ours == pytest.approx(theirs, abs=0.25 * spread), name


def test_recall_with_its_interval_is_that_of_scikit_learn_and_statsmodels(tables: Tables, predictions) -> None:
    labels, _, said = predictions
    recalls = metrics.recall_score(labels, said, average=None)
    for row, recall, label in zip(tables.rows("Recall")[1:], recalls, range(10), strict=True):
        hits, n = int(((said == label) & (labels == label)).sum()), int((labels == label).sum())
        expected = [NAMES[label], "", f"{recall:.4f}", interval(proportion_confint(hits, n, method="wilson"))]
        assert row == expected


def test_precision_f1_and_counts_are_those_of_scikit_learn(tables: Tables, predictions) -> None:
    labels, _, said = predictions
    precision, _, f1, n = metrics.precision_recall_fscore_support(labels, said)
    for row, label in zip(tables.rows("Precision")[1:], range(10), strict=True):
        given = int((said == label).sum())
        assert [row[k] for k in (0, 1, 2, 3, 5)] == [
            NAMES[label],
            str(n[label]),
            str(given),
            f"{precision[label]:.4f}",
            f"{f1[label]:.4f}",
        ]
        for value, shown in ((precision[label], row[4]), (f1[label], row[6])):
            low, high = (float(edge) for edge in shown.split(" to "))
            assert low <= value <= high


def test_the_confusion_matrix_is_that_of_scikit_learn(tables: Tables, predictions) -> None:
    labels, _, said = predictions
    shown = [[int(cell.replace("·", "0")) for cell in row[1:]] for row in tables.rows("Confusion")[1:]]
    assert shown == metrics.confusion_matrix(labels, said).tolist()


def test_accuracy_by_coverage_is_that_of_sorting_and_counting(tables: Tables, predictions) -> None:
    labels, matrix, said = predictions
    order = np.argsort(-matrix.max(axis=1), kind="stable")
    for row in tables.rows("Accuracy where")[1:]:
        n = int(row[1].replace(",", ""))
        chosen = order[:n]
        right = int((said == labels)[chosen].sum())
        assert row[0] == f"{100 * n / len(labels):.1f} %"
        assert row[2] == f"{matrix.max(axis=1)[chosen[-1]]:.4f}"
        assert row[3:] == [f"{right / n:.4f}", interval(proportion_confint(right, n, method="wilson"))]


def test_before_and_after_the_temperature_are_those_of_scikit_learn(page: str, tables: Tables, predictions) -> None:
    labels, matrix, _ = predictions
    temperature = float(re.search(r"after a temperature of ([\d.]+)", words_of(page))[1])
    after = matrix ** (1 / temperature)
    after /= after.sum(axis=1, keepdims=True)
    row = next(row for row in tables.rows("Before and after") if row[0] == "test")
    assert float(row[1]) == pytest.approx(metrics.log_loss(labels, matrix), abs=1e-4)
    assert float(row[2]) == pytest.approx(metrics.log_loss(labels, after), abs=2e-4)
    assert float(row[5]) == pytest.approx(matrix.max(axis=1).mean(), abs=1e-4)
    assert float(row[6]) == pytest.approx(after.max(axis=1).mean(), abs=2e-4)


def test_the_highest_losses_are_the_highest(page: str, predictions) -> None:
    labels, matrix, _ = predictions
    costs = -np.log(matrix[np.arange(len(labels)), labels])
    shown = [(float(loss), int(place)) for loss, place in re.findall(r"loss (\d+\.\d+)image (\d+)", words_of(page))]
    worst = np.argsort(-costs, kind="stable")[:9]
    assert shown == [(float(f"{costs[place]:.2f}"), place + 100) for place in worst]


def test_the_pair_most_confused_is_the_largest_count_off_the_diagonal(page: str, predictions) -> None:
    labels, _, said = predictions
    counts = metrics.confusion_matrix(labels, said)
    np.fill_diagonal(counts, 0)
    true, predicted = divmod(int(counts.argmax()), 10)
    share = 100 * counts.max() / (labels == true).sum()
    told = f"true label {NAMES[true]}, predicted {NAMES[predicted]}: {counts.max()} times, {share:.1f} % of the class"
    assert told in words_of(page)


def test_the_drawn_curves_tell_the_same_bins_and_coverages(reader: Reader, predictions) -> None:
    from sklearn.calibration import calibration_curve

    labels, matrix, said = predictions
    fraction, mean = calibration_curve(said == labels, matrix.max(axis=1), n_bins=15)
    words = next(svg["aria-label"] for svg in reader.svgs if "bins" in svg["aria-label"])
    told = re.findall(r"confidence ([\d.]+), accuracy (\d\.\d+)", words)
    assert told == [(f"{sure:.2f}", f"{right:.2f}") for sure, right in zip(mean, fraction, strict=True)]


def test_known_scores_stand_beside_it_and_say_which_it_is_above(page: str, tables: Tables) -> None:
    rows = {row[0]: row[2] for row in tables.rows("Accuracy, with known scores")}
    assert rows["untrained people"] == "0.835"
    assert rows["the best documented network"] == "0.966"
    accuracy = make_judged().score.accuracy
    assert rows["▸ this run"] == f"{accuracy:.4f}"
    assert f"With its interval, {accuracy:.4f} is" in words_of(page)


def test_every_number_on_the_page_is_in_its_twin(page: str) -> None:
    twin = json.loads(json.dumps(make_run(make_judged()).to_dict()))
    assert unexplained(prose_of(page), twin, OF_METHOD) == set()


def test_a_number_that_is_not_in_the_twin_would_be_found(page: str) -> None:
    twin = json.loads(json.dumps(make_run(make_judged()).to_dict()))
    assert unexplained(prose_of(page) + " 0.123456", twin, OF_METHOD) == {"0.123456"}


def test_before_a_test_it_holds_validation_figures_only_and_says_so_at_the_top() -> None:
    page = run_page(make_run(make_judged("validation")))
    words = words_of(page)
    assert "Validation figures only: this run has not been tested." in words[: words.index("95 % interval")]
    assert "<code>fittingroom evaluate</code>" in page
    assert "test accuracy" not in words
    assert "No test looks: the model has not been evaluated on the test images." in words
    assert "The known scores are test scores and this is not" in words


def test_without_held_out_images_it_has_curves_only() -> None:
    words = words_of(run_page(make_run()))
    assert "Training curves only: no images were held out" in words
    assert "interval" not in words
    assert "overfitting cannot be detected" in words


def test_after_a_test_it_counts_the_looks() -> None:
    look = make_run(make_judged()).looks[0]
    words = words_of(run_page(make_run(make_judged(), looks=(look, {**look, "asked_by": "ladder"}, look))))
    assert "Test figures: this run has 3 test looks." in words
    assert "slightly too high" in words
    assert "ladder" in words


def test_test_figures_of_other_data_are_called_that() -> None:
    judged = make_judged(dataset="mnist", fingerprint="beef", references=())
    words = words_of(run_page(make_run(judged)))
    assert "Test figures on mnist, which it was not trained on" in words
    assert "none is known for this dataset" in words


def test_a_score_too_good_to_be_true_is_told_on_the_page_too() -> None:
    words = words_of(run_page(make_run(make_judged(warning=too_good_warning(0.99, "fashion-mnist")))))
    assert "0.9900 is above 0.975" in words
    assert "31 August 2017" in words


def test_without_pictures_the_mistakes_are_still_told() -> None:
    judged = make_judged(pictures_missing="the folder is gone.")
    page = run_page(make_run(judged))
    words = words_of(page)
    assert "Without pictures: the folder is gone." in words
    assert Reader(page).images == []
    assert f"image {judged.top_losses[0].index}" in words


def test_without_a_temperature_it_says_what_it_takes() -> None:
    words = words_of(run_page(make_run(make_judged(tempered=False))))
    assert "No temperature is fitted" in words
    assert "Before and after a temperature" not in words


def test_a_run_that_the_command_line_cannot_make_says_how_from_python() -> None:
    words = words_of(run_page(make_run(command="", command_note="With the same model: fr.train(...)")))
    assert "One command makes this run again" not in words
    assert "fr.train(...)" in words


def test_a_long_history_is_folded_away() -> None:
    history = history_of(tuple(0.5 + k / 100 for k in range(20)), validated=True)
    report = make_run(make_judged(), history=history, learning=read_learning(history, 1000))
    assert "All 20 epochs" in words_of(run_page(report))


def test_names_from_outside_cannot_break_the_page() -> None:
    page = run_page(make_run(make_judged(), name="<script>x</script>", command="a '<b>'"))
    assert "<script>" not in page
    assert Reader(page).open == []
