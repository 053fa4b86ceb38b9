"""What a callback changes in the middle of a training: the same as in `model.fit`, on the same images in the same order."""

import numpy as np
import pytest
import torch
from networks import keras, layers

from fittingroom.errors import UsageError
from fittingroom.training.loop import Hooks, TrainingPlan
from fittingroom.training.recipe import Recipe
from fittingroom.training.trainer import fit

EPOCHS, SIZE = 4, 16
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


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((144,)),
            layers.Dense(12, "tanh", kernel_regularizer=keras.regularizers.L2(0.001), name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.2, name="drop"),
            Scale(),
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
    "an activity regulariser": layer("second", "activity_regularizer", keras.regularizers.L2(0.5)),
    "batch norm's momentum": layer("norm", "momentum", 0.2),
    "batch norm's epsilon": layer("norm", "epsilon", 0.5),
    "an own attribute": lambda model: setattr(model.layers[SCALE], "own", 3.0),
    "a value in a dictionary": lambda model: model.layers[SCALE].options.update(shift=2.0),
    "a value in a list in a dictionary": lambda model: (
        model.layers[SCALE].options.update(shift=2.0),
        model.layers[SCALE].options["powers"].__setitem__(0, -1.0),
    ),
    "another call": lambda model: setattr(model.layers[SCALE], "call", lambda x: x * 2.0),
    "weights": lambda model: model.get_layer("last").set_weights(
        [w * 0.5 for w in model.get_layer("last").get_weights()]
    ),
    "nothing": lambda model: None,
}


def compiled(make=lambda: optimizers.SGD(0.1), loss="sparse_categorical_crossentropy"):
    model = network()
    model.compile(make(), loss() if isinstance(loss, type) else loss, metrics=["accuracy"])
    return model


def same(ours, theirs, bound=1e-8):
    for own, right in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(own.numpy(), right.numpy(), rtol=bound, atol=bound, err_msg=own.path)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layers_change_is_followed_as_in_fit(name, hook, images, labels):
    theirs, ours, by_recipe = compiled(), compiled(), network()
    history = by_fit(theirs, images, labels, [At(LAYERS[name], hook)])
    done, told = by_us(ours, images, labels, [At(LAYERS[name], hook)])
    assert told == []
    assert [line["loss"] for line in done] == pytest.approx(history["loss"], rel=1e-8)
    same(ours, theirs)
    done, told = by_us(by_recipe, images, labels, [At(LAYERS[name], hook)])
    assert told == []
    assert [line["loss"] for line in done] == pytest.approx(history["loss"], rel=1e-8)
    for own, right in zip(by_recipe.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(own, right, rtol=1e-8, atol=1e-8)


@pytest.mark.usefixtures("float64")
def test_a_global_value_that_a_layer_reads_is_followed(images, labels, monkeypatch):
    def change(model):
        GLOBAL["shift"] = 1.5

    results = []
    for train in (by_fit, by_us):
        monkeypatch.setitem(GLOBAL, "shift", 0.0)
        model = compiled()
        train(model, images, labels, [At(change)])
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
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizers_change_is_followed_as_in_fit(name, images, labels):
    make, do = OPTIMIZERS[name]
    theirs, ours = compiled(make), compiled(make)
    by_fit(theirs, images, labels, [At(do)])
    by_us(ours, images, labels, [At(do)])
    same(ours, theirs)
