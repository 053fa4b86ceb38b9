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


def test_prediction_sets_are_the_same_at_every_door(make_run, toy, tmp_path, capsys):
    run = make_run()
    images = toy.test.images[:40]
    np.save(tmp_path / "some.npy", images)
    for more in ([], ["--per-class"], ["--untempered"]):
        words = ["predict", str(tmp_path / "some.npy"), "--model", str(run.folder), "--coverage", "0.9", "--json"]
        assert main([*words, *more]) == 0
        rows = json.loads(capsys.readouterr().out)["answers"]
        python = fr.predict_sets(run, images, 0.9, per_class="--per-class" in more)
        assert [tuple(row["prediction_set"]) for row in rows] == python
        assert [row["words"] for row in rows] == [
            ", ".join(own[:-1]) + (" or " if own[1:] else "") + own[-1] for own in python
        ]
    sets = fr.predict_sets(run.folder, toy.test.images, 0.9)
    holds = np.mean([toy.class_names[label] in own for label, own in zip(toy.test.labels, sets, strict=True)])
    assert main(["evaluate", str(run.folder), "--coverage", "0.9", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["prediction_sets"]
    verdict = fr.evaluate(run, toy, coverage=0.9)
    assert verdict.prediction_sets[0].coverage == shown[0]["coverage"] == holds
    assert verdict.prediction_sets[0].calibrated_on == 100
    assert sum(len(own) for own in sets) / 200 == pytest.approx(verdict.prediction_sets[0].mean_size)
    fr.report(run)
    of_page = run.verdict["page"]["judged"]["sets"]
    assert [(one["asked"], one["coverage"]) for one in of_page if one["asked"] == 0.9 and not one["per_class"]] == [
        (0.9, holds)
    ]
    text = (run.folder / "report.html").read_text()
    assert "Prediction sets" in text
    assert f"{holds:.4f}" in text


def test_what_a_run_says_of_its_held_out_images_is_kept_and_asked_anew_of_another_model(make_run, toy):
    run = make_run()
    before = fr.predict_sets(run, toy.test.images[:5], 0.9)
    kept = run.folder / "calibration.npz"
    stamp = kept.stat().st_mtime_ns
    assert fr.predict_sets(run, toy.test.images[:5], 0.9) == before
    assert kept.stat().st_mtime_ns == stamp
    model = run.model()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    model.save(run.folder / "model.keras")
    assert fr.predict_sets(run, toy.test.images[:5], 0.9) == [tuple(toy.class_names)] * 5  # it knows nothing now
    assert kept.stat().st_mtime_ns != stamp


def test_a_coverage_is_refused_where_nothing_was_held_out_before_the_test_images_are_looked_at(make_run, toy, tmp_path):
    run = make_run()
    without = fr.train("walkthrough", toy, epochs=1, out=tmp_path / "without", onnx=False)
    by_hand = fr.train(
        "walkthrough", toy, epochs=1, out=tmp_path / "by-hand", onnx=False,
        validation=(toy.train.images[:50], toy.train.labels[:50]),
    )  # fmt: skip
    for other, words in (
        (without, "held out no images.*--validation 10000"),
        (by_hand, "validation images were passed as arrays"),
        ("fashion-mnist/90", "Expected a run for a stated coverage, received fashion-mnist/90"),
        (run.model(), "received a model in memory"),
    ):
        with pytest.raises(fr.FittingRoomError, match=words):
            fr.predict_sets(other, toy.test.images[:2], 0.9)
        with pytest.raises(fr.FittingRoomError, match=words):
            fr.evaluate(other, toy, coverage=0.9)
    with pytest.raises(fr.FittingRoomError, match="fraction between 0 and 1"):
        fr.evaluate(run, toy, coverage=9.0)
    assert not without.test_looks + by_hand.test_looks + run.test_looks
