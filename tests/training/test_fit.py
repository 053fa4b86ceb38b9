"""Training in memory: what is learned, what is said when it cannot go on, and what is left behind."""

import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.errors import DataError, ModelError, TrainingError
from fittingroom.training import trainer
from fittingroom.training.plan import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers.cases import one_in
from helpers.networks import convolutional, dense, keras, layers, plain_module, with_dropout


def plan_of(images, labels, **settings):
    options = {"epochs": 3, "batch_size": 20, **settings}
    return TrainingPlan(images[:70], labels[:70], Recipe(**options), 0, (images[70:], labels[70:]))


def test_a_small_network_learns_what_can_be_learned(images, labels):
    done = fit(dense(), plan_of(images, labels, epochs=12, learning_rate=0.01))
    assert done.history[-1]["accuracy"] > 0.9
    assert done.history[-1]["val_accuracy"] > 0.9
    assert done.history[-1]["loss"] < done.history[0]["loss"]


def test_the_history_has_a_line_an_epoch_and_the_last_smaller_batch_counts(images, labels):
    done = fit(dense(), plan_of(images, labels))
    names = ["epoch", "seconds", "images", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [list(line) for line in done.history] == [names] * 3
    assert [line["epoch"] for line in done.history] == [1, 2, 3]
    assert [line["images"] for line in done.history] == [70, 70, 70]


def test_without_validation_there_are_no_such_numbers(images, labels):
    done = fit(dense(), TrainingPlan(images, labels, Recipe(epochs=1)))
    assert (done.history[0]["val_loss"], done.history[0]["val_accuracy"]) == (None, None)


RECIPES = {
    "adam cosine": {"optimizer": "adam", "schedule": "cosine"},
    "sgd one-cycle": {"optimizer": "sgd", "momentum": 0.85, "nesterov": True, "schedule": "one_cycle", "warmup": 1.0},
    "muon": {"optimizer": "muon", "weight_decay": 0.01, "gradient_clip": 1.0},
    "smoothing": {"label_smoothing": 0.2, "averaging": "ema"},
    "lookahead": {"averaging": "lookahead", "averaging_decay": 0.5, "averaging_every": 2},
    "augmented": {"flip": "random", "translate": 1, "cutout": 3},
    "alternating": {"flip": "alternating"},
    "mixed": {"mixup": 0.4, "cutmix": 1.0},
    "eager": {"trace": False},
}
MODELS = {"dense": dense, "conv": convolutional, "dropout": with_dropout, "torch": plain_module}


@pytest.mark.parametrize("recipe", one_in(3, RECIPES))
def test_every_part_of_the_recipe_trains_and_the_same_seed_gives_the_same_bits(recipe, images, labels):
    runs = []
    for _ in range(2):
        model = convolutional()
        fit(model, plan_of(images, labels, epochs=2, **RECIPES[recipe]))
        runs.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))
    assert all(np.isfinite(weight).all() for weight in runs[0])


@pytest.mark.parametrize("name", MODELS)
def test_another_seed_gives_another_order_and_the_users_own_random_state_is_left_alone(name, images, labels):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second = MODELS[name](), MODELS[name]()
    state = torch.get_rng_state()
    base = plan_of(images, labels)
    fit(first, base)
    fit(second, TrainingPlan(base.images, base.labels, base.recipe, 1))
    assert torch.equal(torch.get_rng_state(), state)
    weights = [next(iter(p for p in model.parameters() if p.requires_grad)) for model in (first, second)]
    assert not torch.equal(*weights)


