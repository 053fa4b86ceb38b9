import dataclasses

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import RunError
from fittingroom.models.feature_extractor import feature_extractor, in_batches


def test_before_a_test_the_validation_images_are_looked_at(make_run, toy):
    run = make_run()
    seen = fr.interpret(run, toy)
    assert (seen.split.name, len(seen.split)) == ("validation", 100)
    assert run.test_looks == []


def test_after_a_test_the_test_images_are_looked_at_and_nothing_is_scored_anew(make_run, toy):
    run = make_run()
    fr.evaluate(run, toy)
    seen = fr.interpret(run.folder, toy)
    assert seen.split.name == "test"
    assert np.array_equal(seen.probabilities, run.predictions.probabilities)
    assert len(run.test_looks) == 1


def test_test_images_that_were_not_scored_are_not_shown(make_run, toy):
    with pytest.raises(RunError, match=r"has not been evaluated on the test images. Try: fittingroom evaluate"):
        fr.interpret(make_run(), toy, split="test")


def test_what_was_learned_from_can_be_looked_at_too(make_run, toy):
    seen = fr.interpret(make_run(), toy, split="train")
    assert (seen.split.name, len(seen.split)) == ("train", 540)


def test_neighbours_are_the_nearest_by_what_the_last_layer_is_given(make_run, toy):
    run = make_run()
    seen = fr.interpret(run, toy)
    near = seen.neighbours(np.array([0, 5]), 3)
    extract = feature_extractor(run.model(), (28, 28))
    own, learned = (in_batches(extract, images).astype(np.float32) for images in (seen.split.images, seen.train.images))
    for position, found in zip((0, 5), near, strict=True):
        distances = ((learned - own[position]) ** 2).sum(axis=1)
        expected = np.sort(distances)[:3]
        places = [int(np.flatnonzero(seen.train.indices == each.index)[0]) for each in found]
        assert distances[places] == pytest.approx(expected)
        assert [each.label for each in found] == toy.train.labels[[each.index for each in found]].tolist()
    assert own.shape[1] == 128


def test_another_dataset_is_refused(make_run, toy):
    other = dataclasses.replace(toy, fingerprint="0123456789abcdef")
    with pytest.raises(RunError, match="found 0123456789abcdef"):
        fr.interpret(make_run(), other)


def test_labels_that_changed_since_are_refused(make_run, toy):
    run = make_run()
    fr.evaluate(run, toy)
    labels = np.roll(toy.test.labels, 1)
    other = dataclasses.replace(toy, test=dataclasses.replace(toy.test, labels=labels))
    with pytest.raises(RunError, match=r"labels in predictions.npz are not those"):
        fr.interpret(run, other)


def test_a_run_that_held_out_nothing_says_what_can_be_looked_at(toy, tmp_path):
    run = fr.train(fr.build("walkthrough"), toy, epochs=1, out=tmp_path / "run")
    with pytest.raises(RunError, match="--split train"):
        fr.interpret(run, toy)


def test_a_run_evaluated_on_other_data_is_looked_at_on_the_images_that_it_held_out(make_run, toy):
    run = make_run()
    fr.evaluate(run, dataclasses.replace(toy, fingerprint="0123456789abcdef"))
    seen = fr.interpret(run, toy)
    assert (seen.split.name, len(seen.split)) == ("validation", 100)
