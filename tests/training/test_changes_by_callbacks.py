"""What callbacks change and are told while a model is trained: as in `model.fit`, on the same images in their order."""

import numpy as np
import pytest
import torch

from fittingroom.errors import RunError, UsageError
from fittingroom.training import checkpoint as checkpoints
from fittingroom.training.plan import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit
from helpers.cases import one_in
from helpers.networks import keras, layers

EPOCHS, SIZE = 3, 16
RECIPE = Recipe(epochs=EPOCHS, batch_size=SIZE, optimizer="sgd", momentum=0.0, learning_rate=0.1)
optimizers = keras.optimizers


@keras.saving.register_keras_serializable("changes")
class Scale(layers.Layer):
    factor = 1.0

    def __init__(self):
        super().__init__()
        self.own = 1.0
        self.options = {"shift": 0.0, "powers": [1.0]}

    def call(self, x):
        return x * self.own * self.factor + self.options["shift"] * self.options["powers"][0] + GLOBAL["shift"]


GLOBAL = {"shift": 0.0}


def network(own=False):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((144,)),
            layers.Dense(12, "tanh", kernel_regularizer=keras.regularizers.L2(0.001), name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.2, name="drop"),
            *([Scale()] if own else []),
            layers.Dense(8, "tanh", kernel_constraint=keras.constraints.MaxNorm(9.0), name="second"),
            layers.Dense(4, "softmax", name="last"),
        ]
    )


class Data(keras.utils.PyDataset):
    """The batches that our loop would feed, epoch by epoch."""

    def __init__(self, images, labels, seed):
        super().__init__()
        from fittingroom.training.batching import TrainingData

        data = TrainingData(torch.from_numpy(images), torch.from_numpy(labels.astype("int64")))
        self.orders = [data.order(seed, epoch).numpy() for epoch in range(1, EPOCHS + 1)]
        self.inputs = (images * (1 / 255)).reshape(len(images), -1)
        self.labels, self.epoch = labels.astype("int64"), 0

    def __len__(self):
        return -(-len(self.labels) // SIZE)

    def __getitem__(self, index):
        if index == 0:  # torch's loader draws a seed before it asks for the first batch
            torch.manual_seed(self.epoch)
        rows = self.orders[self.epoch][index * SIZE : (index + 1) * SIZE]
        return self.inputs[rows], self.labels[rows]


class Following(keras.callbacks.Callback):
    """Have `fit` see the epoch's images in our order, and both draw the same random numbers."""

    def __init__(self, data=None):
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch, logs=None):
        if self.data is not None:
            self.data.epoch = epoch
        torch.manual_seed(epoch)


def by_fit(model, images, labels, used, validation=None):
    data = Data(images, labels, 0)
    held = validation and ((validation[0] * (1 / 255)).reshape(len(validation[0]), -1), validation[1].astype("int64"))
    done = model.fit(
        data,
        epochs=EPOCHS,
        verbose=0,
        shuffle=False,
        callbacks=[Following(data), *used],
        validation_data=held,
        validation_batch_size=SIZE,
    )
    return done.history


def by_us(model, images, labels, used, validation=None, **settings):
    told = []
    plan = TrainingPlan(images, labels, RECIPE.replace(**settings), 0, validation, [Following(), *used])
    return fit(model, plan, Hooks(log=told.append)).history, told


class At(keras.callbacks.Callback):
    """Does something with the model when some hook is called, at the second epoch."""

    def __init__(self, do, hook="on_epoch_begin"):
        super().__init__()
        self.do = do
        setattr(self, hook, self.act)

    def act(self, epoch, logs=None):
        if epoch == 1:
            self.do(self.model)


