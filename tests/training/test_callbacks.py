"""Keras callbacks on our loop: not that they are called, but what they do."""

import csv

import numpy as np
import pytest

from fittingroom.errors import UsageError
from fittingroom.training import checkpoint as checkpoints
from fittingroom.training.callbacks import drop_rows
from fittingroom.training.plan import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers.networks import dense, keras, plain_module

callbacks = keras.callbacks


@pytest.fixture
def plan(images, labels):
    def make(*used, **settings):
        values = {"epochs": 6, "batch_size": 16, **settings}
        return TrainingPlan(images[:64], labels[:64], Recipe(**values), 0, (images[64:], labels[64:]), used)

    return make


def owned():
    model = dense()
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


MODELS = {"uncompiled": dense, "compiled": owned}


@pytest.mark.parametrize("name", MODELS)
def test_early_stopping_on_val_accuracy_without_mode_stops_and_brings_back_the_best(name, plan):
    stopper = callbacks.EarlyStopping("val_accuracy", patience=2, restore_best_weights=True)
    model = MODELS[name]()
    scheduler = callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 if epoch == 0 else 3.0)
    done = fit(model, plan(stopper, scheduler, epochs=20))
    accuracies = [line["val_accuracy"] for line in done.history]
    assert len(accuracies) == int(np.argmax(accuracies)) + 3
    assert "callback stopped it" in done.stopped
    assert stopper.monitor_op is keras.ops.greater or stopper.monitor_op.__name__ == "greater"
    held = plan().validation
    from fittingroom.inference.keras_engine import predictor

    assert float((predictor(model)(held[0]).argmax(1) == held[1]).mean()) == pytest.approx(max(accuracies))


@pytest.mark.parametrize("name", MODELS)
def test_model_checkpoint_on_val_accuracy_without_mode_keeps_the_best(name, plan, tmp_path):
    path = str(tmp_path / "best.weights.h5")
    keeper = callbacks.ModelCheckpoint(path, "val_accuracy", save_best_only=True, save_weights_only=True)
    done = fit(MODELS[name](), plan(keeper))
    best = max(line["val_accuracy"] for line in done.history)
    assert keeper.best == pytest.approx(best)
    again = dense()
    again.load_weights(path)
    from fittingroom.inference.keras_engine import predictor

    held = plan().validation
    assert float((predictor(again)(held[0]).argmax(1) == held[1]).mean()) == pytest.approx(best)


def test_csv_logger_writes_a_row_an_epoch(plan, tmp_path):
    for model in (dense(), owned(), plain_module()):
        path = tmp_path / "log.csv"
        done = fit(model, plan(callbacks.CSVLogger(str(path))))
        with path.open() as file:
            rows = list(csv.DictReader(file))
        assert [int(row["epoch"]) for row in rows] == list(range(6))
        assert float(rows[-1]["val_loss"]) == pytest.approx(done.history[-1]["val_loss"])


@pytest.mark.parametrize("name", MODELS)
def test_reduce_lr_on_plateau_lowers_the_rate_that_is_used(name, plan):
    reducer = callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=1, min_delta=1.0)
    done = fit(MODELS[name](), plan(reducer, epochs=5))
    rates = [line["learning_rate"] for line in done.history]
    assert rates == pytest.approx([0.001, 0.001, 0.0005, 0.00025, 0.000125])


@pytest.mark.parametrize("name", MODELS)
def test_a_learning_rate_scheduler_sets_the_rate_that_is_used(name, plan):
    model = MODELS[name]()
    moved = []
    stop_moving = callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 if epoch < 2 else 0.0)
    on_progress = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: moved.append(model.get_weights()[0].copy()))
    done = fit(model, plan(stop_moving, on_progress, epochs=4))
    assert [line["learning_rate"] for line in done.history] == pytest.approx([0.01, 0.01, 0, 0])
    assert not np.array_equal(moved[0], moved[1])
    assert np.array_equal(moved[1], moved[3])


def test_a_rate_set_once_is_kept_on_top_of_the_recipes_schedule(plan):
    halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch == 1 else rate)
    plain, halved = (fit(dense(), plan(*used, schedule="linear")).history for used in ((), (halve,)))
    ratios = [b["learning_rate"] / a["learning_rate"] for a, b in zip(plain, halved, strict=True)]
    assert ratios == pytest.approx([1, 0.5, 0.5, 0.5, 0.5, 0.5], rel=1e-5)


