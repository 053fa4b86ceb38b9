"""A model compiled by its owner: its optimiser, loss and metrics, as `model.fit` uses them."""

import numpy as np
import pytest

from fittingroom.errors import ModelError
from fittingroom.training.plan import TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers.networks import dense, keras, layers


def trained_by_both(images, labels, targets=None, epochs=3, **options):
    """Train the same model by `model.fit` and by us, each on the whole set as one batch: the order does not matter."""
    count = len(images)
    ours, theirs = dense(), dense()
    for model in (ours, theirs):
        model.compile(**{key: value() if callable(value) else value for key, value in options.items()})
    inputs = (images.reshape(count, -1) * np.float32(1 / 255)).astype("float32")
    history = theirs.fit(inputs, labels if targets is None else targets, batch_size=count, epochs=epochs, verbose=0)
    done = fit(ours, TrainingPlan(images, labels, Recipe(epochs=epochs, batch_size=count)))
    return ours.get_weights(), theirs.get_weights(), done.history, history.history


SPARSE = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd", "nadam", "adagrad", "muon", "adamw", "lion"])
def test_an_owners_optimizer_does_what_it_does_in_model_fit(optimizer, images, labels):
    ours, theirs, history, other = trained_by_both(images, labels, optimizer=optimizer, **SPARSE)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=5e-5)
    assert [line["loss"] for line in history] == pytest.approx(other["loss"], rel=1e-4)
    assert [line["accuracy"] for line in history] == pytest.approx(other["accuracy"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.Adam(gradient_accumulation_steps=2),
        lambda: keras.optimizers.RMSprop(use_ema=True, ema_momentum=0.5),
        lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5), momentum=0.9),
        lambda: keras.optimizers.Adam(clipnorm=0.01),
    ],
)
def test_an_owners_options_do_what_they_do_in_model_fit(make, images, labels):
    ours, theirs, _, _ = trained_by_both(images, labels, optimizer=make, **SPARSE)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=5e-5)


def test_a_loss_for_one_hot_labels_gets_them(images, labels):
    one_hot = np.eye(4, dtype="float32")[labels]
    ours, theirs, history, other = trained_by_both(
        images, labels, one_hot, optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy", "mse"]
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=5e-5)
    assert [line["mse"] for line in history] == pytest.approx(other["mse"], rel=1e-4)


def test_an_owners_metrics_are_in_the_history(images, labels):
    model = dense()
    top = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[top])
    done = fit(model, TrainingPlan(images, labels, Recipe(epochs=2), validation=(images, labels)))
    assert {"top2", "val_top2", "accuracy", "val_accuracy"} <= set(done.history[0])
    assert done.history[1]["top2"] >= done.history[1]["accuracy"]


def test_a_model_compiled_without_a_loss_is_refused(images, labels):
    model = dense()
    model.compile("adam")
    with pytest.raises(ModelError, match="was compiled without a loss"):
        fit(model, TrainingPlan(images, labels, Recipe()))


def test_a_model_with_its_own_train_step_is_refused(images, labels):
    class Own(keras.Sequential):
        def train_step(self, data):
            return {}

    with pytest.raises(ModelError, match=r"has its own train_step, which only model.fit runs"):
        fit(Own([keras.Input((144,)), layers.Dense(4)]), TrainingPlan(images, labels, Recipe()))
