"""A training under way: the parts of a step put together, and their state to save and restore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from fittingroom.training import optimizers, schedules
from fittingroom.training.augment import Generators
from fittingroom.training.averaging import Averaging, make_averaging
from fittingroom.training.batching import Batcher, make_batcher
from fittingroom.training.checkpoint import group, grouped, restore
from fittingroom.training.compute import make_compute
from fittingroom.training.keras_optimizer import owners_optimizer

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.data import TrainingData
    from fittingroom.training.flat import Flat
    from fittingroom.training.gradients import Compute
    from fittingroom.training.objective import Objective
    from fittingroom.training.optimizers import Optimizer
    from fittingroom.training.recipe import Recipe

Log = Callable[[str], None]


@dataclass
class Session:
    """Everything that a step needs.

    Attributes:
        functional: the model.
        flat: its parameters and gradients.
        data: training images and labels as tensors.
        recipe: resolved.
        objective: loss and metrics.
        compute: loss and gradients of a batch.
        optimizer: the recipe's, or the owner's.
        averaging: of the weights.
        batcher: rows to inputs.
        generators: random numbers of the augmentation.
        rate: of a step, from 0.
        rate_factor: what callbacks have multiplied the rate by.
        owns_rate: whether the rate is the model's own optimiser's, and the recipe's is not used.
    """

    functional: FunctionalModel
    flat: Flat
    data: TrainingData
    recipe: Recipe
    objective: Objective
    compute: Compute
    optimizer: Optimizer
    averaging: Averaging
    batcher: Batcher
    generators: Generators
    rate: Callable[[int], float]
    owns_rate: bool
    rate_factor: float = field(default=1.0)
    _good: dict[str, Tensor] = field(default_factory=dict)

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0 over the whole training."""
        if self.owns_rate:
            return float(self.functional.model.optimizer.learning_rate)
        return self.rate(step) * self.rate_factor

    def take_step(self, rows: Tensor, labels: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """Train on one batch.

        Args:
            rows: which images, int64 ``(n,)``.
            labels: theirs, int64 ``(n,)``.
            epoch: counted from 1.
            step: counted from 0 over the whole training.

        Returns:
            The loss (no axes) and the outputs ``(n, c)``, before the update.
        """
        loss, outputs = self.compute(*self.batcher(rows, labels, epoch))
        if self.recipe.gradient_clip and not self.owns_rate:
            optimizers.clip(self.flat.gradients, self.recipe.gradient_clip)
        self.optimizer.update(0.0 if self.owns_rate else self.rate(step) * self.rate_factor, step + 1)
        if self.functional.constrain is not None and not self.owns_rate:
            self.functional.constrain()
        if self.averaging.after_step is not None:
            self.averaging.after_step(step + 1)
        return loss, outputs

    def tensors(self) -> dict[str, Tensor]:
        """Return all state that is not in the recipe, living, by name."""
        return grouped(
            {
                "parameters": dict(zip(self.functional.parameter_names, self.flat.parameter_views, strict=True)),
                "buffers": {str(index): buffer for index, buffer in enumerate(self.functional.buffers)},
                "optimizer": self.optimizer.state,
                "averaging": self.averaging.state,
            }
        )

    def remember(self) -> None:
        """Keep a copy of the state, to go back to where the epoch that follows goes wrong."""
        self._good = {name: tensor.clone() for name, tensor in self.tensors().items()}

    def roll_back(self) -> None:
        """Go back to what was last remembered."""
        restore(self.tensors(), self._good, "weights")

    def random_states(self) -> dict[str, Tensor]:
        """Return the states of all random generators that training draws from."""
        states = {
            "layers": torch.get_rng_state(),
            "images": self.generators.images.get_state(),
            "batch": self.generators.batch.get_state(),
        }
        if self.data.images.is_cuda:
            states["layers_cuda"] = torch.cuda.get_rng_state()
        return states

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up state that ``tensors`` and ``random_states`` (under "random") returned.

        Raises:
            RunError: it is of another model or recipe.
        """
        living = self.tensors()
        saved = {name: value for name, value in tensors.items() if name.split("/")[0] not in ("random", "record")}
        restore(living, saved, "weights")
        random = group(tensors, "random")
        torch.set_rng_state(random["layers"])
        self.generators.images.set_state(random["images"])
        self.generators.batch.set_state(random["batch"])
        if "layers_cuda" in random:
            torch.cuda.set_rng_state(random["layers_cuda"])


def open_session(
    functional: FunctionalModel,
    flat: Flat,
    data: TrainingData,
    recipe: Recipe,
    objective: Objective,
    *,
    seed: int,
    log: Log,
) -> Session:
    """Put the parts together, trace the step, and seed all chance.

    Args:
        functional: the model, bound to ``flat``.
        flat: its parameters and gradients.
        data: what to train on.
        recipe: resolved.
        objective: loss and metrics.
        seed: of shuffling, augmentation and dropout.
        log: told the reason where the step cannot be traced.
    """
    torch.manual_seed(seed)
    generators = Generators(Generator(data.images.device).manual_seed(seed + 1), Generator().manual_seed(seed + 2))
    batcher = make_batcher(data.images, functional.input_shape, flat.parameters.dtype, recipe, generators)
    owns_rate = is_compiled(functional)
    compute = make_compute(functional, objective.loss, flat, trace=recipe.trace, log=log, ranked=not owns_rate)
    if owns_rate:
        model = functional.model
        optimizer = owners_optimizer(model.optimizer, list(model.trainable_variables), flat, trace=recipe.trace)
    else:
        optimizer = optimizers.build(flat, recipe, functional.kernel_axes)
    return Session(
        functional=functional,
        flat=flat,
        data=data,
        recipe=recipe,
        objective=objective,
        compute=compute,
        optimizer=optimizer,
        averaging=make_averaging(flat.parameters, recipe),
        batcher=batcher,
        generators=generators,
        rate=schedules.learning_rate_at(recipe, data.steps(recipe.batch_size)),
        owns_rate=owns_rate,
    )


def is_compiled(functional: FunctionalModel) -> bool:
    """Say whether the model is a Keras model that its owner has compiled."""
    return functional.is_keras and bool(functional.model.compiled)