def test_an_uncompiled_model_is_uncompiled_again_afterwards(plan):
    model = dense()
    fit(model, plan(callbacks.EarlyStopping("val_accuracy")))
    assert not model.compiled
    assert model.optimizer is None


def test_callbacks_do_not_change_what_is_trained(plan):
    plain, watched = dense(), dense()
    fit(plain, plan())
    fit(watched, plan(callbacks.EarlyStopping("val_accuracy", patience=99)))
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: callbacks.EarlyStopping("val_loss"), "EarlyStopping needs a Keras model"),
        (lambda: callbacks.ModelCheckpoint("x.keras"), "ModelCheckpoint needs a Keras model"),
        (lambda: callbacks.ReduceLROnPlateau(), "ReduceLROnPlateau needs a Keras model"),
    ],
)
def test_a_callback_that_needs_a_keras_model_is_refused_by_name_with_a_torch_module(make, words, plan):
    with pytest.raises(UsageError, match=words):
        fit(plain_module(), plan(make()))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: callbacks.SwapEMAWeights(),
            "SwapEMAWeights needs a model compiled with an optimiser that has use_ema",
        ),
        (lambda: callbacks.History, "received the class History; make one: History()"),
        (lambda: callbacks.BackupAndRestore("x"), "BackupAndRestore is not needed"),
        (object, "Expected Keras callbacks, received object"),
    ],
)
def test_what_would_be_ignored_is_refused(make, words, plan):
    with pytest.raises(UsageError, match=words):
        fit(dense(), plan(make()))


def test_tensorboard_is_refused_in_one_sentence_without_tensorflow(plan, monkeypatch):
    monkeypatch.setattr("fittingroom.training.callbacks.find_spec", lambda name: None)
    board = object.__new__(callbacks.TensorBoard)
    with pytest.raises(UsageError, match="TensorBoard needs TensorFlow, which is not installed"):
        fit(dense(), plan(board))


def test_early_stopping_goes_on_from_where_it_was_after_a_resume(plan, tmp_path):
    def stopper():
        return callbacks.EarlyStopping("val_accuracy", patience=3, min_delta=2.0)

    def save(state):
        checkpoints.write(tmp_path / str(state.facts["epoch"]), state)

    whole = fit(dense(), plan(stopper(), epochs=20), Hooks(save=save))
    resumed = fit(dense(), plan(stopper(), epochs=20), None, checkpoints.read(tmp_path / "3"))
    assert [line["epoch"] for line in whole.history] == [line["epoch"] for line in resumed.history] == [1, 2, 3, 4]


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


@pytest.mark.parametrize("name", [*MODELS, "module"])
def test_a_kill_between_a_callback_and_the_checkpoint_leaves_no_double_row_and_no_gap(name, plan, tmp_path):
    make = (MODELS | {"module": plain_module})[name]

    def used():
        return callbacks.CSVLogger(str(tmp_path / "log.csv")), callbacks.History()

    def save(state):
        if state.facts["epoch"] == 4:  # the third epoch's row is written, its checkpoint is not
            raise Killed
        checkpoints.write(tmp_path / "checkpoint", state)

    killed = used()
    with pytest.raises(Killed):
        fit(make(), plan(*killed), Hooks(save=save))
    killed[0].csv_file.close()
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    logger, history = used()
    resumed = fit(make(), plan(logger, history), None, checkpoints.read(tmp_path / "checkpoint"))
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(6))
    assert [float(row["loss"]) for row in rows] == pytest.approx([line["loss"] for line in resumed.history])
    assert history.history["loss"] == pytest.approx([line["loss"] for line in resumed.history])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("epoch,loss\n0,1\n1,2\n2,3\n", "epoch,loss\n0,1\n1,2\n"),
        ("epoch,loss\n0,1\n1,2\n2,", "epoch,loss\n0,1\n1,2\n"),
        ("epoch,loss\n5,9\n0,1\n1,2\n", "epoch,loss\n5,9\n0,1\n1,2\n"),  # of an earlier training, on purpose
        ("epoch,loss\n", "epoch,loss\n"),
    ],
)
def test_only_rows_of_epochs_that_come_again_are_dropped(text, kept, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(text)
    drop_rows(path, ",", 2)
    assert path.read_text() == kept
    drop_rows(tmp_path / "none.csv", ",", 2)
    assert not (tmp_path / "none.csv").exists()