class Between(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.get_layer("first").trainable = epoch != 1


def optimizer(name, value):
    return lambda model: setattr(model.optimizer, name, value)


def layer(which, name, value):
    return lambda model: setattr(model.get_layer(which), name, value)


def freeze(*which):
    def do(model):
        for name in which:
            model.get_layer(name).trainable = False

    return do


def freeze_all(model):
    model.trainable = False


SCALE = 3
OWN = ("an own attribute", "a value in a dictionary", "a value in a list in a dictionary", "a layer's call")
LAYERS = {
    "a dropout rate": layer("drop", "rate", 0.95),
    "a frozen layer": freeze("first"),
    "frozen layers": freeze("first", "second"),
    "a frozen batch norm": freeze("norm"),
    "all but the last frozen": freeze("first", "norm", "second"),
    "a frozen variable": lambda model: setattr(model.get_layer("first").kernel, "trainable", False),
    "an activation": layer("second", "activation", keras.activations.relu),
    "a regulariser's strength": lambda model: setattr(model.get_layer("first").kernel_regularizer, "l2", 0.3),
    "a variable's regulariser": lambda model: setattr(
        model.get_layer("second").kernel, "regularizer", keras.regularizers.L1(0.2)
    ),
    "a constraint": lambda model: setattr(
        model.get_layer("first").kernel, "constraint", keras.constraints.MaxNorm(0.1)
    ),
    "an activity regulariser": layer("second", "activity_regularizer", keras.regularizers.L2(0.5)),
    "batch norm's momentum": layer("norm", "momentum", 0.2),
    "batch norm's epsilon": layer("norm", "epsilon", 0.5),
    "an own attribute": lambda model: setattr(model.layers[SCALE], "own", 3.0),
    "a value in a dictionary": lambda model: model.layers[SCALE].options.update({"shift": 2.0}),
    "a value in a list in a dictionary": lambda model: (
        model.layers[SCALE].options.update({"shift": 2.0}),
        model.layers[SCALE].options["powers"].__setitem__(0, -1.0),
    ),
    "a layer's call": lambda model: setattr(model.layers[SCALE], "call", lambda x: x * 2.0),
    "weights": lambda model: model.get_layer("last").set_weights(
        [w * 0.5 for w in model.get_layer("last").get_weights()]
    ),
    "the memory of a kernel": lambda model: setattr(
        model.get_layer("last").kernel.value, "data", model.get_layer("last").kernel.value.data * 0.5
    ),
    "nothing": lambda model: None,
}


def compiled(make=lambda: optimizers.SGD(0.1), own=False):
    model = network(own)
    model.compile(make(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def same(ours, theirs, bound=1e-8):
    for own, right in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(own.numpy(), right.numpy(), rtol=bound, atol=bound, err_msg=own.path)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", one_in(4, LAYERS))
def test_a_layers_change_is_followed_as_in_fit(name, images, labels):
    used = [At(LAYERS[name], "on_epoch_end" if len(name) % 3 == 0 else "on_epoch_begin")]
    theirs, ours = compiled(own=name in OWN), compiled(own=name in OWN)
    history = by_fit(theirs, images[:48], labels[:48], used)
    done, told = by_us(ours, images[:48], labels[:48], used)
    assert told == []
    assert [line["loss"] for line in done] == pytest.approx(history["loss"], rel=1e-8)
    same(ours, theirs)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ["a dropout rate", "frozen layers", "a constraint", "the memory of a kernel"])
def test_a_layers_change_is_followed_where_a_recipe_trains(name, images, labels):
    theirs, ours = compiled(), network()
    history = by_fit(theirs, images[:48], labels[:48], [At(LAYERS[name])])
    done, told = by_us(ours, images[:48], labels[:48], [At(LAYERS[name])])
    assert told == []
    assert [line["loss"] for line in done] == pytest.approx(history["loss"], rel=1e-6)
    for own, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, right, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_a_recipes_optimizer_keeps_what_it_knows_of_frozen_weights(optimizer, images, labels):
    make = {
        "adam": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
        "rmsprop": lambda: optimizers.RMSprop(0.01),
        "sgd": lambda: optimizers.SGD(0.01, momentum=0.9),
    }[optimizer]
    settings = {"optimizer": optimizer, "learning_rate": 0.01, "momentum": 0.9 if optimizer == "sgd" else "auto"}
    theirs, ours = compiled(make), network()
    by_fit(theirs, images[:48], labels[:48], [Between()])
    by_us(ours, images[:48], labels[:48], [Between()], weight_decay=0.1 if optimizer == "adam" else 0.0, **settings)
    for own, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, right, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("float64")
def test_a_global_value_that_a_layer_reads_is_followed(images, labels, monkeypatch):
    def change(model):
        GLOBAL["shift"] = 1.5

    results = []
    for train in (by_fit, by_us):
        monkeypatch.setitem(GLOBAL, "shift", 0.0)
        model = compiled(own=True)
        train(model, images[:48], labels[:48], [At(change)])
        results.append(model)
    same(results[1], results[0])


OPTIMIZERS = {
    "a rate": (optimizers.SGD, optimizer("learning_rate", 0.5)),
    "Adam's rate": (optimizers.Adam, optimizer("learning_rate", 0.05)),
    "a rate that is a schedule from then on": (
        optimizers.Adam,
        optimizer("learning_rate", optimizers.schedules.ExponentialDecay(0.05, 2, 0.5)),
    ),
    "SGD's momentum": (lambda: optimizers.SGD(0.05, momentum=0.5), optimizer("momentum", 0.9)),
    "Adam's beta": (optimizers.Adam, optimizer("beta_1", 0.5)),
    "Adam's epsilon": (optimizers.Adam, optimizer("epsilon", 0.1)),
    "RMSprop's rho": (optimizers.RMSprop, optimizer("rho", 0.5)),
    "RMSprop's momentum": (lambda: optimizers.RMSprop(0.01, momentum=0.5), optimizer("momentum", 0.9)),
    "weight decay": (lambda: optimizers.AdamW(0.01), optimizer("weight_decay", 0.5)),
    "weight decay where none was": (lambda: optimizers.Adam(0.01), optimizer("weight_decay", 0.5)),
    "clipnorm": (lambda: optimizers.RMSprop(0.01), optimizer("clipnorm", 1e-3)),
    "global clipnorm": (lambda: optimizers.Adam(0.01), optimizer("global_clipnorm", 1e-3)),
    "clipvalue": (lambda: optimizers.SGD(0.1), optimizer("clipvalue", 1e-3)),
    "Adam and a frozen layer": (optimizers.Adam, freeze("first")),
    "Adam, a norm of all gradients and a frozen layer": (
        lambda: optimizers.Adam(0.01, global_clipnorm=0.1),
        freeze("second"),
    ),
    "SGD with momentum and a frozen layer": (lambda: optimizers.SGD(0.05, momentum=0.9), freeze("second")),
    "all frozen": (lambda: optimizers.AdamW(0.01), freeze_all),
    "weight decay and a frozen layer": (lambda: optimizers.AdamW(0.01, weight_decay=0.3), freeze("first")),
    "another optimiser": (optimizers.Adam, lambda model: setattr(model, "optimizer", optimizers.SGD(0.3))),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize("name", one_in(3, OPTIMIZERS))
def test_an_optimizers_change_is_followed_as_in_fit(name, images, labels):
    make, do = OPTIMIZERS[name]
    images, labels = images[:48], labels[:48]
    theirs, ours = compiled(make), compiled(make)
    by_fit(theirs, images, labels, [At(do)])
    by_us(ours, images, labels, [At(do)])
    same(ours, theirs)


class Recorder(keras.callbacks.Callback):
    """Notes which hook was called with what."""

    def __init__(self, *hooks):
        super().__init__()
        self.told = []
        for hook in hooks:
            setattr(self, hook, lambda *told, hook=hook, logs=None: self.told.append((hook, *told, dict(logs or {}))))


HOOKS = [
    *(f"on_{kind}_{when}" for kind in ("train", "epoch", "test", "predict") for when in ("begin", "end")),
    *(f"on_{kind}_batch_{when}" for kind in ("train", "test", "predict") for when in ("begin", "end")),
]


@pytest.mark.usefixtures("float64")
def test_hooks_are_called_when_and_with_what_fit_calls_them(images, labels):
    held = images[64:], labels[64:]
    told = []
    for train in (by_fit, by_us):
        recorder = Recorder(*HOOKS)
        model = network()
        top = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2", dtype="float64")
        model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy", top])
        train(model, images[:40], labels[:40], [recorder], held)
        told.append((recorder.told, {**recorder.params}))
    assert told[0][1] == told[1][1] == {"verbose": 0, "epochs": EPOCHS, "steps": 3}
    theirs, ours = told[0][0], told[1][0]
    for own, right in zip(ours, theirs, strict=True):
        assert [part for part in own if not isinstance(part, dict)] == [p for p in right if not isinstance(p, dict)]
        for logs, expected in zip(own, right, strict=True):
            if isinstance(logs, dict):
                assert logs == pytest.approx(expected, rel=1e-6), own


@pytest.mark.usefixtures("float64")
def test_a_callback_that_stops_at_a_batch_or_before_the_first_ends_the_epoch_as_in_fit(images, labels):
    for hook, at in (("on_train_batch_end", 1), ("on_epoch_begin", 1), ("on_train_begin", None)):
        results = []
        for train in (by_fit, by_us):
            model = compiled()

            def stop(number=None, logs=None, model=model, at=at):
                model.stop_training = model.stop_training or at in (None, number) or isinstance(number, dict)

            recorder = Recorder()
            setattr(recorder, hook, stop)
            done = train(model, images, labels, [recorder])
            results.append((model, done["loss"] if train is by_fit else [line["loss"] for line in done[0]]))
        assert results[1][1] == pytest.approx(results[0][1], rel=1e-8), hook
        same(results[1][0], results[0][0])


class EachBatch(keras.callbacks.Callback):
    def __init__(self, do):
        super().__init__()
        self.do = do

    def on_train_batch_begin(self, batch, logs=None):
        self.do(self.model, batch)


AT_BATCHES = {
    "a rate": lambda model, batch: setattr(model.optimizer, "learning_rate", 0.1 + 0.02 * batch),
    "a dropout rate": lambda model, batch: setattr(model.get_layer("drop"), "rate", 0.1 * (batch + 1)),
    "a frozen layer": lambda model, batch: setattr(model.get_layer("first"), "trainable", batch % 2 == 0),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", AT_BATCHES)
def test_what_changes_at_every_batch_is_followed_as_in_fit(name, images, labels):
    theirs, ours = compiled(optimizers.Adam), compiled(optimizers.Adam)
    by_fit(theirs, images, labels, [EachBatch(AT_BATCHES[name])])
    _, told = by_us(ours, images, labels, [EachBatch(AT_BATCHES[name])])
    same(ours, theirs)
    assert told == [] if name == "a rate" else "a callback changes" in told[0]


def test_a_rate_at_every_batch_is_that_of_a_recipes_optimizer_too(images, labels):
    theirs, ours = compiled(), network()
    for model, train in ((theirs, by_fit), (ours, by_us)):
        train(model, images, labels, [EachBatch(AT_BATCHES["a rate"])])
    for own, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, right, rtol=1e-3, atol=1e-4)


def test_a_rate_of_zero_can_be_raised_again(images, labels):
    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: [0.0, 0.2, 0.1][epoch])
    done, _ = by_us(network(), images, labels, [rates])
    assert [line["learning_rate"] for line in done] == pytest.approx([0.0, 0.2, 0.1])


def averaging():
    return optimizers.SGD(0.1, use_ema=True, ema_momentum=0.6)


SHIPPED = {
    "SwapEMAWeights at tests": (averaging, lambda: keras.callbacks.SwapEMAWeights()),
    "SwapEMAWeights at epochs": (averaging, lambda: keras.callbacks.SwapEMAWeights(swap_on_epoch=True)),
    "LearningRateScheduler": (
        optimizers.Adam,
        lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
    ),
    "ReduceLROnPlateau": (
        lambda: optimizers.SGD(0.1),
        lambda: keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=9.0),
    ),
    "EarlyStopping": (
        lambda: optimizers.SGD(0.1),
        lambda: keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=9.0, restore_best_weights=True),
    ),
    "LambdaCallback": (
        lambda: optimizers.SGD(0.1),
        lambda: keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: logs["accuracy"]),
    ),
    "ProgbarLogger": (lambda: optimizers.SGD(0.1), lambda: keras.callbacks.ProgbarLogger()),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", SHIPPED)
