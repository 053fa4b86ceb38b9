"""The recipe's optimisers against Keras's own, step by step."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from fittingroom.training import optimizers
from fittingroom.training.optimizers import bound
from fittingroom.training.recipe import Recipe, resolved
from fittingroom.training.step import adapt
from helpers.networks import convolutional, dense, keras, plain_module

KERAS = {
    "rmsprop": (Recipe(optimizer="rmsprop"), lambda: keras.optimizers.RMSprop()),
    "adam": (Recipe(optimizer="adam"), lambda: keras.optimizers.Adam()),
    "adamw": (Recipe(optimizer="adamw"), lambda: keras.optimizers.AdamW()),
    "sgd": (Recipe(optimizer="sgd"), lambda: keras.optimizers.SGD()),
    "momentum": (Recipe(optimizer="sgd", momentum=0.9), lambda: keras.optimizers.SGD(momentum=0.9)),
    "nesterov": (
        Recipe(optimizer="sgd", momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
}


def gradients(flat, step):
    return torch.randn(flat.parameters.shape, generator=torch.Generator().manual_seed(step)).to(flat.parameters.dtype)


def ours_and_keras(name, steps=50):
    recipe, make = KERAS[name]
    recipe = resolved(recipe)
    ours, theirs = dense(), dense()
    theirs.set_weights(ours.get_weights())
    keras_optimizer = make()
    with bound(adapt(ours, (12, 12))) as flat, bound(adapt(theirs, (12, 12))) as other:
        rule = optimizers.build(flat, recipe)
        for step in range(steps):
            flat.gradients.copy_(gradients(flat, step))
            with torch.no_grad():
                rule.update(recipe.learning_rate, step + 1)
                keras_optimizer.apply(list(other.views_of(gradients(other, step))), theirs.trainable_variables)
        return flat.parameters.clone(), other.parameters.clone()


@pytest.mark.parametrize("name", KERAS)
def test_50_steps_equal_keras_in_float64(name, float64):
    ours, theirs = ours_and_keras(name)
    assert ours.dtype == torch.float64
    # Keras keeps its learning rate and Adam's powers in float32 variables, even here
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", KERAS)
def test_50_steps_equal_keras_in_float32(name):
    ours, theirs = ours_and_keras(name)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_every_entry_of_the_table_is_called_alike_and_moves_every_weight(name):
    with bound(adapt(convolutional(), (12, 12))) as flat, torch.no_grad():
        rule = optimizers.OPTIMIZERS[name](flat, resolved(Recipe(optimizer=name)))
        before = flat.parameters.clone()
        flat.gradients.copy_(gradients(flat, 0))
        rule.update(0.1, 1)
        assert bool((flat.parameters != before).all())


def test_the_table_has_the_recipes_choices():
    choices = next(entry for entry in fields(Recipe) if entry.name == "optimizer").metadata["choices"]
    assert tuple(optimizers.OPTIMIZERS) == choices


def test_orthogonalised_brings_all_singular_values_near_one():
    for shape in ((9, 4), (4, 9), (5, 5)):
        matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(optimizers.orthogonalised(matrix))
        assert 0.5 < float(values.min()) <= float(values.max()) < 1.3


@pytest.mark.parametrize("make", [dense, plain_module])
def test_muon_moves_kernels_by_orthogonal_steps_and_the_rest_by_adam(make):
    functional = adapt(make(), (12, 12))
    with bound(functional) as flat, torch.no_grad():
        rule = optimizers.build(flat, Recipe(optimizer="muon", weight_decay=0.0))
        before = [view.clone() for view in flat.parameter_views]
        flat.gradients.copy_(gradients(flat, 0))
        rule.update(0.1, 1)
        for view, old, axis in zip(flat.parameter_views, before, functional.kernel_axes, strict=True):
            step = view - old
            if axis is None:
                np.testing.assert_allclose(step.abs(), 0.01, rtol=1e-3)
            else:
                values = torch.linalg.svdvals(step.movedim(axis, -1).reshape(-1, step.shape[axis]))
                assert float(values.max() / values.min()) < 2.5


@pytest.mark.parametrize(("momentum", "turns"), [(0.0, True), (0.95, False)])
def test_muon_without_momentum_turns_at_once_where_with_it_the_last_gradients_still_pull(momentum, turns):
    functional = adapt(dense(), (12, 12))
    with bound(functional) as flat, torch.no_grad():
        rule = optimizers.build(flat, resolved(Recipe(optimizer="muon", momentum=momentum)))
        kernel = next(
            view for view, axis in zip(flat.parameter_views, functional.kernel_axes, strict=True) if axis is not None
        )
        steps = []
        for sign in (1, 1, 1, -0.1):
            before = kernel.clone()
            flat.gradients.copy_(gradients(flat, 0) * sign)
            rule.update(0.1, len(steps) + 1)
            steps.append(kernel - before)
        assert (float((steps[-1] * steps[0]).sum()) < 0) is turns


def test_momentum_left_out_is_what_the_optimizer_is_known_for():
    assert [resolved(Recipe(optimizer=name)).momentum for name in ("muon", "sgd", "adam")] == [0.95, 0.0, 0.0]


def test_clip_scales_down_to_the_limit_and_leaves_smaller_gradients():
    large, small = torch.full((4,), 10.0), torch.full((4,), 0.1)
    optimizers.clip(large, 1.0)
    optimizers.clip(small, 1.0)
    assert float(large.norm()) == pytest.approx(1.0, abs=1e-5)
    assert small.tolist() == pytest.approx([0.1] * 4)