def test_traced_and_eager_training_give_the_same_history_to_rounding(images, labels):
    traced, eager = (fit(convolutional(), plan_of(images, labels, trace=trace)).history for trace in (True, False))
    for ours, theirs in zip(traced, eager, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert ours[name] == pytest.approx(theirs[name], rel=2e-3, abs=2e-3)


def test_the_parameters_stand_alone_again_afterwards(images, labels):
    model = dense()
    fit(model, plan_of(images, labels))
    starts = {variable.value.untyped_storage().data_ptr() for variable in model.trainable_variables}
    assert len(starts) == len(model.trainable_variables)


@pytest.mark.parametrize("make", [dense, plain_module])
def test_a_loss_that_is_not_finite_stops_with_advice_and_leaves_good_weights(make, images, labels):
    model, saved = make(), []
    before = [parameter.detach().clone() for parameter in model.parameters()]
    plan = plan_of(images, labels, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"loss is (nan|inf) in epoch 1, step \d of 4, at a learning rate of 1e"):
        fit(model, plan, Hooks(save=saved.append))
    assert saved == []
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_a_label_that_the_model_has_no_output_for_is_named(images, labels):
    labels[5] = 7
    with pytest.raises(DataError, match=r"training labels: expected labels in 0..3, received 7 at index 5"):
        fit(dense(), plan_of(images, labels))


@pytest.mark.parametrize("make", [lambda: keras.Sequential([keras.Input((100,)), layers.Dense(4)]), plain_module])
def test_images_of_another_shape_than_the_models_are_named(make, images, labels):
    with pytest.raises(ModelError, match=r"\(?(11|121)"):
        fit(make(), plan_of(images[:, :11, :11], labels))


def test_memory_that_runs_out_is_one_sentence(images, labels, monkeypatch):
    def full(*arguments, **options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(trainer, "Session", full)
    with pytest.raises(TrainingError, match=r"Memory ran out with batches of 20. Try batch_size=10"):
        fit(dense(), plan_of(images, labels))


def test_memory_that_runs_out_while_tracing_is_no_reason_to_train_eagerly(images, labels, monkeypatch):
    def full(*arguments, **options):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 3010560000 bytes.")

    monkeypatch.setattr("fittingroom.training.gradients.joint_graph", full)
    said = []
    with pytest.raises(TrainingError, match=r"Memory ran out with batches of 20"):
        fit(dense(), plan_of(images, labels), Hooks(log=said.append))
    assert said == []


def test_a_weight_constraint_holds_after_every_update(images, labels):
    model = dense(kernel_constraint="non_neg")
    fit(model, plan_of(images, labels))
    assert float(model.get_weights()[0].min()) >= 0


def test_a_model_that_scales_for_itself_is_fed_raw_pixels_or_refused(images, labels):
    def scaling():
        keras.utils.set_random_seed(0)
        return keras.Sequential(
            [
                keras.Input((12, 12)),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dense(16, "relu"),
                layers.Dense(4),
            ]
        )

    with pytest.raises(ModelError, match=r"scaled twice, it learns nothing.*pixels = 'raw'"):
        fit(scaling(), plan_of(images, labels))
    done = fit(scaling(), plan_of(images, labels, pixels="raw", epochs=12, learning_rate=0.01))
    assert done.history[-1]["accuracy"] > 0.9


def test_a_model_that_scales_pixels_of_0_to_1_is_fed_those_and_refuses_others(images, labels, tmp_path):
    def scaling():
        keras.utils.set_random_seed(0)
        parts = [layers.Rescaling(2.0, -1), layers.Flatten(), layers.Dense(16, "relu"), layers.Dense(4)]
        return keras.Sequential([keras.Input((12, 12)), *parts])

    with pytest.raises(ModelError, match=r"made for pixels of 0 to 1, and the recipe feeds it 0 to 255.*'unit'"):
        fit(scaling(), plan_of(images, labels, pixels="raw"))
    run = fr.train(scaling(), (images, labels), epochs=8, batch_size=16, out=tmp_path / "r", onnx=False)
    assert run.history[-1]["accuracy"] > 0.8
    assert fr.evaluate(tmp_path / "r", (images, labels)).accuracy >= run.history[-1]["accuracy"] - 0.1


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_history_has_the_rate_at_which_each_epoch_begins(schedule, images, labels):
    done = fit(dense(), plan_of(images, labels, epochs=4, schedule=schedule, learning_rate=0.02, warmup=0.0))
    fall = [1, 0.75, 0.5, 0.25] if schedule == "linear" else [1, 0.8535534, 0.5, 0.1464466]
    assert [line["learning_rate"] for line in done.history] == pytest.approx([0.02 * share for share in fall])


def test_mixed_shapes_of_input_learn_alike(images, labels):
    for shape in ((144,), (12, 12), (12, 12, 1)):
        model = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(4)])
        done = fit(model, plan_of(images, labels, epochs=12, learning_rate=0.01))
        assert done.history[-1]["accuracy"] > 0.8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_cuda_device_trains_what_the_processor_trains(images, labels):
    histories = [fit(convolutional(), plan_of(images, labels, device=device)).history for device in ("cpu", "cuda")]
    for ours, theirs in zip(*histories, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-2)


def test_a_cuda_device_that_is_not_there_is_one_sentence(images, labels, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="Expected a CUDA device, found none"):
        fit(dense(), plan_of(images, labels, device="cuda"))