def test_kerass_own_callbacks_do_what_they_do_in_fit(name, images, labels):
    make, callback = SHIPPED[name]
    held = images[40:64], labels[40:64]
    theirs, ours = compiled(make), compiled(make)
    history = by_fit(theirs, images[:40], labels[:40], [callback()], held)
    done, _ = by_us(ours, images[:40], labels[:40], [callback()], held)
    for key in ("loss", "val_loss", "val_accuracy"):
        assert [line[key] for line in done] == pytest.approx(history[key], rel=1e-7)
    same(ours, theirs)


def test_a_model_checkpoint_every_few_batches_saves_as_often_as_in_fit(images, labels, tmp_path):
    kept = []
    for train in (by_fit, by_us):
        folder = tmp_path / train.__name__
        path = str(folder / "{epoch}-{batch}.weights.h5")
        train(compiled(), images, labels, [keras.callbacks.ModelCheckpoint(path, save_freq=4, save_weights_only=True)])
        kept.append(sorted(part.name for part in folder.iterdir()))
    assert kept[0] == kept[1] != []


def test_one_callback_and_a_callback_list_are_taken(images, labels):
    for wrap in (lambda one: one, lambda one: [[one]], lambda one: keras.callbacks.CallbackList([one])):
        recorder = Recorder("on_epoch_end")
        fit(network(), TrainingPlan(images, labels, RECIPE, 0, None, wrap(recorder)))
        assert len(recorder.told) == EPOCHS


