"""Every optimiser of Keras and every option that looks at the step: traced as ours, or kept outside of the trace."""

import pytest
import torch

from fittingroom.training.optimizers import TRACEABLE, bound, can_be_traced, owners_optimizer
from fittingroom.training.step import adapt
from helpers.networks import dense, keras

STEPS = 30
BASES = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"}
ALL = sorted(
    name
    for name, value in vars(keras.optimizers).items()
    if isinstance(value, type) and issubclass(value, keras.optimizers.Optimizer) and name not in BASES
)
schedules = keras.optimizers.schedules
OPTIONS = {
    "plain": {},
    "gradient accumulation": {"gradient_accumulation_steps": 4},
    "ema": {"use_ema": True},
    "ema overwriting": {"use_ema": True, "ema_overwrite_frequency": 3},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.1},
    "global clipnorm": {"global_clipnorm": 0.5},
    "weight decay": {"weight_decay": 0.1},
    "loss scale": {"loss_scale_factor": 8.0},
    "exponential decay": {"learning_rate": lambda: schedules.ExponentialDecay(0.1, 5, 0.5)},
    "piecewise": {"learning_rate": lambda: schedules.PiecewiseConstantDecay([5, 10], [0.1, 0.01, 0.001])},
    "cosine": {"learning_rate": lambda: schedules.CosineDecay(0.1, 20, warmup_target=0.2, warmup_steps=5)},
}


def after_training(name, options, *, trace):
    model = dense()
    values = {key: value() if callable(value) else value for key, value in options.items()}
    optimizer = getattr(keras.optimizers, name)(**values)
    with bound(adapt(model, (12, 12))) as flat, torch.no_grad():
        ours = owners_optimizer(optimizer, list(model.trainable_variables), flat, trace=trace)
        generator = torch.Generator().manual_seed(0)
        for step in range(STEPS):
            flat.gradients.copy_(torch.randn(flat.parameters.shape, generator=generator))
            ours.update(0.0, step + 1)
        return flat.parameters.clone(), can_be_traced(optimizer), int(optimizer.iterations)


def assert_traced_is_eager(name, options):
    traced, can, count = after_training(name, options, trace=True)
    eager, _, other = after_training(name, options, trace=False)
    assert count == other
    assert torch.equal(traced, eager), f"{name}: traced: {can}"
    return can


@pytest.mark.parametrize("name", ALL)
def test_every_keras_optimizer_is_equal_to_the_bit_or_outside_the_trace(name):
    assert assert_traced_is_eager(name, {}) == (name in TRACEABLE)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ["RMSprop", "AdamW"])
def test_every_option_that_looks_at_the_step_is_equal_to_the_bit_or_outside_the_trace(name, option):
    assert_traced_is_eager(name, OPTIONS[option])


def test_what_traces_and_is_wrong_is_kept_outside():
    optimizers = keras.optimizers
    assert not can_be_traced(optimizers.Nadam())
    assert not can_be_traced(optimizers.Adam(gradient_accumulation_steps=2))
    assert not can_be_traced(optimizers.Adam(use_ema=True, ema_overwrite_frequency=2))
    assert not can_be_traced(optimizers.LossScaleOptimizer(optimizers.Adam()))


def test_a_subclass_is_kept_outside_even_under_the_same_name():
    mine = type("Adam", (keras.optimizers.Adam,), {"__module__": "mine"})
    assert not can_be_traced(mine())


def test_a_change_of_the_learning_rate_reaches_the_trace():
    model = dense()
    optimizer = keras.optimizers.RMSprop()
    with bound(adapt(model, (12, 12))) as flat, torch.no_grad():
        ours = owners_optimizer(optimizer, list(model.trainable_variables), flat, trace=True)
        optimizer.learning_rate = 0.0
        before = flat.parameters.clone()
        flat.gradients.fill_(1.0)
        ours.update(0.0, 1)
        assert torch.equal(flat.parameters, before)
