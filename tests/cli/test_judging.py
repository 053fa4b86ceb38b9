"""The commands that judge: evaluate, judge, compare, mistakes, report, on a small dataset."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.data import DATASETS
from fittingroom.workflows.corruptions import CORRUPTIONS


@pytest.fixture
def fresh(trained, tmp_path):
    """A run that was not evaluated."""
    folder = tmp_path / "fresh"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("predictions.npz", "verdict.json", "*looks*"))
    return folder


@pytest.fixture(scope="module")
def tested(trained, toy_folder, tmp_path_factory):
    """A run that was evaluated once."""
    folder = tmp_path_factory.mktemp("tested") / "tested"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("predictions.npz", "verdict.json", "*looks*"))
    assert main(["evaluate", str(folder), "--dataset", str(toy_folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def predictions(tmp_path):
    """Write a file of predictions: 40 of a model that is right in three of four."""

    def write(name="p.npz", **changes):
        labels = np.arange(40) % 4
        said = np.where(np.arange(40) % 10 < 3, (labels + 1) % 4, labels)
        arrays = {"probabilities": (np.eye(4)[said] * 0.8 + 0.05).astype(np.float32), "labels": labels} | changes
        path = tmp_path / name
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return write


def test_evaluate_gives_n_interval_seed_data_and_what_a_temperature_does(run, fresh, toy_folder):
    answer = run("evaluate", fresh, "--dataset", toy_folder)
    assert answer.code == 0
    last = answer.out.strip().splitlines()[-1]
    for part in ("Test accuracy", "95 %", "n = 200", "seed 0", f"data {fr.load(toy_folder).fingerprint}"):
        assert part in last
    assert "fitted on 100 validation images" in answer.out


def test_evaluates_json_holds_the_verdict_the_seed_and_the_temperature(run, fresh, toy_folder):
    answer = json.loads(run("evaluate", fresh, "--dataset", toy_folder, "--json").out)
    assert answer["schema"] == "fittingroom/evaluate/1"
    assert (answer["seed"], answer["warning"], answer["references"]) == (0, None, [])
    assert answer["temperature"]["validation"]["n"] == 100
    assert answer["calibration"]["bins"] == len(answer["calibration"]["curve"]) == 15


def test_a_gate_that_fails_exits_with_1_and_the_reason(run, fresh, toy_folder, monkeypatch):
    words = ["evaluate", fresh, "--dataset", toy_folder, "--fail-under"]
    assert run(*words, "accuracy=0.01").code == 0
    blank = np.full((200, 10), 0.1, np.float32)
    monkeypatch.setattr(
        "fittingroom.inference.predictor.Predictor.predict", lambda self, images, **_: blank[: len(images)]
    )
    answer = run(*words, "accuracy=0.5", "--fail-under", "recall.bar 3=0.6")
    assert answer.code == 1
    assert "fittingroom: accuracy is 0.1000, below 0.5." in answer.err
    assert "fittingroom: recall.bar 3 is 0.0000, below 0.6." in answer.err


def test_an_unknown_gate_is_refused_before_anything_is_looked_at(run, fresh, toy_folder):
    answer = run("evaluate", fresh, "--dataset", toy_folder, "--fail-under", "acuracy=0.9")
    assert answer.code == 2
    assert "Did you mean 'accuracy'" in answer.err
    assert not (fresh / "test_looks.jsonl").exists()


def test_judge_prints_what_judging_the_arrays_gives(run, predictions):
    path = predictions(class_names=np.array(["a", "b", "c", "d"]))
    answer = json.loads(run("judge", path, "--json").out)
    with np.load(path) as file:
        verdict = fr.judge(file["labels"], file["probabilities"], ["a", "b", "c", "d"])
    assert answer["accuracy"] == verdict.accuracy == 0.7
    assert answer["confusion"] == [list(row) for row in verdict.confusion]
    words = run("judge", path).out
    assert f"All {verdict}" in words
    assert "calibration error, 15 bins" in words


def test_judges_gates_exit_with_1_and_a_reason_each(run, predictions):
    answer = run("judge", predictions(), "--fail-under", "accuracy=0.8", "--fail-under", "recall.2=0.99")
    assert answer.code == 1
    assert "fittingroom: accuracy is 0.7000, below 0.8." in answer.err
    assert "recall.2 is" in answer.err
    assert run("judge", predictions(), "--fail-under", "accuracy=0.7").code == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probabilities": np.full((40, 4), 0.3)}, "row 0 sums to 1.2"),
        ({"probabilities": np.full((40, 4), np.nan)}, "not finite"),
        ({"probabilities": np.full((40, 4), 25.0)}, "Are these per cent"),
        ({"probabilities": np.zeros((0, 4)), "labels": np.zeros(0, int)}, "at least one sample, received none"),
        ({"probabilities": np.full(40, 0.25)}, "received shape (40,)"),
        ({"labels": np.arange(40)}, "expected labels in 0..3, received 4 at index 4"),
        ({"labels": np.arange(39) % 4}, "received 39 labels and 40 predictions"),
        ({"labels": np.arange(40) % 4 + 0.5}, "expected whole numbers"),
        ({"labels": None}, "holds no 'labels'"),
        (
            {"probabilities": None},
            "expected an array named 'probabilities', or 'predictions' for classes alone, found labels",
        ),
        ({"class_names": np.array(["a", "b"])}, "a name for each of 4 classes, received 2"),
        ({"class_names": np.array(["a", "b", "c", "a"])}, "received 'a' more than once"),
        ({"probabilities": np.array([{}] * 40)}, "without Python objects"),
    ],
)
def test_a_file_that_cannot_be_judged_is_one_sentence_and_exit_code_2(run, predictions, changes, words):
    answer = run("judge", predictions(**changes))
    assert answer.code == 2
    assert words in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert answer.out == ""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.npz", b"PK\x03\x04 cut", "expected arrays that NumPy wrote"),
        ("p.npz", b"", "expected arrays that NumPy wrote"),
        ("p.npy", b"0.1,0.9", "expected arrays that NumPy wrote"),
        ("p.csv", b"0.1,0.9", "ends in .npz or .npy"),
        ("p.npz", None, "found no such file"),
    ],
)
def test_a_file_that_numpy_did_not_write_is_one_sentence(run, tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    answer = run("judge", path)
    assert answer.code == 2
    assert words in answer.err


@pytest.mark.parametrize("kind", ["perfect", "constant", "absent"])
def test_extreme_predictors_get_figures_and_no_warning(run, predictions, kind):
    labels = np.arange(40) % 4
    said = {"perfect": labels, "constant": np.zeros(40, int), "absent": labels}[kind]
    true = np.minimum(labels, 2) if kind == "absent" else labels
    answer = run("judge", predictions(probabilities=np.eye(4)[said], labels=true))
    assert answer.code == 0
    assert answer.err == ""
    assert {"perfect": "accuracy 1.0000", "constant": "accuracy 0.2500", "absent": "accuracy 0.7500"}[
        kind
    ] in answer.out
    if kind == "absent":
        assert answer.out.splitlines()[4].split()[:3] == ["3", "0", "-"]


def test_predictions_of_a_datasets_test_images_take_labels_and_names_from_it(run, toy_folder, toy, tmp_path):
    path = tmp_path / "p.npy"
    np.save(path, np.eye(10)[toy.test.labels])
    answer = json.loads(run("judge", path, "--dataset", toy_folder, "--json").out)
    assert (answer["accuracy"], answer["fingerprint"]) == (1.0, toy.fingerprint)
    assert answer["classes"][3]["name"] == "bar 3"


@pytest.mark.parametrize("name", ["predictions", "predicted", "y_pred", "probabilities"])
def test_a_file_of_classes_alone_is_judged_without_what_needs_probabilities(run, tmp_path, name):
    labels = np.arange(40) % 4
    np.savez(tmp_path / "p.npz", labels=labels, **{name: np.minimum(labels, 2)})
    answer = json.loads(run("judge", tmp_path / "p.npz", "--json").out)
    assert (answer["accuracy"], answer["log_loss"], answer["calibration"]) == (0.75, None, None)
    assert [one["recall"] for one in answer["classes"]] == [1, 1, 1, 0]
    shown = run("judge", tmp_path / "p.npz", "--fail-under", "recall.3=0.5")
    assert shown.code == 1
    assert "accuracy 0.7500" in shown.out
    assert "log loss" not in shown.out


def test_classes_of_a_datasets_test_images_take_labels_and_names_from_it(run, toy_folder, toy, tmp_path):
    np.save(tmp_path / "p.npy", toy.test.labels)
    answer = json.loads(run("judge", tmp_path / "p.npy", "--dataset", toy_folder, "--json").out)
    assert (answer["accuracy"], answer["classes"][3]["name"]) == (1.0, "bar 3")


def test_labels_of_another_dataset_are_refused(run, toy_folder, predictions):
    answer = run("judge", predictions(), "--dataset", toy_folder)
    assert answer.code == 2
    assert "its labels are not those of the test images" in answer.err


def test_a_score_too_good_to_be_true_is_warned_of_on_stderr(run, predictions):
    labels = np.arange(40) % 10
    known = DATASETS["fashion-mnist"]
    path = predictions(
        probabilities=np.eye(10)[labels],
        labels=labels,
        fingerprint=np.array(known.fingerprint),
        class_names=np.array(known.class_names),
    )
    answer = run("judge", path)
    assert answer.code == 0
    assert "Warning: 1.0000 is above 0.975" in answer.err
    assert "For comparison: untrained people 0.835" in answer.out
    assert json.loads(run("judge", path, "--json").out)["warning"].startswith("Warning")


def test_compare_says_which_is_better_or_that_it_cannot_be_told(run, fresh, toy_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(fresh, other)
    answer = run("compare", fresh, other, "--data-dir", toy_folder)
    assert answer.code == 0, answer.err
    assert "fresh and other cannot be told apart at this size: +0.00 points" in answer.out
    assert "100 validation images, data" in answer.out
    assert "seed" in answer.out.splitlines()[0]


def test_compares_json_has_scores_pairs_and_the_images_that_differ(run, fresh, toy_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(fresh, other)
    answer = json.loads(run("compare", fresh, other, "--data-dir", toy_folder, "--json").out)
    assert answer["schema"] == "fittingroom/compare/1"
    assert [score["run"] for score in answer["scores"]] == answer["runs"] == ["fresh", "other"]
    assert answer["pairs"][0]["p_value"] == 1
    assert answer["differ"] == []


@pytest.mark.parametrize("kind", ["own", "other"])
def test_compare_draws_what_differs_in_a_terminal_and_lists_it_where_there_are_no_pictures(
    run, fresh, tested, toy_folder, tmp_path, monkeypatch, kind
):
    other = tmp_path / "other"
    shutil.copytree(tested, other)
    one, kept = fr.open_run(tested), fr.open_run(other).predictions
    wrong = kept.probabilities.copy()
    right = int(np.flatnonzero(kept.probabilities.argmax(axis=1) == kept.labels)[0])
    wrong[right] = np.roll(np.eye(10, dtype=np.float32)[kept.labels[right]], 1)
    fingerprint = kept.fingerprint if kind == "own" else "0123456789abcdef"
    for folder, answers in ((fresh, one.predictions.probabilities), (other, wrong)):
        values = vars(kept) | {"probabilities": answers, "fingerprint": fingerprint}
        fr.open_run(folder).write_predictions(type(kept)(**values))
    monkeypatch.setattr("fittingroom.pages.terminal_picture.drawing_for", lambda console: "braille")
    answer = run("compare", fresh, other, "--data-dir", toy_folder)
    assert answer.code == 0, answer.err
    assert "Only fresh is right on 1 image, only other on 0 images." in answer.out
    assert ("other: predicted" in answer.out) == (kind == "own")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "A comparison needs two or more runs"),
        (["SAME"], "the same one twice"),
        (["nothing-there"], "No run folder"),
        (["SAME", "--show", "-1"], "--show: expected a whole number, 0 or more"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(run, tested, more, words):
    answer = run("compare", tested, *(tested if word == "SAME" else word for word in more))
    assert answer.code == 2
    assert words in answer.err


def test_mistakes_are_a_table_where_there_is_no_terminal(run, tested, toy_folder):
    answer = run("mistakes", tested, "--data-dir", toy_folder, "--top-losses", 3)
    lines = answer.out.strip().splitlines()
    assert lines[0].split()[:5] == ["image", "true", "label", "predicted", "confidence"]
    assert len(lines) == 4
    assert "test images are classified wrongly" in answer.err


@pytest.mark.parametrize("drawing", ["half-blocks", "braille", "letters"])
def test_mistakes_are_drawn_where_it_is_asked_for(run, tested, toy_folder, drawing):
    answer = run("mistakes", tested, "--data-dir", toy_folder, "--top-losses", 1, "--pictures", drawing)
    sign = {"half-blocks": "▀", "braille": "⠐", "letters": "%"}[drawing]
    assert sign in answer.out
    assert "most similar training images:" in answer.out


def test_mistakes_json_has_losses_in_order_with_neighbours(run, tested, toy_folder, toy):
    answer = json.loads(
        run("mistakes", tested, "--data-dir", toy_folder, "--top-losses", 5, "--neighbours", 2, "--json").out
    )
    losses = [each["loss"] for each in answer["mistakes"]]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 5
    assert answer["split"] == "test"
    for each in answer["mistakes"]:
        assert toy.class_names[toy.test.labels[each["index"]]] == each["true"]
        assert len(each["neighbours"]) == 2


def test_mistakes_of_one_class_are_of_that_class(run, tested, toy_folder):
    words = ["mistakes", tested, "--data-dir", toy_folder, "--class", "BAR 3", "--neighbours", 0, "--json"]
    found = json.loads(run(*words).out)["mistakes"]
    assert {each["true"] for each in found} == {"bar 3"}
    assert len(found) == 6


def test_mistakes_can_be_of_validation_or_training_images(run, fresh, toy_folder):
    for split, n in ((None, 100), ("train", 540)):
        asked = [] if split is None else ["--split", split]
        answer = json.loads(run("mistakes", fresh, "--data-dir", toy_folder, "--neighbours", 0, "--json", *asked).out)
        assert (answer["split"], answer["n"]) == (split or "validation", n)


def test_mistakes_are_saved_as_a_picture(run, tested, toy_folder, tmp_path):
    path = tmp_path / "mistakes.png"
    answer = run("mistakes", tested, "--data-dir", toy_folder, "--neighbours", 0, "--save", path)
    assert answer.code == 0
    assert path.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--top-losses", 0], "--top-losses: expected a whole number, 1 or more"),
        (["--neighbours", -1], "--neighbours: expected a whole number, 0 or more"),
        (["--class", "bra 3"], "Did you mean"),
        (["--save", "picture.gif"], "ends in .png, .svg or .pdf"),
    ],
)
def test_what_mistakes_cannot_do_is_one_sentence(run, tested, toy_folder, more, words):
    answer = run("mistakes", tested, "--data-dir", toy_folder, *more)
    assert answer.code == 2
    assert words in answer.err


def test_mistakes_of_a_run_without_held_out_images_say_what_to_do(run, toy_folder, tmp_path):
    folder = tmp_path / "plain"
    assert run("train", "--dataset", toy_folder, "--epochs", 1, "--out", folder, "--quiet", "--no-onnx").code == 0
    answer = run("mistakes", folder, "--data-dir", toy_folder)
    assert answer.code == 2
    assert f"Try: fittingroom evaluate {folder}" in answer.err


def test_report_writes_one_page_for_several_runs(run, fresh, toy_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(fresh, other)
    answer = run("report", fresh, other, "--data-dir", toy_folder, "--out", tmp_path / "both.html", "--quiet")
    assert answer.out.strip() == str(tmp_path / "both.html")
    assert answer.err == ""
    facts = json.loads(run("report", fresh, "--data-dir", toy_folder, "--json").out)
    assert facts == {"schema": "fittingroom/report/1", "runs": [str(fresh)], "page": str(fresh / "report.html")}


def test_report_without_a_run_says_what_it_wants(run):
    answer = run("report")
    assert answer.code == 2
    assert "Example: fittingroom report runs/my-run" in answer.err


def test_a_page_of_validation_figures_makes_no_run_look_tested(run, fresh, toy_folder):
    assert run("report", fresh, "--data-dir", toy_folder).code == 0
    row = json.loads(run("runs", "list", fresh.parent, "--json").out)["runs"][0]
    assert row["test_accuracy"] is None


def test_for_a_run_it_is_one_look_and_the_command_says_what_python_says(run, trained, tmp_path, toy_folder):
    before = len(fr.open_run(trained).test_looks)
    told = run("evaluate", trained, "--corruptions", "--picture", tmp_path / "seen.png", "--json")
    assert told.code == 0, told.err
    facts = json.loads(told.out)
    assert facts["schema"] == "fittingroom/corruptions/1"
    looks = fr.open_run(trained).test_looks
    assert (len(looks), looks[-1]["asked_by"]) == (before + 1, "evaluate --corruptions")
    with Image.open(tmp_path / "seen.png") as picture:
        assert min(picture.size) > 600
    python = fr.evaluate_corruptions(fr.open_run(trained), fr.load(toy_folder), corruptions=["jpeg", "noise"])
    for name, values in python.accuracies.items():
        assert facts["accuracies"][name]["accuracies"] == list(values)
    lines = run("evaluate", trained, "--corruptions", "--format", "csv").out.splitlines()
    assert lines[0] == "corruption,1,2,3,4,5,mean"
    assert [line.partition(",")[0] for line in lines[1:]] == list(CORRUPTIONS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--picture", "a.png"], "Expected --picture with --corruptions"),
        (["--corruptions", "--picture", "a.txt"], "ends in .png, .svg or .pdf"),
        (["--corruptions", "--fail-under", "accuracy=0.5"], "Expected --corruptions without --fail-under"),
        (["--corruptions", "--json", "--format", "csv"], "received both"),
    ],
)
def test_what_cannot_be_done_with_corruptions_is_one_sentence_and_no_look(run, trained, words, told):
    before = len(fr.open_run(trained).test_looks)
    answer = run("evaluate", trained, *words)
    assert answer.code == 2
    assert told in " ".join(answer.err.split())
    assert len(fr.open_run(trained).test_looks) == before


def test_judge_calibrates_prediction_sets_on_another_file(run, predictions):
    known = predictions("known.npz", labels=np.arange(40) % 4, class_names=np.array(list("abcd")))
    noisy = np.random.default_rng(0).dirichlet(np.ones(4), 40).astype(np.float32)
    judged = predictions("judged.npz", probabilities=noisy)
    words = ["judge", judged, "--coverage", 0.8, "--calibrate-on", known]
    answer = run(*words)
    assert answer.code == 0
    assert "Prediction sets, 80 % of which are to hold the true class; calibrated on 40 images" in answer.out
    found = json.loads(run(*words, "--json").out)["prediction_sets"]
    assert [one["per_class"] for one in found] == [False, True]
    # the model calibrated on is wrong in three of ten and then gives the true class 0.05, which is the threshold
    labels = np.arange(40) % 4
    holds = (noisy[np.arange(40), labels] >= np.float32(0.05)) | (noisy.argmax(axis=1) == labels)
    assert found[0]["thresholds"] == [float(np.float32(0.05))] * 4
    assert found[0]["coverage"] == holds.mean()


def test_judge_refuses_half_of_what_prediction_sets_take(run, predictions):
    known = predictions("known.npz", class_names=np.array(list("abcd")))
    judged = predictions("judged.npz", probabilities=np.full((40, 4), 0.25), class_names=np.array(list("abcx")))
    for more, words in (
        (["--coverage", 0.9], "--coverage and --calibrate-on together"),
        (["--calibrate-on", known], "--coverage and --calibrate-on together"),
        (["--coverage", 90, "--calibrate-on", known], "--coverage: expected a fraction between 0 and 1"),
        (
            ["--coverage", 0.9, "--calibrate-on", known],
            "expected predictions of the classes a, b, c and x, found a, b, c and d",
        ),
        (["--coverage", 0.9, "--calibrate-on", judged], "other images to calibrate prediction sets on"),
        (["--coverage", "much", "--calibrate-on", known], "coverage"),
    ):
        answer = run("judge", judged, *more)
        assert (answer.code, answer.out) == (2, "")
        assert words in answer.err


def test_evaluates_table_and_its_csv_have_the_prediction_sets_by_class(run, fresh, toy_folder):
    answer = run("evaluate", fresh, "--dataset", toy_folder, "--coverage", 0.9)
    assert "calibrated on 100 images that were held out" in answer.out
    assert "one a class" in answer.out
    rows = run("evaluate", fresh, "--dataset", toy_folder, "--coverage", 0.9, "--format", "csv").out.splitlines()
    assert sum(row.startswith(('"coverage of 0.9 sets', "coverage of 0.9 sets")) for row in rows) == 22
