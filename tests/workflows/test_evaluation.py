"""A run judged on other data than its own keeps its own verdict."""

import json
import warnings

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.data import FILE_NAMES, write_idx


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Another dataset of the same shape, whose labels nobody could know."""
    folder = tmp_path_factory.mktemp("data") / "strangers"
    folder.mkdir()
    generator = np.random.default_rng(7)
    for name, n in zip(FILE_NAMES, (40, 40, 30, 30), strict=True):
        shape, top = ((n, 28, 28), 256) if "images" in name else ((n,), 10)
        write_idx(folder / name, generator.integers(0, top, shape, np.uint8))
    return fr.load(folder)


def test_its_verdict_and_predictions_stay_and_the_others_are_kept_by_their_data(make_run, toy, strangers, capsys):
    run = make_run()
    own = fr.evaluate(run, toy)
    other = fr.evaluate(run, strangers)
    assert own.accuracy > 0.9 > 0.5 > other.accuracy
    assert run.verdict["accuracy"] == own.accuracy
    assert run.predictions.fingerprint == toy.fingerprint
    (elsewhere,) = run.verdicts_elsewhere
    assert (elsewhere["dataset"], elsewhere["n"]) == ("strangers", 30)
    assert elsewhere["accuracy"] == other.accuracy
    assert (run.looks_at(toy.fingerprint), run.looks_at(strangers.fingerprint)) == (1, 1)
    assert main(["runs", "list", str(run.folder.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert row["test_accuracy"] == own.accuracy


def test_before_its_own_test_images_it_has_no_test_score_whatever_else_it_was_judged_on(make_run, strangers):
    run = make_run()
    fr.evaluate(run, strangers)
    assert run.verdict is None
    assert run.summary()["test_accuracy"] is None


def test_a_run_trained_on_arrays_keeps_the_dataset_that_it_was_judged_on_last(toy, tmp_path):
    run = fr.train(fr.build(), (toy.train.images, toy.train.labels), epochs=1, out=tmp_path / "run")
    verdict = fr.evaluate(run, toy)
    assert run.verdict["accuracy"] == verdict.accuracy


def test_images_with_a_light_background_are_warned_of_where_the_model_learned_from_dark_ones(make_run, toy):
    images = toy.test.images
    with pytest.warns(UserWarning, match=r"100% of the 200 images have a light background.*pass 255 - images"):
        fr.predict("fashion-mnist/walkthrough", 255 - images)
    with pytest.warns(UserWarning, match="light background"):
        fr.evaluate("fashion-mnist/walkthrough", (255 - images, toy.test.labels))
    with warnings.catch_warnings(action="error"):
        fr.predict("fashion-mnist/walkthrough", images)
        fr.predict(make_run(), 255 - images)  # whose classes are nobody's that are known here
