"""A group of runs that differ in their seed alone: what it trains, what it goes on with, and what it refuses."""

import re

import pytest

import fittingroom as fr
from fittingroom.errors import Interrupted, RunError, UsageError
from fittingroom.progress import no_progress
from fittingroom.workflows.run_group import open_group

ASKED = {"epochs": 2, "validation": 100, "onnx": False}


@pytest.fixture
def group(toy_folder, tmp_path):
    def train(seeds=2, **named):
        return fr.train_seeds(
            "walkthrough", toy_folder, **{**ASKED, "out": tmp_path / "group", "seeds": seeds, **named}
        )

    return train


def weights(run):
    return [value.tolist() for value in run.model().get_weights()]


def test_each_run_is_what_its_seed_gives_alone(group, toy_folder, tmp_path):
    found = group()
    assert [run.folder.name for run in found.runs] == ["seed-0", "seed-1"]
    alone = fr.train("walkthrough", toy_folder, seed=1, out=tmp_path / "alone", **ASKED)
    assert weights(found.runs[1]) == weights(alone)
    assert [run.test_looks for run in found.runs] == [[], []]
    assert found.test is None
    assert found.validation.accuracies == tuple(run.history[-1]["val_accuracy"] for run in found.runs)


def test_the_same_call_trains_nothing_anew_and_more_seeds_make_it_larger(group):
    before = [run.environment["created"] for run in group().runs]
    told = []
    larger = group(3, log=told.append)
    assert [run.environment["created"] for run in larger.runs[:2]] == before
    assert told.count("It is trained already.") == 2
    assert len(open_group(larger.folder).runs) == 3


def test_an_interrupted_group_goes_on_by_the_same_call(group, toy_folder, tmp_path):
    calls = []

    def stop(progress):
        calls.append(progress)
        if len(calls) == 8:  # in an epoch of the first run
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match="The group goes on by the same command again"):
        group(on_progress=stop)
    assert fr.open_run(tmp_path / "group" / "seed-0").state == "stopped"
    done = group(on_progress=no_progress)
    alone = fr.train("walkthrough", toy_folder, seed=0, out=tmp_path / "alone", **ASKED)
    assert weights(done.runs[0]) == weights(alone)


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(group, tmp_path):
    first = group(1)
    for path in first.runs[0].folder.iterdir():
        if path.name != "environment.json":
            path.unlink()
    told = []
    assert len(group(1, log=told.append).runs[0].history) == 2
    assert "It was stopped before its first checkpoint, and begins anew." in told


def test_test_accuracies_are_those_of_the_looks_that_were_made(group, toy):
    found = group()
    fr.evaluate(found.runs[0], toy)
    assert group().test is None
    fr.evaluate(found.runs[1], toy)
    again = group()
    assert again.test.accuracies == tuple(run.verdict["accuracy"] for run in again.runs)
    assert [len(run.test_looks) for run in again.runs] == [1, 1]


def test_the_same_words_find_the_group_again_and_other_words_another(toy_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = {**ASKED, "epochs": 1, "validation": None}
    one = fr.train_seeds("walkthrough", toy_folder, seeds=1, **named)
    assert re.fullmatch(r"runs/walkthrough-seeds-[0-9a-f]{8}", one.folder.as_posix())
    assert fr.train_seeds("walkthrough", toy_folder, seeds=1, **named).folder == one.folder
    assert fr.train_seeds("walkthrough", toy_folder, seeds=1, **named, lr=0.01).folder != one.folder


def test_a_folder_of_another_group_or_of_something_else_is_refused(group, tmp_path):
    group(1)
    with pytest.raises(RunError, match=r"holds a group of runs with another recipe and validation\. Choose another"):
        group(1, epochs=1, validation=50)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    with pytest.raises(RunError, match="expected an empty or a new folder for the group"):
        group(1, out=tmp_path / "letters")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"seeds": 0}, "seeds: expected a whole number, 1 or more, received 0"),
        ({"seed": 2**32 - 1}, "seed of the last run: expected a whole number"),
        ({"callbacks": []}, "callbacks is not taken for a group of seeds"),
        ({"validation_split": 0.1}, "validation_split is not taken for a group of seeds"),
        ({"validation": ([], [])}, "validation: expected how many images to hold out"),
        ({"name": "../up"}, "Expected a run's name"),
    ],
)
def test_what_a_group_cannot_be_made_of_is_refused(group, tmp_path, named, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        group(**named)
    assert not (tmp_path / "group").exists()


def test_a_model_in_memory_is_refused(toy_folder, toy):
    with pytest.raises(UsageError, match="model: expected a name or a file for a group of seeds, received Sequential"):
        fr.train_seeds(fr.build(), toy_folder, seeds=2)
    with pytest.raises(UsageError, match="data: expected a name or a file for a group of seeds, received Dataset"):
        fr.train_seeds("walkthrough", toy, seeds=2)


def test_what_is_no_group_says_so(tmp_path, group):
    with pytest.raises(RunError, match=r"expected the folder of a group of runs, but it holds no group\.json"):
        open_group(tmp_path)
