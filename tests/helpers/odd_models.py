"""Models off the beaten track, one entry each; framework_loops.py holds ours against the frameworks' own loops on them.

A new case is a module and a line in ``TORCH`` or ``KERAS``. The second entry is what our trainer must say where it does
not trace the model, as a regular expression; None where the model must be traced, "" where either will do.
"""

import collections
import itertools
import random
import types
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize, prune

from helpers.networks import keras, layers

RATE = 0.05
GLOBAL = {"calls": 0, "list": [0]}
count_of_calls = 0


class Net(nn.Module):
    """Two layers, with a place between them for what is odd."""

    def __init__(self, width=8):
        super().__init__()
        self.first, self.second = nn.Linear(144, width), nn.Linear(width, 4)
        self.prepare()

    def prepare(self):
        pass

    def odd(self, hidden):
        return hidden

    def forward(self, x):
        return self.second(torch.tanh(self.odd(self.first(x.flatten(1)))))


def odd(prepare=None, between=None, base=Net):
    """Return a maker of a network with these two methods; both take the network first."""

    def make():
        kind = type("Odd", (base,), {})
        if prepare is not None:
            kind.prepare = lambda self: prepare(self)
        if between is not None:
            kind.odd = lambda self, hidden: between(self, hidden)
        return kind()

    return make


# -- no_grad ----------------------------------------------------------------------------------------------------------


def scaled_under_no_grad(self, hidden):
    with torch.no_grad():
        scale = hidden.abs().mean() + 0.5
    return hidden / scale


@torch.no_grad()
def size_of(hidden):
    return hidden.std(0, keepdim=True).add_(1.0)


def small_parameter_under_no_grad(self, hidden):
    with torch.no_grad():
        gain = 1 + self.gain * hidden.mean()
    return hidden * gain + 1e-3 * self.gain


def only_under_no_grad(self, hidden):
    with torch.no_grad():
        gain = 1 + self.gain
    return hidden * gain


def set_grad_disabled(self, hidden):
    torch.set_grad_enabled(False)
    gain = hidden.square().mean(1, keepdim=True)
    torch.set_grad_enabled(True)
    return hidden * gain


def written_in_place_under_no_grad(self, hidden):
    shifted = hidden * 1.0
    with torch.no_grad():
        shifted.mul_(0.5)
    return shifted


def with_gain(self):
    self.gain = nn.Parameter(torch.full((1,), 0.1))


# -- state ------------------------------------------------------------------------------------------------------------


def counting(change, read, start=None):
    """A network that changes something at each call, and doubles its activations once a count is above ten."""

    def prepare(self):
        if start is not None:
            start(self)

    def between(self, hidden):
        change(self)
        return hidden * 2 if read(self) > 10 else hidden

    return odd(prepare, between)


def count_globally(self):
    global count_of_calls
    count_of_calls += 1


def make_closure():
    calls = 0

    def count():
        nonlocal calls
        calls += 1
        return calls

    return count


def function_with_memory(step=0):
    function_with_memory.calls += step
    return function_with_memory.calls


def counting_default(step, seen=[0]):  # noqa: B006
    seen[0] += step
    return seen[0]


class Counter:
    total = 0

    def __init__(self):
        self.inner = types.SimpleNamespace(deep={"calls": [0]})


class Slotted:
    __slots__ = ("calls",)

    def __init__(self):
        self.calls = 0


def reset():
    """Bring everything global that the networks here change back to its start."""
    global count_of_calls
    count_of_calls = 0
    GLOBAL.update(calls=0, list=[0])
    Counter.total = 0
    function_with_memory.calls = 0
    counting_default.__defaults__[0][0] = 0


def bump(holder, key):
    holder[key] += 1


def attribute(self):
    self.calls += 1


