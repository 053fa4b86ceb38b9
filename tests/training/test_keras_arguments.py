"""Arguments of `model.fit`: taken with Keras's meaning, or refused in one line; whatever labels a pair brings."""

import re

import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.progress import each_epoch
from helpers.cases import one_in
from helpers.networks import keras, layers


def network(classes=4, loss=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((12, 12)), layers.Flatten(), layers.Dense(classes, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), loss or "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(tmp_path, images, labels, **options):
    model = network()
    run = fr.train(model, (images, labels), epochs=2, batch_size=16, out=tmp_path / "run", **options)
    return model.get_weights(), run.history


def test_validation_split_holds_out_the_last_share_as_keras_does(tmp_path, images, labels):
    weights, history = trained(tmp_path / "a", images, labels, validation_split=0.23)
    at = int(np.floor(96 * (1 - 0.23)))
    pair = (images[:at], labels[:at])
    expected = network()
    run = fr.train(expected, pair, epochs=2, batch_size=16, validation=(images[at:], labels[at:]), out=tmp_path / "b")
    assert all(np.array_equal(*pair) for pair in zip(weights, expected.get_weights(), strict=True))
    assert [line["val_loss"] for line in history] == [line["val_loss"] for line in run.history]
    fitted = network().fit(images / 255, labels, epochs=1, batch_size=16, validation_split=0.23, verbose=0)
    own = network()
    own.fit(*(images[:at] / 255, labels[:at]), epochs=1, batch_size=16, verbose=0)
    assert fitted.history["val_loss"][0] == pytest.approx(
        own.evaluate(images[at:] / 255, labels[at:], verbose=0)[0], rel=1e-5
    )


def test_validation_data_is_validation(tmp_path, images, labels):
    pair = (images[80:], labels[80:])
    one = trained(tmp_path / "a", images[:80], labels[:80], validation_data=pair)[1]
    two = trained(tmp_path / "b", images[:80], labels[:80], validation=pair)[1]
    assert [line["val_loss"] for line in one] == [line["val_loss"] for line in two]


@pytest.mark.parametrize(
    "given", [{"verbose": 0}, {"shuffle": True}, {"class_weight": None}, {"validation_split": 0.0}]
)
def test_what_says_what_happens_anyway_is_taken(tmp_path, images, labels, given):
    trained(tmp_path, images, labels, **given)


REFUSED = {
    "class_weight": ({0: 2.0}, "Weigh the classes in the loss"),
    "sample_weight": (np.ones(96), "Leave images out or repeat them"),
    "verbose": (1, "verbose=1 is not taken here"),
    "shuffle": (False, "shuffle=False is not taken here"),
    "steps_per_epoch": (3, "An epoch sees every image once"),
    "initial_epoch": (2, "--resume"),
    "validation_split": (1.5, "expected a share between 0 and 1, received 1.5"),
    "epoch": (3, "fr.train takes no 'epoch'. Did you mean 'epochs'"),
    "nonsense": (1, "fr.train takes no 'nonsense'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_line_before_a_run_is_made(tmp_path, images, labels, name):
    value, words = REFUSED[name]
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        trained(tmp_path, images, labels, **{name: value})
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_one_validation_is_enough(tmp_path, images, labels):
    with pytest.raises(UsageError, match="Expected one of validation, validation_data and validation_split"):
        trained(tmp_path, images, labels, validation_split=0.2, validation=10)
    with pytest.raises(UsageError, match=r"For a share pass validation=round\(share \* len\(labels\)\)"):
        trained(tmp_path, images, labels, validation=0.2)


def test_the_loss_that_the_message_names_weighs_classes_as_class_weight_does(tmp_path, images, labels):
    weights = [0.5, 1.0, 2.0, 4.0]
    ours = network(loss=keras.losses.CategoricalFocalCrossentropy(alpha=weights, gamma=0))
    fr.train(ours, (images, labels), epochs=3, batch_size=96, out=tmp_path / "run")
    theirs = network()
    theirs.fit(images / 255, labels, epochs=3, batch_size=96, class_weight=dict(enumerate(weights)), verbose=0)
    for got, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, atol=2e-5)


def test_the_progress_that_the_message_names_says_a_line_an_epoch(tmp_path, images, labels):
    lines = []
    trained(tmp_path, images, labels, on_progress=each_epoch(lines.append))
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]


FORMS = {
    "a channel": lambda images, labels: (images[..., None], labels),
    "scaled tensors": lambda images, labels: (torch.from_numpy(images)[:, None] / 255, torch.from_numpy(labels)),
    "one-hot": lambda images, labels: (images, np.eye(4)[labels]),
    "four arrays": lambda images, labels: ((images, labels), (images[:3], labels[:3])),
    "whole floats": lambda images, labels: (images.astype(np.float64), labels.astype(np.float32)),
}


@pytest.mark.parametrize("form", one_in(3, FORMS))
def test_every_form_of_the_data_trains_predicts_and_scores_to_the_same_numbers(tmp_path, images, labels, form):
    expected, history = trained(tmp_path / "a", images, labels, validation=20)
    data, log = FORMS[form](images, labels), lambda line: None
    model = network()
    run = fr.train(model, data, epochs=2, batch_size=16, validation=20, out=tmp_path / "b", log=log)
    assert all(np.array_equal(*pair) for pair in zip(expected, model.get_weights(), strict=True))
    assert [line["val_accuracy"] for line in run.history] == [line["val_accuracy"] for line in history]
    if form in ("a channel", "one-hot", "whole floats"):
        assert fr.evaluate(run, data).confusion == fr.evaluate(run, (images, labels)).confusion
        np.testing.assert_array_equal(fr.predict(run, data[0]), run.predict(images))


def test_labels_beyond_a_byte_are_held_out_as_they_are(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(300), 4)
    images = np.zeros((1200, 12, 12), np.uint8)
    images.reshape(1200, 144)[np.arange(1200), labels % 144] = 255
    images.reshape(1200, 144)[np.arange(1200), 143 - labels // 144] = 130
    order = generator.permutation(1200)
    model = network(300)
    run = fr.train(model, (images[order], labels[order]), epochs=1, validation=300, out=tmp_path / "run")
    held = fr.hold_out(fr.Split("train", images[order], labels[order], np.arange(1200)), 300)[1]
    assert sorted(held.labels) == list(range(300))
    assert run.history[-1]["val_accuracy"] == fr.evaluate(run, (held.images, held.labels)).accuracy
