"""One source for each number: what README, docs, pages and the browser show is what the package holds or measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fittingroom.data.catalog import DATASETS
from fittingroom.inference.model_files import WEIGHTS, shipped_names
from fittingroom.inference.predictor import UNSURE
from fittingroom.judging import over_seeds, references_line, wilson_interval
from fittingroom.judging.calibration import BINS
from fittingroom.judging.references import BEST_DOCUMENTED, REFERENCES, SUSPICIOUS, WALKTHROUGH_ACCURACY
from fittingroom.ladder import look_log
from fittingroom.ladder.ladder_table import RUNGS, SIGNIFICANCE, markdown, measured, rows
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.models import MODELS
from fittingroom.pages.tutorial.values import REFERENCE, seeds_accuracies, ten_seeds
from fittingroom.photos.whole_photo import LONGEST
from fittingroom.recipes import recipe_names, recipe_sha256
from fittingroom.web.limits import LIMITS
from fittingroom.workflows.picture_answers import ALSO_LIKELY

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "src" / "fittingroom" / "studio" / "static"
NUMBERS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
)


def words_of(name: str) -> str:
    """A page of prose with its line breaks as spaces."""
    return " ".join((ROOT / name).read_text("utf-8").split())


def test_the_readme_tells_the_ten_seeds_as_measured():
    seeds = over_seeds(seeds_accuracies(), ten_seeds()["n"])
    assert f"Over {NUMBERS[len(seeds.accuracies)]} seeds the mean is {seeds.mean:.4f} (sd {seeds.sd:.4f})" in words_of(
        "README.md"
    )


def test_the_readme_shows_what_seed_0_prints():
    first, n = ten_seeds()["seeds"][0], ten_seeds()["n"]
    low, high = wilson_interval(round(first["test_accuracy"] * n), n)
    printed = (
        f"Test accuracy {first['test_accuracy']:.4f} (95 % {low:.4f} to {high:.4f}, n = {n:,}), "
        f"seed {first['seed']}, data {ten_seeds()['fingerprint']}"
    )
    assert printed in (ROOT / "README.md").read_text("utf-8")
    assert references_line("fashion-mnist") in (ROOT / "README.md").read_text("utf-8")


def test_the_walk_throughs_page_reads_the_measured_range():
    assert REFERENCE.test_range == (min(seeds_accuracies()), max(seeds_accuracies()))
    assert len(seeds_accuracies()) == 10  # the page says ten
    assert ten_seeds()["fingerprint"] == DATASETS[REFERENCE.dataset].fingerprint


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.who)
def test_the_docs_tell_the_known_scores(reference):
    assert re.search(rf"{reference.who}\W+{reference.accuracy:.3f}", words_of("docs/judging.md"), re.IGNORECASE)


def test_the_docs_tell_when_a_score_is_too_good():
    words = words_of("docs/judging.md")
    assert f"Above {SUSPICIOUS}" in words
    assert f"more than {BEST_DOCUMENTED}" in words
    assert f"The walk-through stops at {WALKTHROUGH_ACCURACY:.3f}" in words_of("docs/ladder.md")


def test_the_readme_counts_the_networks():
    assert f"{NUMBERS[len(MODELS)].capitalize()} networks come with it" in words_of("README.md")


def test_the_docs_tell_the_studios_limits():
    page = (ROOT / "docs" / "studio.md").read_text("utf-8")
    at = LIMITS
    for row in (
        f"| {at.body_bytes / 1e6:g} MB in a request, arriving within {at.body_seconds:g} s | 413, 408 |",
        f"| {at.bodies_bytes / 1e6:g} MB in all requests at once | 429 |",
        f"| {at.pixels / 1e6:g} million pixels in a picture, {at.side:,} along a side, told from its header | 422 |",
        f"| {at.photos} photo worked on, {at.photos_waiting} waiting, {at.photo_seconds:g} s for each | 429, 503 |",
        f"| {at.uploads} uploads, {at.requests} requests, {at.streams} pages that watch at once | 429, 503, 429 |",
        f"| {at.trainings} trainings, {at.sweeps} sweep, {at.jobs} other long jobs at once | 429 |",
        f"| {at.page_seconds:g} s for a run's page, {at.job_seconds / 60:g} minutes for another long job | 503, ended",
        f"| {at.model_bytes / 1e9:g} GB of memory for a model that is asked | 422 |",
        f"| {at.connections} connections, {at.header_seconds:g} s until a request's header is there | closed |",
    ):
        assert row in page


def test_the_docs_tell_the_bins_of_the_calibration_error():
    assert f"{BINS} bins of equal width" in words_of("docs/judging.md")


def test_the_ladders_table_its_file_and_its_logs_are_one():
    looks = look_log.read(ROOT / "benchmarks" / "test_log.jsonl", TestLook)
    timings = look_log.read(ROOT / "benchmarks" / "epoch_times.jsonl", Timing)
    known = recipe_names()
    ladder = rows(looks, timings, lambda name: recipe_sha256(name) if name in known else None, "fashion-mnist")
    assert markdown(ladder) in (ROOT / "docs" / "ladder-results.md").read_text("utf-8")
    for row in ladder:
        kept = measured()[row.rung]
        assert (kept["n"], kept["mean"], kept["seconds"]) == (row.n, row.mean, row.seconds)


def test_the_docs_tell_the_seeds_of_each_rung():
    told = words_of("docs/ladder.md")
    for seeds, words in (
        (10, "Ten seeds, 0 to 9, for `walkthrough`, `90` and `92`"),
        (5, "five for `93`, `94` and `95`"),
        (3, "three for `micro`, `small` and `best`"),
    ):
        assert words in told
        assert [name for name, rung in RUNGS.items() if rung.seeds == seeds] == re.findall(r"`(\w+)`", words)
    assert f"p below {SIGNIFICANCE:g} by Student's one-sided test" in told
    assert f"`best`, {RUNGS['best'].accuracy}," in told


@pytest.mark.parametrize("name", [name for name in shipped_names() if name.split("/")[1] in RUNGS])
def test_a_shipped_networks_card_tells_the_measured_figures(name):
    card = json.loads((WEIGHTS / f"{name}.json").read_text("utf-8"))
    row = measured()[name.split("/")[1]]
    measured_test = {"mean": row["mean"], "sd": row["sd"], "seeds": row["n"]}
    assert card["test"]["this"]["accuracy"] == row["accuracies"][0]
    assert {name: card["test"][name] for name in measured_test} == measured_test
    assert card["cost"] == {
        "parameters": row["parameters"],
        "mflop": row["mflop"],
        "training_seconds": row["seconds"],
    }


@pytest.mark.parametrize("known", DATASETS.values(), ids=DATASETS)
def test_a_datasets_description_counts_its_images_and_classes(known):
    images = sum((file.size_bytes - 16) // (28 * 28) for file in known.files if "images" in file.name)
    assert f"{images:,} grey 28x28 pictures" in known.description
    assert f"{len(known.class_names)} classes" in known.description
    assert re.search(rf"\| `{known.name}` \| {images:,} [^|]* \| {len(known.class_names)} \|", words_of("docs/data.md"))


def test_the_design_notes_tell_the_28x28_photo_networks_temperature():
    card = json.loads((WEIGHTS / "fashion-mnist" / "photo-28.json").read_text("utf-8"))
    assert f"The T of `photo-28` was fitted anew: {card['temperature']:.3f}" in words_of("docs/design-notes.md")


def test_the_page_of_photos_tells_the_figures_that_have_bars_as_they_were_printed():
    printed = (ROOT / "docs" / "photo-results.md").read_text("utf-8").splitlines()
    rows = [line for line in printed if line.startswith(("| folds: ", "| validation: "))]
    assert len(rows) == 10
    page = (ROOT / "docs" / "photos.md").read_text("utf-8").splitlines()
    assert [row for row in rows if row not in page] == []


def test_the_page_of_photos_tells_when_an_answer_is_unsure_when_several_articles_are_seen_and_what_a_strip_is():
    page = words_of("docs/photos.md")
    assert f"where the probability is below {UNSURE}:" in page
    assert f"are both likely, the second at least {ALSO_LIKELY}." in page
    assert f"more than {LONGEST} times as long as it is wide" in page