STATE = {
    "an attribute": counting(attribute, lambda self: self.calls, lambda self: setattr(self, "calls", 0)),
    "a list": counting(
        lambda self: self.seen.append(1), lambda self: len(self.seen), lambda self: setattr(self, "seen", [])
    ),
    "a dictionary in a list": counting(
        lambda self: bump(self.kept[0], "n"),
        lambda self: self.kept[0]["n"],
        lambda self: setattr(self, "kept", [{"n": 0}]),
    ),
    "a set": counting(
        lambda self: self.seen.add(len(self.seen)),
        lambda self: len(self.seen),
        lambda self: setattr(self, "seen", set()),
    ),
    "a deque": counting(
        lambda self: self.seen.append(1),
        lambda self: len(self.seen),
        lambda self: setattr(self, "seen", collections.deque()),
    ),
    "an object in an object": counting(
        lambda self: bump(self.counter.inner.deep["calls"], 0),
        lambda self: self.counter.inner.deep["calls"][0],
        lambda self: setattr(self, "counter", Counter()),
    ),
    "a slot": counting(
        lambda self: setattr(self.slotted, "calls", self.slotted.calls + 1),
        lambda self: self.slotted.calls,
        lambda self: setattr(self, "slotted", Slotted()),
    ),
    "a class": counting(lambda self: setattr(Counter, "total", Counter.total + 1), lambda self: Counter.total),
    "a global": counting(count_globally, lambda self: count_of_calls),
    "a global dictionary": counting(lambda self: bump(GLOBAL, "calls"), lambda self: GLOBAL["calls"]),
    "a closure": counting(
        lambda self: setattr(self, "n", self.count()),
        lambda self: self.n,
        lambda self: setattr(self, "count", make_closure()),
    ),
    "a function's attribute": counting(lambda self: function_with_memory(1), lambda self: function_with_memory()),
    "a default": counting(lambda self: counting_default(1), lambda self: counting_default(0)),
    "itertools.count": counting(
        lambda self: setattr(self, "n", next(self.counter)),
        lambda self: self.n,
        lambda self: setattr(self, "counter", itertools.count()),
    ),
    "a tensor in an attribute": counting(
        lambda self: self.calls.add_(1),
        lambda self: self.calls.item(),
        lambda self: setattr(self, "calls", torch.zeros(())),
    ),
    "an array": counting(
        lambda self: bump(self.calls, 0), lambda self: self.calls[0], lambda self: setattr(self, "calls", np.zeros(1))
    ),
}


def running_mean(self, hidden):
    self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
    return hidden - self.mean


def with_mean_buffer(self):
    self.register_buffer("mean", torch.zeros(8))


def with_plain_mean(self):
    self.mean = torch.zeros(8, dtype=torch.float64)


def mean_in_place(self, hidden):
    with torch.no_grad():
        self.mean.mul_(0.9).add_(hidden.mean(0), alpha=0.1)
    return hidden - self.mean


def mean_by_data(self, hidden):
    self.mean.data = 0.9 * self.mean.data + 0.1 * hidden.detach().mean(0)
    return hidden - self.mean


def frozen_follows(self, hidden):
    with torch.no_grad():
        self.shadow.mul_(0.9).add_(self.first.bias, alpha=0.1)
    return hidden + self.shadow


def with_shadow(self):
    self.shadow = nn.Parameter(torch.zeros(8), requires_grad=False)


def clipped_weights(self, hidden):
    self.second.weight.data.clamp_(-0.2, 0.2)
    return hidden


def replaced_weights(self, hidden):
    self.second.weight.data = self.second.weight.data.clamp(-0.2, 0.2)
    return hidden


def kept_activations(self, hidden):
    self.last = hidden
    return hidden


# -- random numbers ---------------------------------------------------------------------------------------------------


def drawn(draw, chance=0.3):
    return odd(None, lambda self, hidden: hidden * 0 if draw() < chance else hidden)


def own_generator(self):
    self.generator = np.random.default_rng(5)
    self.torch_generator = torch.Generator().manual_seed(5)
    self.python_generator = random.Random(5)


# -- hooks and parametrizations ---------------------------------------------------------------------------------------


def hooked(attach, base=Net):
    def make():
        net = base()
        attach(net)
        return net

    return make


class Doubling(nn.Module):
    def forward(self, weight):
        return weight * 2