def test_a_traced_training_is_traced_once_where_callbacks_change_nothing(images, labels, monkeypatch):
    from fittingroom.training import step

    made = []
    monkeypatch.setattr(step, "make_compute", lambda *a, f=step.make_compute, **k: made.append(1) or f(*a, **k))
    asks = At(lambda model: (model.predict(np.zeros((2, 144)), verbose=0), model.evaluate(*DATA, verbose=0)))
    by_us(compiled(), images, labels, [asks, Recorder("on_train_batch_end", "on_epoch_end")])
    assert len(made) == 1


DATA = np.zeros((2, 144)), np.zeros(2, "int64")


@pytest.mark.parametrize(
    ("make", "do", "words"),
    [
        (network, optimizer("momentum", 0.5), "set the optimiser's momentum to 0.5 in on_epoch_begin"),
        (network, optimizer("weight_decay", 0.5), "set the optimiser's weight_decay to 0.5"),
        (network, lambda model: setattr(model, "optimizer", optimizers.SGD(0.1)), "exchanged the optimiser"),
        (compiled, lambda model: model.compile("sgd", "mse"), "compiled the model anew"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(make, do, words, images, labels):
    with pytest.raises(UsageError, match=words):
        by_us(make(), images, labels, [At(do)])


def test_a_run_whose_settings_a_callback_has_changed_cannot_be_resumed_to_another_model(images, labels, tmp_path):
    def save(state):
        checkpoints.write(tmp_path / str(state.facts["epoch"]), state)

    used = [At(layer("drop", "rate", 0.5))]
    plan = TrainingPlan(images[:48], labels[:48], RECIPE, 0, None, used)
    fit(network(), plan, Hooks(save=save))
    fit(network(), plan, None, checkpoints.read(tmp_path / "2"))
    with pytest.raises(RunError, match=r"A callback had changed drop.rate before this run was stopped"):
        fit(network(), plan, None, checkpoints.read(tmp_path / "3"))


@pytest.mark.parametrize("make", [network, compiled])
def test_thawing_what_was_frozen_at_first_is_refused_as_in_fit(make, images, labels):
    model = make()
    model.get_layer("first").trainable = False
    if model.compiled:
        model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(UsageError, match=r"A callback made .*kernel trainable, which was not when training began"):
        by_us(model, images, labels, [At(layer("first", "trainable", True))])


@pytest.mark.usefixtures("float64")
def test_a_layer_that_was_frozen_in_the_middle_can_be_thawed_again(images, labels):
    theirs, ours = compiled(optimizers.Adam), compiled(optimizers.Adam)
    by_fit(theirs, images, labels, [Between()])
    by_us(ours, images, labels, [Between()])
    same(ours, theirs)


def test_a_torch_modules_change_is_followed_as_by_a_plain_loop(images, labels):
    from torch import nn

    def make():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(144, 8), nn.LeakyReLU(0.01), nn.Linear(8, 4)).double()

    def change(module):
        module[1].negative_slope = 0.7
        module[0].bias.requires_grad_(False)

    ours, theirs = make().eval(), make()
    by_us(ours, images, labels, [At(change)])
    assert not ours.training
    data = Data(images, labels, 0)
    used = torch.optim.SGD(theirs.parameters(), 0.1)
    for data.epoch in range(EPOCHS):
        if data.epoch == 1:
            change(theirs)
        for inputs, targets in map(data.__getitem__, range(len(data))):
            used.zero_grad()
            nn.functional.cross_entropy(theirs(torch.from_numpy(inputs)), torch.from_numpy(targets)).backward()
            used.step()
    for own, right in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own, right, rtol=1e-9, atol=1e-9)


def test_a_metric_with_one_value_a_class_is_in_the_history(images, labels):
    model = network()
    model.compile("sgd", "categorical_crossentropy", metrics=[keras.metrics.F1Score(name="f1")])
    done, _ = by_us(model, images, labels, [], (images, labels))
    assert len(done[0]["f1"]) == len(done[0]["val_f1"]) == 4
    assert model.training is False
