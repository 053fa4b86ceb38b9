import json

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import RunError, UsageError
from fittingroom.workflows.comparing import compare


def change(run, name, **values):
    path = run.folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_runs_that_were_not_evaluated_are_compared_on_what_they_held_out(make_run, toy_folder):
    runs = [make_run("a"), make_run("b")]
    compared = compare(*runs, data_dir=toy_folder)
    assert (compared.names, compared.predictions[0].split) == (("a", "b"), "validation")
    assert compared.pairs[0].n == 100
    assert runs[0].test_looks == []


def test_runs_that_were_evaluated_are_compared_on_the_test_images(make_run, toy):
    runs = [make_run("a"), make_run("b")]
    for run in runs:
        fr.evaluate(run, toy)
    compared = compare(*runs)
    assert (compared.predictions[0].split, compared.pairs[0].n) == ("test", 200)
    assert [len(run.test_looks) for run in runs] == [1, 1]


def test_one_evaluated_and_one_not_can_still_be_compared_on_validation_images(make_run, toy, toy_folder):
    one, other = make_run("a"), make_run("b")
    fr.evaluate(one, toy)
    with pytest.raises(RunError, match=r"has test, .* has validation\. Try: fittingroom evaluate .*b, or --split"):
        compare(one.folder, other.folder, data_dir=toy_folder)
    compared = compare(one.folder, other.folder, split="validation", data_dir=toy_folder)
    assert compared.pairs[0].n == 100
    assert one.predictions.split == "test"


def test_runs_on_different_data_are_not_compared(make_run):
    one, other = make_run("a"), make_run("b")
    change(other, "environment.json", fingerprint="0123456789abcdef")
    with pytest.raises(RunError, match=r"b has 0123456789abcdef. Scores on different data cannot be compared"):
        compare(one.folder, other.folder)


def test_runs_that_held_out_other_images_are_not_compared(make_run, toy_folder):
    one, other = make_run("a"), make_run("b")
    change(other, "environment.json", held_out=50)
    with pytest.raises(RunError, match=r"held out 100 images, .* other ones \(50\)"):
        compare(one.folder, other.folder, data_dir=toy_folder)


def test_runs_without_anything_to_compare_say_what_to_do(make_run):
    one, other = make_run("a"), make_run("b")
    for run in (one, other):
        change(run, "environment.json", held_out=None, validation_images=0)
    with pytest.raises(RunError, match=r"no predictions yet. Try: fittingroom evaluate"):
        compare(one.folder, other.folder)


def test_a_run_is_not_compared_with_itself_or_alone(make_run):
    run = make_run()
    with pytest.raises(UsageError, match="the same one twice"):
        compare(run.folder, run.folder)
    with pytest.raises(UsageError, match="two or more runs"):
        compare(run.folder)


def test_seeds_are_told_only_where_nothing_else_differs(make_run, toy_folder):
    one, other = make_run("a"), make_run("b")
    folders = [one.folder, other.folder]
    assert compare(*folders, data_dir=toy_folder).seeds is None
    change(other, "resolved.json", seed=1)
    found = compare(*folders, data_dir=toy_folder).seeds
    assert found is not None
    assert len(found.accuracies) == 2
    change(other, "environment.json", model="another")
    assert compare(*folders, data_dir=toy_folder).seeds is None


def test_differing_images_are_those_on_which_one_alone_is_right(make_run, toy, toy_folder):
    one, other = make_run("a"), make_run("b")
    fr.evaluate(one, toy)
    kept = one.predictions
    wrong = kept.probabilities.copy()
    wrong[3] = np.roll(np.eye(10, dtype=np.float32)[kept.labels[3]], 1)
    other.write_predictions(type(kept)(**(vars(kept) | {"probabilities": wrong})))
    compared = compare(one.folder, other.folder, data_dir=toy_folder)
    right = kept.probabilities[3].argmax() == kept.labels[3]
    assert compared.differ(5) == ((3,) if right else ())
    assert compared.pairs[0].only_first == int(right)


def test_runs_are_called_by_the_shortest_names_that_tell_them_apart(make_run, toy_folder, tmp_path):
    stamped = [make_run("20261123-231500-net-s0").folder, make_run("20261123-231600-net-s1").folder]
    assert compare(*stamped, data_dir=toy_folder).names == ("net-s0", "net-s1")
    alike = [stamped[0], make_run("20261124-000000-net-s0").folder]
    assert compare(*alike, data_dir=toy_folder).names == tuple(folder.name for folder in alike)
    (tmp_path / "deep").mkdir()
    same = [stamped[0], make_run("deep/20261123-231500-net-s0").folder]
    assert compare(*same, data_dir=toy_folder).names == tuple(str(folder) for folder in same)
