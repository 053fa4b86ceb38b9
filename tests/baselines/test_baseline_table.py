"""The table of baselines on the toy dataset: each row once, failures and time-outs as rows, the paper beside."""

import csv
import json

import pytest

from fittingroom.baselines.baseline_table import best_rows, differs, run_baselines
from fittingroom.baselines.families import FAMILIES, RUNG, made
from fittingroom.baselines.fitting import scaled
from fittingroom.baselines.suite import parse_budget, read_suite, suite_names
from fittingroom.cli.app import main
from fittingroom.errors import DataError, UsageError

SUITE = """
title = "Two"
scaling = "standardised"
budget = "5m"

[[family]]
name = "GaussianNB"
paper_best = 0.511
grid = { var_smoothing = [1e-9] }

[[family]]
name = "KNeighborsClassifier"
grid = { n_neighbors = [1, 100000] }
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(SUITE)
    return path


@pytest.mark.soak
def test_each_row_is_fitted_once_and_what_fails_is_a_row(suite, toy_folder, tmp_path):
    told = []
    rows, folder = run_baselines(suite, toy_folder, threads=1, out=tmp_path / "out", log=told.append)
    assert folder == tmp_path / "out" / "two-bars"
    assert [row["outcome"] for row in rows] == ["done", "done", "failed"]
    assert rows[1]["accuracy"] == 1.0  # bars are told apart by any neighbour
    assert rows[1]["low"] < 1.0 == rows[1]["high"]
    assert "n_neighbors" in rows[2]["error"]
    assert rows[0]["fit_seconds"] > 0 < rows[0]["peak_bytes"]
    assert "scikit-learn " in rows[0]["versions"]
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/job.json")}
    assert len(before) == 3
    run_baselines(suite, toy_folder, threads=1, out=tmp_path / "out")
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("*/job.json")}
    read = list(csv.DictReader((folder / "baselines.csv").read_text().splitlines()))
    assert [row["outcome"] for row in read] == ["done", "done", "failed"]
    page = (folder / "baselines.html").read_text()
    assert "KNeighborsClassifier" in page
    assert "0.511" in page


def test_a_row_that_takes_too_long_is_a_row(suite, toy_folder, tmp_path):
    families = {"families": ["GaussianNB"], "threads": 1, "out": tmp_path}
    rows, _ = run_baselines(suite, toy_folder, budget_seconds=0.05, **families)
    assert [row["outcome"] for row in rows] == ["timed out", "not run", "not run"]
    assert rows[0]["error"] == "not done in 0.05 s"
    again, _ = run_baselines(suite, toy_folder, budget_seconds=0.04, **families)
    assert again[0]["budget_seconds"] == 0.05  # it had more time before
    assert run_baselines(suite, toy_folder, **families)[0][0]["outcome"] == "done"


def test_the_command_prints_what_other_programs_read(suite, toy_folder, tmp_path, capsys):
    words = ["baselines", "--suite", str(suite), "--dataset", str(toy_folder), "--out", str(tmp_path / "o"), "-q"]
    assert main([*words, "--table-only", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["outcome"] for row in found["rows"]] == ["not run"] * 3
    assert found["best"][0]["best in the paper"] == 0.511
    assert main([*words, "--table-only", "--format", "latex"]) == 0
    assert capsys.readouterr().out.startswith("\\begin{tabular}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SUITE.replace("GaussianNB", "GausianNB"), "Did you mean 'GaussianNB'"),
        (SUITE.replace("scaling", "scailing"), "unknown key 'scailing'"),
        (SUITE.replace("standardised", "squeezed"), "scaling: expected none, unit, standardised, received 'squeezed'"),
        (SUITE.replace("[1, 100000]", "7"), "n_neighbors: expected a list of values to try, received 7"),
        (SUITE.replace("5m", "5 minutes"), "expected a time such as 30s, 10m or 2h"),
        ("title = 'none'", r"expected one or more \[\[family\]\] tables"),
        ("family = [1]", "expected a table, received 1"),
        (SUITE + "five_seeds = { n_neighbors = 2 }", "five_seeds: expected one of the grid's settings"),
        (SUITE.replace("n_neighbors", "n_neighbours"), "no setting 'n_neighbours'. Did you mean 'n_neighbors'"),
        (SUITE.replace("n_neighbors = [1, 100000]", "weights = ['unifrom']"), "The 'weights' parameter of KNeighbors"),
        (SUITE.replace("KNeighborsClassifier", "HogSVC").replace("n_neighbors", "cells"), "Did you mean 'cell'"),
        (SUITE.replace("KNeighborsClassifier", "rung").replace("n_neighbors", "recipes"), "Did you mean 'recipe'"),
        (
            SUITE.replace("KNeighborsClassifier", "rung").replace("n_neighbors = [1, 100000]", "recipe = ['91a']"),
            "No recipe '91a'",
        ),
    ],
)
def test_a_suite_that_is_misspelt_is_refused_before_anything_is_fitted(suite, toy_folder, tmp_path, text, told):
    suite.write_text(text)
    with pytest.raises(UsageError, match=told):
        run_baselines(suite, toy_folder, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("module", "family", "wrong", "told"),
    [
        ("lightgbm", "LGBMClassifier", "n_estimator", "Did you mean 'n_estimators'"),
        ("xgboost", "XGBClassifier", "max_deph", "Did you mean 'max_depth'"),
        ("catboost", "CatBoostClassifier", "iteration", "Did you mean 'iterations'"),
    ],
)
def test_a_booster_that_would_pass_over_a_misspelt_setting_is_not_given_it(suite, module, family, wrong, told):
    pytest.importorskip(module)
    suite.write_text(SUITE.replace("GaussianNB", family).replace("var_smoothing = [1e-9]", f"{wrong} = [5]"))
    with pytest.raises(UsageError, match=f"two.toml: {family} has no setting '{wrong}'. {told}"):
        read_suite(suite)


def test_a_suite_that_is_no_toml_and_one_that_is_not_there(suite):
    suite.write_text("= =")
    with pytest.raises(DataError, match="TOML"):
        read_suite(suite)
    with pytest.raises(UsageError, match=r"No suite 'papr', neither a name nor a TOML file\. Did you mean 'paper'"):
        read_suite("papr")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PassiveAggressiveClassifier, until scikit-learn 1.10
@pytest.mark.parametrize("name", suite_names())
def test_every_suite_of_the_package_is_sound_and_its_classifiers_can_be_made(name):
    found = read_suite(name)
    assert found.rows
    for row in found.rows:
        module = FAMILIES[row.family].partition(".")[0]
        if row.family != RUNG and module == "sklearn" and "multi_class" not in row.settings:
            made(row.family, row.settings, 0, 1)


def test_the_papers_suite_has_every_setting_of_its_own_list():
    rows = [row for row in read_suite("paper").rows if row.seed == 0]
    counts = {family: sum(row.family == family for row in rows) for family in {row.family for row in rows}}
    assert counts == {
        "DecisionTreeClassifier": 12,
        "ExtraTreeClassifier": 12,
        "GaussianNB": 1,
        "GaussianProcessClassifier": 2,
        "GradientBoostingClassifier": 9,
        "KNeighborsClassifier": 12,
        "LinearSVC": 24,
        "LogisticRegression": 12,
        "MLPClassifier": 8,
        "PassiveAggressiveClassifier": 3,
        "Perceptron": 3,
        "RandomForestClassifier": 18,
        "SGDClassifier": 15,
        "SVC": 12,
    }


def test_pixels_are_standardised_by_the_training_images_alone(toy):
    train, test = scaled(toy.train, toy.test, "standardised")
    assert abs(train.mean()) < 1e-9
    assert train.std(axis=0).max() == pytest.approx(1)
    half = toy.test.take(toy.test.indices[:100])
    assert (scaled(toy.train, half, "standardised")[1] == test[:100]).all()


def test_a_difference_is_told_only_beyond_chance():
    assert differs(0.8970, 10_000, 0.897) == "no"
    assert differs(0.9046, 10_000, 0.897) == "no"  # p = 0.07
    assert differs(0.9070, 10_000, 0.897) == "higher here"
    assert differs(0.8860, 10_000, 0.897) == "lower here"


def test_the_best_of_a_family_is_told_by_the_mean_over_its_seeds():
    row = {"family": "SVC", "outcome": "done", "n": 10_000}
    rows = [{**row, "settings": "a", "seed": seed, "accuracy": value} for seed, value in enumerate((0.9, 0.8))]
    rows.append({**row, "settings": "b", "seed": 0, "accuracy": 0.86})
    (best,) = best_rows(rows, {"SVC": 0.897})
    assert (best["settings"], best["best here"], best["differs"]) == ("b", 0.86, "lower here")


def test_a_budget_is_a_time():
    assert [parse_budget(text) for text in ("30s", "10m", "2h")] == [30, 600, 7200]
    for text in ("", "10", "-1m", "0s", "m", "1d"):
        with pytest.raises(UsageError, match="--budget: expected a time"):
            parse_budget(text)


def test_a_papers_figure_stands_beside_the_row_that_it_belongs_to_and_beside_no_other(tmp_path, toy_folder):
    path = tmp_path / "two.toml"
    path.write_text(
        SUITE.replace("paper_best = 0.511", "paper_rows = [{ settings = { var_smoothing = 1e-9 }, accuracy = 0.511 }]")
    )
    rows, folder = run_baselines(path, toy_folder, families=["GaussianNB"], threads=1, out=tmp_path / "out")
    assert [(row["paper"], row["differs"]) for row in rows] == [(0.511, "higher here"), (None, None), (None, None)]
    assert "higher here" in (folder / "baselines.html").read_text()
    known = {(row.family, row.words): row.paper for row in read_suite("paper").rows if row.paper is not None}
    assert known == {
        ("GaussianNB", "priors=[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]"): 0.511,
        ("SVC", "C=10.0 kernel=rbf"): 0.897,
    }


@pytest.mark.parametrize(
    "row", ["{ settings = { var_smoothing = 2 }, accuracy = 0.5 }", "{ settings = {} }", "{ setting = 1 }", "3"]
)
def test_a_figure_that_belongs_to_no_row_is_refused(tmp_path, row):
    path = tmp_path / "two.toml"
    path.write_text(SUITE.replace("paper_best = 0.511", f"paper_rows = [{row}]"))
    with pytest.raises(UsageError, match="paper_rows"):
        read_suite(path)


def test_classifiers_that_look_at_pictures_tell_the_bars_apart_and_hog_refuses_what_is_none(toy):
    pytest.importorskip("skimage")
    train, test = scaled(toy.train, toy.test, "unit")
    for family, settings in (
        ("HogSVC", {"cell": 7}),
        ("HogSVC", {"cell": 4}),
        ("RandomConvolutionRidge", {"filters": 20}),
    ):
        model = made(family, settings, 0, 1, toy.image_shape)
        model.fit(train, toy.train.labels)
        assert (model.predict(test) == toy.test.labels).mean() > 0.85
    with pytest.raises(ValueError, match="HOG needs pictures"):
        made("HogSVC", {}, 0, 1, toy.image_shape).fit(scaled(toy.train, toy.test, "standardised")[0], toy.train.labels)


def test_random_filters_follow_from_the_seed(toy):
    train, _ = scaled(toy.train, toy.test, "unit")
    drawn = []
    for seed in (0, 0, 1):
        model = made("RandomConvolutionRidge", {"filters": 5}, seed, 1, toy.image_shape)
        model.fit(train[:50], toy.train.labels[:50])
        drawn.append(model.filters.numpy().tolist())
    assert drawn[0] == drawn[1] != drawn[2]
