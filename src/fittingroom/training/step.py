"""A step of a training: parameters in one stretch of memory, their averages, and the parts put together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

import fittingroom.training.optimizers as optimizers
import fittingroom.training.schedules as schedules
from fittingroom.training.augment import Generators
from fittingroom.training.batching import Batcher, make_batcher
from fittingroom.training.checkpoint import group, grouped, restore
from fittingroom.training.gradients import make_compute
from fittingroom.training.optimizers import Flat, owners_optimizer
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.training.batching import TrainingData
    from fittingroom.training.gradients import Compute
    from fittingroom.training.losses import Objective
    from fittingroom.training.optimizers import Optimizer
    from fittingroom.training.recipe import Recipe


@dataclass(frozen=True)
class Averaging:
    """A running average of the weights.

    Attributes:
        state: tensors by name; saved in a checkpoint.
        after_step: called with the step, counted from 1, after each update.
        use: whether the average, not the weights themselves, is what is evaluated and kept.
    """

    state: Mapping[str, Tensor]
    after_step: Callable[[int], None] | None
    use: bool


def make_averaging(weights: Tensor, recipe: Recipe) -> Averaging:
    """Return the recipe's averaging of a vector of weights.

    ``ema``: average = decay * average + (1 - decay) * weights. ``lookahead``: the same, and then the weights are set to
    the average (M. Zhang and others, arXiv 1907.08610). The average starts from the first weights.

    Args:
        weights: all parameters, float ``(p,)``.
        recipe: its averaging, averaging_decay and averaging_every.
    """
    if recipe.averaging == "none":
        return Averaging({}, None, use=False)
    average = weights.clone()
    used = resolved(recipe)
    every, share = int(used.averaging_every or 1), 1 - float(used.averaging_decay or 0.0)
    looks_ahead = recipe.averaging == "lookahead"

    def after_step(step: int) -> None:
        if step % every == 0:
            average.lerp_(weights, share)
            if looks_ahead:
                weights.copy_(average)

    return Averaging({"average": average}, after_step, use=not looks_ahead)


@contextmanager
def averaged(weights: Tensor, averaging: Averaging) -> Iterator[None]:
    """Put the average in the weights' place for as long as the block lasts, where it is to be used."""
    if not averaging.use:
        yield
        return
    own = weights.clone()
    with torch.no_grad():
        weights.copy_(averaging.state["average"])
        try:
            yield
        finally:
            weights.copy_(own)


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
