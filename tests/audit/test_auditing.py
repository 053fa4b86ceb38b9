"""The audit of a dataset: what was planted is found, the folder and the page agree, bad input is one sentence."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.audit.folds import assign_folds
from fittingroom.errors import DataError, Interrupted, RunError, UsageError
from helpers.page_reader import prose_of, unexplained, words_of

pytest.importorskip("cleanlab", reason="the extra audit is not installed")

RECIPE = fr.Recipe().replace(epochs=6, batch_size=32)
WRONG = {17: 3, 101: 9, 333: 0}  # of the toy's training images: the label in place of the right one
BLANK = 40


@pytest.fixture(scope="module")
def spoilt(toy):
    """The toy with three wrong labels, a black picture, a copy with another label, and a copy in training of a test."""
    images, labels = toy.train.images.copy(), toy.train.labels.copy()
    for index, label in WRONG.items():
        labels[index] = label
    images[BLANK] = 0
    images[50] = images[211][:, ::-1]  # of classes 0 and 1
    images[60] = toy.test.images[20]  # both of class 0
    return replace(toy, train=replace(toy.train, images=images, labels=labels), fingerprint="0123456789abcdef")


@pytest.fixture(scope="module")
def made(spoilt, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit") / "bars"
    return fr.audit_dataset(spoilt, recipe=RECIPE, out=folder, folds=3)


def test_what_was_planted_is_found(made):
    worst = {(one.item.split, one.item.index): one for one in made.suspects}
    assert {index for split, index in worst if split == "train"} >= WRONG.keys()
    for index, label in WRONG.items():
        assert (worst["train", index].item.label, worst["train", index].suggested) == (label, index % 10)
    assert [odd.item.index for odd in made.odd if odd.kind == "blank"] == [BLANK]
    groups = [{(item.split, item.index) for item in group.items} for group in made.groups]
    assert made.groups[0].found_in == "pixels"
    mirrored, leak = groups.index({("train", 50), ("train", 211)}), groups.index({("train", 60), ("test", 20)})
    assert made.groups[mirrored].two_labels
    assert made.groups[mirrored].mirrored
    assert made.groups[leak].leak
    assert made.groups[leak].distance == 0
    assert made.leaks.n == 1
    assert made.leaks.with_accuracy == pytest.approx(
        (199 * made.leaks.without_accuracy + made.leaks.on_leaks_accuracy) / 200
    )


def test_neighbours_speak_for_and_against(made):
    one = next(each for each in made.suspects if each.item.index == 17)
    assert {item.label for item in one.speaking_for} == {3}
    assert {item.label for item in one.speaking_against} == {7}
    assert 17 not in {item.index for item in (*one.speaking_for, *one.speaking_against)}
    assert one.agreeing <= one.asked == 20


def test_the_folder_has_the_values_the_suspects_the_edits_and_a_small_page(made, spoilt):
    values = json.loads((made.folder / "audit.json").read_text())
    assert values["schema"] == "fittingroom/audit/1"
    assert values == json.loads(json.dumps(made.to_dict()))
    rows = list(csv.DictReader((made.folder / "suspects.csv").read_text().splitlines()))
    assert list(rows[0]) == ["index", "split", "given", "suggested", "score", "reason"]
    assert {row["split"] for row in rows} == {"train", "test"}
    assert any("duplicate with another label" in row["reason"] for row in rows)
    untouched = spoilt.edited(made.folder / "edits.csv")
    np.testing.assert_array_equal(untouched.train.labels, spoilt.train.labels)
    page = (made.folder / "audit.html").read_text()
    assert len(page) < 3e6
    assert "http" not in re.sub(r"http://www\.w3\.org/\S*", "", page)
    for words in ("or rather <b>bar 7</b>", "train image 17", "1 test image has a near-duplicate in training"):
        assert words in page
    looks = [json.loads(line) for line in (made.folder / "test_looks.jsonl").read_text().splitlines()]
    assert [(look["asked_by"], look["n"]) for look in looks] == [("audit", 200)]


def test_a_repeated_audit_is_no_second_look_and_one_of_other_networks_is(made, tmp_path):
    from fittingroom.audit.audit_files import note_look

    first = note_look(tmp_path, made)
    assert note_look(tmp_path, made) == first
    assert len(first) == 1
    other = replace(made, made_by="5 networks by recipe 92, each trained on the images of the other folds")
    assert [look["made_by"] for look in note_look(tmp_path, other)] == [made.made_by, other.made_by]


def test_every_number_on_the_page_is_in_its_twin(made):
    page = (made.folder / "audit.html").read_text()
    values = json.loads((made.folder / "audit.json").read_text())
    scores = re.findall(r"score (\d\.\d{5})", page)
    assert scores
    known = {f"{one['score']:.5f}" for split in values["splits"] for one in split["suspects"]}
    assert set(scores) <= known
    of_method = {"100", "90", "3", "20", "0", "1"}  # shares, "3 networks", of the 20 nearest, folds counted from 1
    assert unexplained(prose_of(page), values, of_method) == set()


def test_edits_that_were_begun_are_left_alone_and_folds_are_not_trained_again(made, spoilt):
    path = made.folder / "edits.csv"
    text = path.read_text().replace("17,train,,", "17,train,relabel bar 7,", 1)
    assert text != path.read_text()
    path.write_text(text)
    told = []
    again = fr.audit_dataset(spoilt, recipe=RECIPE, out=made.folder, folds=3, log=told.append)
    assert path.read_text() == text
    assert any("has edits in it already" in line for line in told)
    assert again.suspects == made.suspects
    assert again.seconds["answers"] < 2
    assert int(spoilt.edited(path).train.labels[17]) == 7


@pytest.mark.soak
def test_an_audit_that_was_stopped_goes_on_with_the_fold_that_it_was_at(spoilt, made, tmp_path):
    calls = []

    def stop(progress):
        calls.append(progress)
        if progress.epoch == 3 and len(calls) > 200:  # in the second fold
            import signal

            signal.raise_signal(signal.SIGINT)

    folder = tmp_path / "audit"
    with pytest.raises(Interrupted, match="The audit goes on by the same command again"):
        fr.audit_dataset(spoilt, recipe=RECIPE, out=folder, folds=3, on_progress=stop)
    assert (folder / "folds" / "fold-0" / "answers.npz").exists()
    done = fr.audit_dataset(spoilt, recipe=RECIPE, out=folder, folds=3)
    assert done.suspects == made.suspects
    kept = sorted(path.relative_to(folder / "folds").as_posix() for path in (folder / "folds").glob("fold*/*"))
    assert kept == [f"fold-{number}/{name}" for number in range(3) for name in ("answers.npz", "job.json")]


def test_a_folder_of_another_audit_is_refused(made, spoilt):
    with pytest.raises(RunError, match="holds folds with another folds and test images"):
        fr.audit_dataset(spoilt, recipe=RECIPE, out=made.folder, folds=4, test=False)
    with pytest.raises(RunError, match=r"another number of threads\. It was begun with --threads \d+\."):
        fr.audit_dataset(spoilt, recipe=RECIPE, out=made.folder, folds=3, threads=7)


def test_answers_that_are_gone_are_told_and_not_made_up(made, spoilt, tmp_path):
    folder = tmp_path / "audit"
    shutil.copytree(made.folder, folder)
    (folder / "folds" / "fold-1" / "answers.npz").unlink()
    with pytest.raises(RunError, match=r"expected the answers of a fold, found none\. Delete .*fold-1, and the same"):
        fr.audit_dataset(spoilt, recipe=RECIPE, out=folder, folds=3)


def test_what_it_cost_is_told_for_each_network_and_stays_when_the_folds_are_there_already(made, spoilt):
    assert [(one["fold"], one["epochs"], one["images"]) for one in made.trainings] == [
        (0, 6, 426),
        (1, 6, 427),
        (2, 6, 427),
    ]
    assert all(one["seconds"] > 0 and one["accuracy"] > 0.8 for one in made.trainings)
    assert made.peak_bytes > 100e6
    words = words_of((made.folder / "audit.html").read_text())
    assert f"3 networks were trained in {sum(one['seconds'] for one in made.trainings):.1f} seconds" in words


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_folds_on_worker_processes_give_the_audit_that_this_process_gives(toy_folder, tmp_path):
    pytest.importorskip("distributed")
    lines = []
    asked = {"recipe": RECIPE, "folds": 2, "threads": 1}
    here = fr.audit_dataset(toy_folder, out=tmp_path / "here", **asked)
    there = fr.audit_dataset(toy_folder, out=tmp_path / "there", on="local:2", on_job=lines.append, **asked)
    free = {"seconds": {}, "trainings": (), "looks": (), "peak_bytes": 0, "folder": None}
    assert replace(there, **free) == replace(here, **free)
    assert [one["accuracy"] for one in there.trainings] == [one["accuracy"] for one in here.trainings]
    assert {line.key for line in lines if line.state == "done"} == {"fold-0", "fold-1"}
    again = fr.audit_dataset(toy_folder, out=tmp_path / "there", **asked)  # it goes on in this process
    assert again.trainings == there.trainings


def test_places_for_jobs_are_refused_where_they_cannot_be_used(toy, tmp_path):
    with pytest.raises(UsageError, match="on: expected a dataset's name, a folder or a file"):
        fr.audit_dataset(toy, on="local", out=tmp_path / "audit")
    with pytest.raises(UsageError, match="with a run, nothing is"):
        fr.audit_dataset(run=tmp_path, threads=2)
    with pytest.raises(UsageError, match="--on: expected local"):
        fr.audit_dataset("fashion-mnist", on="elsewhere", out=tmp_path / "audit")
    assert not (tmp_path / "audit").exists()


@pytest.mark.soak
def test_no_test_leaves_the_labels_of_the_test_images_alone(spoilt, tmp_path):
    found = fr.audit_dataset(spoilt, recipe=RECIPE, out=tmp_path / "audit", folds=2, test=False)
    assert [split.split for split in found.splits] == ["train"]
    assert found.looks == ()
    assert not (tmp_path / "audit" / "test_looks.jsonl").exists()
    assert found.leaks.n == 1
    assert found.leaks.with_accuracy is None


@pytest.mark.soak
def test_a_run_audits_what_it_held_out(toy, toy_folder, tmp_path):
    run = fr.train("walkthrough", toy_folder, settings={"epochs": 4}, validation=200, onnx=False, out=tmp_path / "run")
    found = fr.audit_dataset(run=run, out=tmp_path / "audit")
    assert [(split.split, split.n) for split in found.splits] == [("validation", 200)]
    assert run.test_looks == []
    other = fr.train("walkthrough", toy_folder, epochs=1, onnx=False, out=tmp_path / "other")
    with pytest.raises(RunError, match="expected a run that held out training images by number"):
        fr.audit_dataset(run=other)
    with pytest.raises(UsageError, match="Expected a recipe to train by or a run to ask, received both"):
        fr.audit_dataset(run=run, recipe="90")


def test_arrays_are_audited_and_what_is_no_number_is_refused_at_the_door(toy, tmp_path):
    found = fr.audit_dataset((toy.train.images, toy.train.labels), recipe=RECIPE, out=tmp_path / "audit", folds=2)
    assert found.dataset == "arrays"
    assert found.leaks.n == 0
    images = toy.train.images / 255
    images[3, 4, 5] = np.nan
    with pytest.raises(DataError, match=r"training images|audit images"):
        fr.audit_dataset((images, toy.train.labels), out=tmp_path / "other")


def first(toy, count):
    return replace(toy, train=toy.train.take(np.arange(count)))


def test_images_that_cannot_be_divided_are_refused_before_anything_is_trained(toy, tmp_path):
    def told(data, **named):
        with pytest.raises(UsageError) as error:
            fr.audit_dataset(data, out=tmp_path / "audit", **named)
        assert not (tmp_path / "audit").exists()
        return str(error.value)

    assert "Expected at least 5 training images for 5 folds, received 4" in told(first(toy, 4))
    assert "received one of bar 3" in told(
        first(toy, 34).train
        and replace(toy, train=toy.train.take(np.flatnonzero((toy.train.labels != 3) | (np.arange(640) < 10))))
    )
    one = replace(toy, train=toy.train.take(np.flatnonzero(toy.train.labels == 2)))
    assert "received bar 2 alone" in told(one)
    assert "folds: expected a whole number, 2 or more" in told(toy, folds=1)


def test_labels_that_no_network_learns_are_one_sentence_and_the_folds_stay(toy, tmp_path):
    shuffled = np.random.default_rng(0).permutation(toy.train.labels)
    data = replace(toy, train=replace(toy.train, labels=shuffled))
    with pytest.raises(UsageError, match=r"no more than guessing would .* Are images and labels in the same order"):
        fr.audit_dataset(data, recipe=RECIPE, out=tmp_path / "audit", folds=2)
    assert (tmp_path / "audit" / "folds" / "fold-1" / "answers.npz").exists()


@pytest.mark.soak
def test_a_few_test_images_of_one_class_and_classes_without_images_are_no_fault(toy, tmp_path):
    few = replace(toy, test=toy.test.take(np.array([0, 10])), class_names=(*toy.class_names, "hat"))
    found = fr.audit_dataset(few, recipe=RECIPE, out=tmp_path / "audit", folds=2)
    assert [(split.split, split.n) for split in found.splits] == [("train", 640), ("test", 2)]
    assert "No training image is of the class hat." in found.notes


def test_a_file_where_the_folder_is_to_be_is_one_sentence(toy, tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RunError, match="the audit's folder cannot be made"):
        fr.audit_dataset(toy, recipe=RECIPE, out=tmp_path / "taken")


def test_without_cleanlab_one_sentence_says_how_to_install_it(toy, monkeypatch):
    monkeypatch.setattr("fittingroom.pages.audit_report.missing", lambda extra: ("cleanlab",))
    with pytest.raises(UsageError, match=r"An audit needs cleanlab, which is not installed\. Install it: .*cleanlab"):
        fr.audit_dataset(toy)


def test_folds_have_every_class_in_proportion():
    labels = np.repeat(np.arange(4), [50, 7, 3, 2])
    of = assign_folds(labels)
    counts = np.array([np.bincount(labels[of == fold], minlength=4) for fold in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert counts.sum() == len(labels)