class HandWrittenSpectralNorm(nn.Module):
    """As many repositories have it: power iteration that assigns ``.data``, and a computed weight."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        weight = inner.weight
        del inner._parameters["weight"]
        generator = torch.Generator().manual_seed(1)
        start = lambda size: nn.Parameter(torch.randn(size, generator=generator), requires_grad=False)  # noqa: E731
        inner.register_parameter("weight_u", start(weight.shape[0]))
        inner.register_parameter("weight_v", start(weight.shape[1]))
        inner.register_parameter("weight_bar", nn.Parameter(weight.data))

    def forward(self, *arguments):
        u, v, weight = self.inner.weight_u, self.inner.weight_v, self.inner.weight_bar
        v.data = functional.normalize(torch.mv(weight.data.t(), u.data), dim=0)
        u.data = functional.normalize(torch.mv(weight.data, v.data), dim=0)
        self.inner.weight = weight / u.dot(weight.mv(v))
        return self.inner.forward(*arguments)


def spectral_by_hand():
    net = Net()
    net.first = HandWrittenSpectralNorm(net.first)
    return net


def stateful_hook():
    seen = []

    def hook(module, inputs, output):
        seen.append(1)
        return output * (2 if len(seen) > 5 else 1)

    return hook


# -- images -----------------------------------------------------------------------------------------------------------


class Viewing(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(400, 4)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.head(x.view(x.size(0), -1))


class Convolutional(nn.Module):
    """Two convolutions, with a place between them."""

    def __init__(self, *between):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 3), *between, nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(36, 4)
        )

    def forward(self, x):
        return self.net(x)


class Noise(nn.Module):
    def forward(self, x):
        return x + 0.1 * torch.rand_like(x) if self.training else x


class DropPath(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        keep = torch.rand(len(x), *([1] * (x.ndim - 1)), dtype=x.dtype) < 0.7
        return x * keep / 0.7


class AlwaysMoving(nn.Module):
    """Batch norm that does not look whether it is being trained."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("variance", torch.ones(4))

    def forward(self, x):
        return functional.batch_norm(x, self.mean, self.variance, training=True)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.recurrent, self.head = kind(12, 6, batch_first=True, **options), nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(12, 3, 16, dropout=0.1, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Linear(12, 4)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(144, 144), nn.Linear(144, 144), nn.Linear(144, 4)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Gathered(nn.Module):
    """Two gathers of one tensor: their gradients are two places that are added to in place."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(144, 8), nn.Linear(8, 4)
        self.register_buffer("one", torch.tensor([0, 0, 1, 2, 3, 4, 5, 6]))
        self.register_buffer("other", torch.tensor([7, 7, 7, 1, 1, 0, 2, 3]))

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        return self.head(hidden.index_select(1, self.one) + hidden.index_select(1, self.other) + hidden[:, self.other])


def scripted(module):
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.script(module)


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.head = scripted(nn.Sequential(nn.Linear(144, 8), nn.Tanh())), nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.inner(x.flatten(1)))


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(4))

    def forward(self, x):
        return self.net(x)


def changes(name):
    return f"it changes .*{name}"


HOOK = "has a hook"
TORCH = {
    "a plain network": (Net, None),
    "a scale under no_grad": (odd(None, scaled_under_no_grad), None),
    "a decorated no_grad": (odd(None, lambda self, hidden: hidden / size_of(hidden)), None),
    "a small parameter partly under no_grad": (odd(with_gain, small_parameter_under_no_grad), None),
    "a parameter under no_grad alone": (odd(with_gain, only_under_no_grad), None),
    "set_grad_enabled": (odd(None, set_grad_disabled), None),
    "in place under no_grad": (odd(None, written_in_place_under_no_grad), "traced gradients differ"),
    "detach": (odd(None, lambda self, hidden: hidden * hidden.detach().abs().mean()), None),
    **{f"a count in {name}": (make, "it changes|decides by the values") for name, make in STATE.items()},
    "a buffer assigned": (odd(with_mean_buffer, running_mean), None),
    "a buffer in place": (odd(with_mean_buffer, mean_in_place), None),
    "a buffer's data assigned": (odd(with_mean_buffer, mean_by_data), changes("the memory of Odd._buffers")),
    "a tensor in an attribute assigned": (odd(with_plain_mean, running_mean), changes("mean")),
    "a tensor in an attribute in place": (odd(with_plain_mean, mean_in_place), changes("mean")),
    "a frozen parameter that follows": (odd(with_shadow, frozen_follows), None),
    "weights clipped by data": (odd(None, clipped_weights), "writes into its weights"),
    "weights replaced by data": (odd(None, replaced_weights), "changes the memory|writes into its weights"),
    "activations kept": (odd(None, kept_activations), changes("last")),
    "Python's random": (drawn(lambda: random.random()), "draws from Python's random"),
    "Python's random, rarely": (drawn(lambda: random.random(), 0.02), "draws from Python's random"),
    "NumPy's random": (drawn(lambda: np.random.rand()), "draws from NumPy's random"),
    "Torch's random by value": (drawn(lambda: torch.rand(()).item()), "decides by the values"),
    "an own generator of NumPy's": (
        odd(own_generator, lambda self, hidden: hidden * self.generator.random()),
        "random generator|changes .*generator",
    ),
    "an own generator of Python's": (
        odd(own_generator, lambda self, hidden: hidden * self.python_generator.random()),
        "random generator|changes .*generator",
    ),
    "an own generator of Torch's": (
        odd(own_generator, lambda self, hidden: hidden * torch.rand((), generator=self.torch_generator)),
        "random generator|changes .*generator",
    ),
    "a hook on a parameter": (
        hooked(lambda net: net.first.bias.register_hook(torch.zeros_like)),
        "hook on its gradient",
    ),
    "a hook after accumulation": (
        hooked(lambda net: net.first.bias.register_post_accumulate_grad_hook(lambda p: (p.grad.zero_(), None)[1])),
        "hook on its gradient",
    ),
    "a forward hook": (hooked(lambda net: net.first.register_forward_hook(lambda m, i, o: o * 2)), HOOK),
    "a forward hook with state": (hooked(lambda net: net.first.register_forward_hook(stateful_hook())), HOOK),
    "a hook before forward": (hooked(lambda net: net.second.register_forward_pre_hook(lambda m, i: (i[0] * 2,))), HOOK),
    "a backward hook": (
        hooked(lambda net: net.second.register_full_backward_hook(lambda m, i, o: (i[0] * 2,))),
        HOOK,
    ),
    "a hook on an activation": (
        odd(None, lambda self, hidden: (hidden.requires_grad and hidden.register_hook(lambda g: g * 2), hidden)[1]),
        "traced gradients differ",
    ),
    "spectral_norm": (hooked(lambda net: nn.utils.spectral_norm(net.first)), HOOK),
    "weight_norm, old": (hooked(lambda net: nn.utils.weight_norm(net.first)), HOOK),
    "the spectral norm parametrization": (hooked(lambda net: parametrizations.spectral_norm(net.first)), ""),
    "the weight norm parametrization": (hooked(lambda net: parametrizations.weight_norm(net.first)), None),
    "a parametrization of one's own": (
        hooked(lambda net: parametrize.register_parametrization(net.first, "weight", Doubling())),
        None,
    ),
    "pruning": (hooked(lambda net: prune.l1_unstructured(net.first, "weight", 0.5)), HOOK),
    "a spectral norm by hand": (spectral_by_hand, "it changes"),
    "a view after a convolution": (Viewing, None),
    "batch norm": (lambda: Convolutional(nn.BatchNorm2d(4)), None),
    "batch norm that always moves": (lambda: Convolutional(AlwaysMoving()), None),
    "dropout of convolutions": (lambda: Convolutional(nn.Dropout(0.3), nn.Dropout2d(0.3)), ""),
    "noise like the activations": (lambda: Convolutional(Noise()), None),
    "dropped paths": (lambda: Convolutional(DropPath()), None),
    "LSTM": (lambda: Recurrent(nn.LSTM), ""),
    "LSTM both ways": (lambda: nn.Sequential(Recurrent(nn.LSTM, num_layers=2)), ""),
    "GRU": (lambda: Recurrent(nn.GRU), None),
    "a transformer": (Attention, ""),
    "tied weights": (Tied, None),
    "two gathers of one tensor": (Gathered, None),
    "torch.jit.script of all": (lambda: scripted(nn.Sequential(nn.Flatten(), nn.Linear(144, 4))), "torch.jit"),
    "torch.jit.script of a part": (Scripted, "torch.jit"),
    "DataParallel": (lambda: nn.DataParallel(Net()), ""),
    "lazy layers": (Lazy, None),
    "bfloat16 inside": (odd(None, lambda self, hidden: hidden.bfloat16().tanh().to(hidden.dtype)), "half precision"),
    "an embedding with sparse gradients": (
        lambda: nn.Sequential(nn.Flatten(), Lookup(), nn.Flatten(), nn.Linear(144 * 2, 4)),
        "",
    ),
}


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(4, 2, sparse=True)

    def forward(self, x):
        return self.table((x * 3.99).long())


# -- Keras models, compiled by their owners ---------------------------------------------------------------------------

CE = "sparse_categorical_crossentropy"


def flat(*parts, units=4, activation="softmax"):
    return keras.Sequential([keras.Input((144,)), *parts, layers.Dense(units, activation)])


def compiled(make, loss=CE, optimizer=None, metrics=(), **options):
    def made():
        model = make()
        chosen = optimizer() if optimizer else keras.optimizers.SGD(RATE)
        chosen_loss = loss() if isinstance(loss, type) else loss
        model.compile(chosen, chosen_loss, metrics=[metric() for metric in metrics], **options)
        return model

    return made


def sequential(*parts, activation="softmax"):
    """A Sequential that no input has been told."""
    return lambda: keras.Sequential([*(part() for part in parts), layers.Dense(4, activation)])


def focal(labels, probabilities):
    chosen = keras.ops.take_along_axis(probabilities, keras.ops.cast(labels, "int32")[:, None], axis=1)[:, 0]
    return -((1 - chosen) ** 2) * keras.ops.log(chosen + 1e-7)


def weighted(labels, probabilities):
    weights = keras.ops.convert_to_tensor([1.0, 2.0, 0.5, 3.0], probabilities.dtype)
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities) * keras.ops.take(
        weights, keras.ops.cast(labels, "int32")
    )


def ordinal(labels, probabilities):
    places = keras.ops.arange(4, dtype=probabilities.dtype)
    return keras.ops.square(
        keras.ops.sum(probabilities * places, axis=-1) - keras.ops.cast(labels, probabilities.dtype)
    )


def for_one_hot(labels, probabilities):
    return -keras.ops.sum(labels * keras.ops.log(probabilities + 1e-7), axis=-1)


class OwnLoss(keras.losses.Loss):
    def call(self, labels, probabilities):
        return focal(labels, probabilities)


class Distilled(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.hidden, self.head = layers.Dense(8, "tanh"), layers.Dense(4, "softmax")
        self.teacher = keras.Sequential([keras.Input((144,)), layers.Dense(4, "softmax")])
        self.teacher.trainable = False

    def call(self, x):
        return self.head(self.hidden(x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        hard = super().compute_loss(x, y, y_pred, sample_weight)
        return 0.3 * hard + 0.7 * keras.ops.mean(keras.losses.kl_divergence(self.teacher(x), y_pred))


def distilled():
    model = Distilled()
    model(torch.zeros((1, 144), dtype=torch.float64))
    return model


class Stochastic(layers.Layer):
    def call(self, x, training=False):
        return x * 0 if training and random.random() < 0.3 else x


class Epoch(layers.Layer):
    def __init__(self):
        super().__init__()
        self.state = {"calls": 0}

    def call(self, x):
        self.state["calls"] += 1
        return x * 2 if self.state["calls"] > 10 else x


class Average(layers.Layer):
    def build(self, shape):
        self.mean = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(x, axis=0))
        return x - keras.ops.stop_gradient(self.mean)


def hooked_kernel():
    model = flat(layers.Dense(8, "tanh"))
    model.layers[0].kernel.value.register_hook(torch.zeros_like)
    return model


def images_in(*parts, shape=(12, 12, 1)):
    return lambda: keras.Sequential(
        [keras.Input(shape), *(part() for part in parts), layers.Flatten(), layers.Dense(4, "softmax")]
    )


Scaled = keras.optimizers.LossScaleOptimizer
ONE_HOT = "one-hot"
KERAS = {
    "a plain network": (compiled(lambda: flat(layers.Dense(8, "tanh"))), None),
    "a loss scale factor": (
        compiled(lambda: flat(layers.Dense(8)), optimizer=lambda: keras.optimizers.SGD(RATE, loss_scale_factor=1024.0)),
        None,
    ),
    "a loss scale factor and Adam": (
        compiled(lambda: flat(layers.Dense(8)), optimizer=lambda: keras.optimizers.Adam(0.01, loss_scale_factor=64.0)),
        None,
    ),
    "LossScaleOptimizer": (
        compiled(lambda: flat(layers.Dense(8)), optimizer=lambda: Scaled(keras.optimizers.SGD(RATE))),
        "scales the loss",
    ),
    "LossScaleOptimizer that grows": (
        compiled(
            lambda: flat(layers.Dense(8)),
            optimizer=lambda: Scaled(keras.optimizers.Adam(0.01), initial_scale=8.0, dynamic_growth_steps=3),
        ),
        "scales the loss",
    ),
    "compute_loss": (compiled(distilled), "compute_loss"),
    "one-hot": (compiled(lambda: flat(layers.Dense(8)), "categorical_crossentropy"), None, ONE_HOT),
    "one-hot with smoothing": (
        compiled(lambda: flat(layers.Dense(8)), keras.losses.CategoricalCrossentropy(label_smoothing=0.1)),
        None,
        ONE_HOT,
    ),
    "mean squares": (compiled(lambda: flat(layers.Dense(8)), "mse"), None, ONE_HOT),
    "F1, one value a class": (
        compiled(lambda: flat(layers.Dense(8)), "categorical_crossentropy", metrics=(keras.metrics.F1Score,)),
        None,
        ONE_HOT,
    ),
    "own focal loss": (compiled(lambda: flat(layers.Dense(8)), focal), None),
    "own weighted loss": (compiled(lambda: flat(layers.Dense(8)), weighted), None),
    "own ordinal loss": (compiled(lambda: flat(layers.Dense(8)), ordinal), None),
    "own loss for one-hot": (compiled(lambda: flat(layers.Dense(8)), for_one_hot), None, ONE_HOT),
    "a Loss subclass": (compiled(lambda: flat(layers.Dense(8)), OwnLoss), None),
    "CategoricalGeneralizedCrossEntropy": (
        compiled(lambda: flat(layers.Dense(8)), keras.losses.CategoricalGeneralizedCrossEntropy),
        "",
    ),
    "CategoricalFocalCrossentropy": (
        compiled(lambda: flat(layers.Dense(8)), keras.losses.CategoricalFocalCrossentropy),
        None,
        ONE_HOT,
    ),
    "unbuilt, normalised rows": (compiled(sequential(layers.LayerNormalization, layers.Flatten)), None),
    "unbuilt, dense": (compiled(sequential(layers.Flatten, lambda: layers.Dense(8, "tanh"))), None),
    "unbuilt, dense over rows": (compiled(sequential(lambda: layers.Dense(8, "tanh"), layers.Flatten)), None),
    "unbuilt, recurrent": (compiled(sequential(lambda: layers.LSTM(6))), ""),
    "a layer that counts": (compiled(lambda: flat(Epoch())), "it changes"),
    "a layer that draws": (compiled(lambda: flat(Stochastic())), "Python's random"),
    "a layer's own average": (compiled(lambda: flat(layers.Dense(8), Average())), None),
    "a hook on a kernel": (compiled(hooked_kernel), "hook"),
    "an activity regulariser": (compiled(lambda: flat(layers.Dense(8, activity_regularizer="l2"))), None),
    "renorm": (compiled(lambda: flat(layers.Dense(8), layers.BatchNormalization(renorm=True))), ""),
    "batch norm": (compiled(lambda: flat(layers.Dense(8), layers.BatchNormalization())), None),
    "masked and recurrent": (
        compiled(images_in(lambda: layers.Masking(0.3), lambda: layers.GRU(5), shape=(12, 12))),
        "",
    ),
    "both ways": (compiled(images_in(lambda: layers.Bidirectional(layers.LSTM(4)), shape=(12, 12))), ""),
    "channels first": (
        compiled(images_in(lambda: layers.Conv2D(3, 3, data_format="channels_first"), shape=(1, 12, 12))),
        "",
    ),
    "any size": (
        compiled(images_in(lambda: layers.Conv2D(3, 3), layers.GlobalAveragePooling2D, shape=(None, None, 1))),
        None,
    ),
}
