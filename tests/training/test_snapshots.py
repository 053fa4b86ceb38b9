"""Snapshots of the weights: when they are taken, that they change nothing, and what the page makes of them."""

import json

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import RunError
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.runs import open_run
from fittingroom.training.snapshots import read_snapshot, snapshot_files
from helpers.page_reader import Reader, prose_of, unexplained


@pytest.fixture(scope="module")
def replayed(toy_folder, tmp_path_factory):
    """A run of the walk-through's network with snapshots, its page written; not to be changed."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    words = ["train", "--dataset", str(toy_folder), "--epochs", "3", "--batch-size", "64", "--validation", "100"]
    assert main([*words, "--snapshots", "--no-onnx", "--out", str(folder), "--quiet"]) == 0
    fr.report(folder)
    return open_run(folder)


def test_they_are_taken_at_the_start_at_the_powers_of_two_and_at_the_end(replayed):
    found = [read_snapshot(path)[:2] for path in snapshot_files(replayed.folder)]
    assert [step for step, _ in found] == [0, 1, 2, 4, 8, 16, 27]  # nine steps an epoch
    assert found[-1][1] == 3.0
    assert found[3][1] == pytest.approx(4 / 9, abs=1e-5)


def test_the_last_holds_the_kept_networks_weights_and_they_change_nothing(replayed, toy, tmp_path):
    plain = fr.train("walkthrough", toy, epochs=3, batch_size=64, validation=100, onnx=False, out=tmp_path / "plain")
    own = [np.asarray(weight) for weight in replayed.model().get_weights()]
    for weight, other in zip(own, plain.model().get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    last = read_snapshot(snapshot_files(replayed.folder)[-1])[2]
    for weight, kept in zip(own, last, strict=True):
        np.testing.assert_allclose(weight, kept.float().numpy(), atol=1e-3)
    first = read_snapshot(snapshot_files(replayed.folder)[0])[2]
    assert not np.allclose(first[0].float().numpy(), own[0], atol=1e-2)
    assert snapshot_files(plain.folder) == []
    assert sum(path.stat().st_size for path in snapshot_files(replayed.folder)) < 7 * 220_000


def test_the_page_has_every_step_with_its_numbers_and_shows_the_last(replayed):
    page, twin = (replayed.folder / "report.html").read_text("utf-8"), replayed.verdict["page"]
    reader = Reader(page)
    assert "script" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))
    steps = twin["replay"]["steps"]
    assert [one["step"] for one in steps] == [0, 1, 2, 4, 8, 16, 27]
    assert page.count('name="replay"') == 7
    assert page.count('id="replay-6" checked') == 1
    verdict = fr.judge(
        replayed.predictions.labels, replayed.predictions.probabilities, replayed.predictions.class_names
    )
    assert (twin["replay"]["split"], twin["replay"]["n"]) == ("validation", 100)
    assert steps[-1]["accuracy"] == pytest.approx(verdict.accuracy, abs=0.011)  # half precision may turn one image
    assert steps[0]["accuracy"] < 0.5 < steps[-1]["accuracy"]
    assert all(np.sum(one["confusion"]) == 100 for one in steps)
    of_method = {"95", "0", "1", "2", "20", "0.1", "255", "10000", "128", "100", "15"}
    section = page[page.index('<section id="replay">') :]
    assert unexplained(prose_of(section[: section.index("</section>")]), replayed.verdict, of_method) == set()


def test_the_map_of_the_last_step_is_that_of_the_kept_networks_features(replayed, toy):
    replay = replayed.verdict["page"]["replay"]
    held_out = fr.hold_out(toy.train, 100)[1]
    assert replay["map_labels"] == held_out.labels.tolist()
    places = np.array([one["map"] for one in replay["steps"]], float)
    assert places.shape == (7, 100, 2)
    assert (places.min(), places.max()) == (3, 197)
    features = in_batches(feature_extractor(replayed.model(), (28, 28)), held_out.images).astype(np.float64)
    features -= features.mean(axis=0)
    first = np.linalg.svd(features, full_matrices=False)[2][0]
    assert abs(np.corrcoef(features @ first, places[-1, :, 0])[0, 1]) > 0.99

    def apart(step):
        own = places[step] - places[step].mean(axis=0)
        centres = np.array([own[held_out.labels == label].mean(axis=0) for label in range(10)])
        return float((centres[held_out.labels] ** 2).sum() / (own**2).sum())

    assert apart(-1) > apart(0)  # classes part while it learns


def test_the_page_draws_a_map_at_each_step_with_a_dot_an_image(replayed):
    page = (replayed.folder / "report.html").read_text("utf-8")
    assert page.count('<svg class="places"') == 7
    first = page[page.index('<svg class="places"') :].partition("</svg>")[0]
    assert first.count("h0") == 100
    assert len(page.encode()) < 1_000_000


def test_the_network_that_was_kept_is_as_it_was_after_the_page(replayed, toy):
    before = replayed.predict(toy.test.images[:20])
    fr.report(replayed)
    np.testing.assert_array_equal(replayed.predict(toy.test.images[:20]), before)


def test_the_command_that_makes_the_run_again_has_them_too(replayed):
    assert "--snapshots" in json.dumps(replayed.verdict["page"]["command"])


def test_an_averaged_training_keeps_the_average_and_a_convolutions_kernels_are_shown(toy, toy_folder, tmp_path):
    settings = {"averaging": "ema", "epochs": 1, "batch_size": 32}
    run = fr.train("thin-conv", toy_folder, settings=settings, snapshots=True, onnx=False, out=tmp_path / "ema")
    plain = fr.train("thin-conv", toy, settings=settings, onnx=False, out=tmp_path / "plain")
    own = run.model().get_weights()
    for weight, other in zip(own, plain.model().get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    steps, _, weights = read_snapshot(snapshot_files(run.folder)[-1])
    assert steps == 20
    kernel = next(weight for weight in weights if weight.ndim == 4)
    np.testing.assert_allclose(kernel.float().numpy(), own[0], atol=1e-3)
    fr.report(run)
    replay = run.verdict["page"]["replay"]
    assert replay["split"] == "training"  # none were held out, and test images are never asked about
    assert "First weights after step 20" in (run.folder / "report.html").read_text("utf-8")


def test_a_damaged_or_a_strange_snapshot_is_one_sentence(replayed, tmp_path, toy):
    import shutil

    run = open_run(shutil.copytree(replayed.folder, tmp_path / "run"))
    path = snapshot_files(run.folder)[2]
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(RunError, match=r"step-00000002.*expected a snapshot of a run's weights, cannot read it"):
        fr.report(run)
    other = fr.train(
        "thin-conv", toy, settings={"epochs": 1, "batch_size": 640}, snapshots=True, onnx=False, out=tmp_path / "other"
    )
    path.write_bytes(snapshot_files(other.folder)[0].read_bytes())
    with pytest.raises(RunError, match="this snapshot is of another network than the run's"):
        fr.report(run)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--seeds", "2"], "Expected --snapshots without --seeds"),
        (["--resume", "runs/x"], "Expected --resume without --snapshots"),
        (["--preview", "x.png"], "without --snapshots"),
    ],
)
def test_they_are_refused_where_they_could_not_be_kept(capsys, more, words):
    assert main(["train", "--snapshots", *more]) == 2
    assert words in capsys.readouterr().err
