"""A step of a training: the model made ready for it, the averages of its weights, and the parts put together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

import fittingroom.training.optimizers as optimizers
import fittingroom.training.schedules as schedules
from fittingroom.errors import ModelError, UsageError
from fittingroom.inference.forward import make_infer
from fittingroom.models.front import pixel_scale, read_pixels
from fittingroom.models.functional_model import as_functional, first_words
from fittingroom.training.augment import Generators
from fittingroom.training.batching import alters, make_batcher
from fittingroom.training.checkpoint import group, grouped, restore
from fittingroom.training.gradients import keep_bound, make_compute
from fittingroom.training.optimizers import Flat, only, owners_optimizer
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.models.functional_model import FunctionalModel
    from fittingroom.progress import Log
    from fittingroom.training.batching import TrainingData
    from fittingroom.training.losses import Objective
    from fittingroom.training.ranks import Ranks
    from fittingroom.training.recipe import Recipe


def adapt(model: Any, image_shape: tuple[int, int], *, pixels: str = "unit") -> FunctionalModel:
    """Return a Keras model or torch module that is to be trained as pure functions.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module``.
        image_shape: ``(h, w)`` of the images it will see.
        pixels: "unit" to feed 0..1, "raw" to feed 0..255.

    Raises:
        ModelError: neither of the two, it does not fit the images, has nothing to train, scales pixels that are already
            scaled, or trains by its own step.
    """
    functional = as_functional(model, image_shape)
    if not functional.parameters:
        kind = "Model" if functional.is_keras else "Module"
        raise ModelError(
            f"{kind} '{functional.name}' has nothing to train: all its weights are frozen, or it has none."
        )
    if functional.is_keras:
        _refuse_own_step(model)
        _refuse_other_pixels(model, pixels)
    return functional


def _refuse_own_step(model: Any) -> None:
    import keras

    for name in ("train_step", "make_train_function", "test_step", "make_test_function", "compute_metrics"):
        if getattr(type(model), name) is not getattr(keras.Model, name) or name in vars(model):
            raise ModelError(
                f"Model '{model.name}' has its own {name}, which only model.fit runs. Use model.fit for it."
            )


def _refuse_other_pixels(model: Any, pixels: str) -> None:
    made_for = read_pixels(model)
    if made_for is not None and made_for != pixels:
        ranges = {"unit": "0 to 1", "raw": "0 to 255"}
        raise ModelError(
            f"Model '{model.name}' begins with a scaling that is made for pixels of {ranges[made_for]}, and the recipe "
            f"feeds it {ranges[pixels]}: scaled twice, it learns nothing. Remove the layer, or say pixels = "
            f"'{made_for}' in the recipe."
        )


def refuse_one_image(functional: FunctionalModel, images: int, batch_size: int, ranks: Ranks | None = None) -> None:
    """Raise where the last batch of an epoch would hold one image and a torch module cannot be trained on one.

    Args:
        functional: the model; nothing it remembers is changed.
        images: in an epoch.
        batch_size: of the recipe.
        ranks: of whose shares of a batch none may hold one image either.

    Raises:
        ModelError: says what the module says, and what to do.
    """
    left_over = images % batch_size
    sizes = {left_over}
    if ranks is not None:
        sizes = ranks.share_sizes(left_over) | ranks.share_sizes(batch_size)
    if 1 not in sizes or functional.is_keras:
        return
    like = functional.like
    try:
        with functional.unmoved(), torch.no_grad():
            functional.call(torch.zeros((1, *functional.input_shape), dtype=like.dtype, device=like.device), True)
            functional.settle()
    except Exception as error:  # batch normalisation says ValueError
        raise ModelError(
            f"Module '{functional.name}' cannot be trained on one image, and the last batch of an epoch would hold "
            f"one{'' if ranks is None else ' for a rank'}. Choose another batch size, or leave one image out. It says: "
            f"{first_words(error)}."
        ) from error


class Averaging:
    """A running average of the weights, as the recipe has it; without one, nothing happens.

    ``ema``: average = decay * average + (1 - decay) * weights. ``lookahead``: the same, and then the weights are set to
    the average (M. Zhang and others, arXiv 1907.08610). The average starts from the first weights.

    Args:
        weights: all parameters, float ``(p,)``.
        recipe: its averaging, averaging_decay and averaging_every.

    Attributes:
        state: tensors by name; saved in a checkpoint.
        use: whether the average, not the weights themselves, is what is evaluated and kept.
    """

    def __init__(self, weights: Tensor, recipe: Recipe) -> None:
        used = resolved(recipe)
        self.use, self._looks_ahead = recipe.averaging == "ema", recipe.averaging == "lookahead"
        self._weights = weights
        self._every, self._share = int(used.averaging_every), 1 - float(used.averaging_decay)
        self.state = {"average": weights.clone()} if self.use or self._looks_ahead else {}

    def after_step(self, step: int) -> None:
        """Take the weights after an update into the average.

        Args:
            step: counted from 1.
        """
        if not self.state or step % self._every:
            return
        average = self.state["average"].lerp_(self._weights, self._share)
        if self._looks_ahead:
            self._weights.copy_(average)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average in the weights' place for as long as the block lasts, where it is to be used."""
        if not self.use:
            yield
            return
        own = self._weights.clone()
        with torch.no_grad():
            self.finish()
            try:
                yield
            finally:
                self._weights.copy_(own)

    def finish(self) -> None:
        """Put the average in the weights' place for good, where it is to be used."""
        if self.use:
            self._weights.copy_(self.state["average"])


class Session:
    """A model with everything that a step of its training needs: parts put together, step traced, all chance seeded.

    Args:
        functional: the model, bound to ``flat``.
        flat: its parameters and gradients.
        data: training images and labels as tensors.
        recipe: resolved.
        objective: loss and metrics.
        seed: of shuffling, augmentation and dropout.
        log: told the reason where the step cannot be traced.
        ranks: this process's place where several train together; None for one alone.
        outputs: how many the model has.

    Attributes:
        compute: loss and gradients of a batch.
        infer: outputs without training.
        traces: whether steps are traced, where they can be.
        optimizer: the recipe's, or the owner's.
        averaging: of the weights.
        owns_rate: whether the rate is the model's own optimiser's, and the recipe's is not used.
        rate_factor: what callbacks have multiplied the rate by.
    """

    def __init__(
        self,
        functional: FunctionalModel,
        flat: Flat,
        data: TrainingData,
        recipe: Recipe,
        objective: Objective,
        *,
        seed: int,
        log: Log,
        ranks: Ranks | None = None,
        outputs: int = 10,
    ) -> None:
        torch.manual_seed(seed)
        self.ranks, self.outputs = ranks, outputs
        self.functional, self.flat, self.data, self.recipe, self.objective = functional, flat, data, recipe, objective
        self.generators = Generators(Generator(data.device).manual_seed(seed + 1), Generator().manual_seed(seed + 2))
        dtype = flat.parameters.dtype
        share = None if ranks is None else ranks.share
        self.batcher = make_batcher(data.images, functional.input_shape, dtype, recipe, self.generators, share)
        self.owns_rate = is_compiled(functional)
        self.traces, self._log = recipe.trace, log
        self._rule = None if self.owns_rate else optimizers.build(flat, recipe)
        self.renew()
        self.averaging = Averaging(flat.parameters, recipe)
        self.rate = schedules.learning_rate_at(recipe, data.steps(recipe.batch_size))
        self.rate_factor = 1.0
        self._good: dict[str, Tensor] = {}

    def renew(self, *, trace: bool = True) -> None:
        """Make everything anew that holds settings of layers and optimiser as constants; they have changed.

        Args:
            trace: off to compute all that follows eagerly.

        Raises:
            UsageError: what was frozen when training began is trainable now.
        """
        self.traces = self.traces and trace
        trained = trained_now(self.functional)
        keep_bound(self.functional, self.flat)
        self.compute = make_compute(
            self.functional,
            self.objective.loss,
            self.flat,
            trace=self.traces,
            log=self._log,
            ranked=not self.owns_rate,
            scaled=self.objective.scaled,
        )
        self.infer = make_infer(self.functional, scale=pixel_scale(self.recipe.pixels), trace=self.traces)
        model = self.functional.model
        variables = list(model.trainable_variables) if self.functional.is_keras else []
        if self._rule is None:
            flat = only(self.flat, trained)
            self.optimizer = owners_optimizer(model.optimizer, variables, flat, trace=self.traces)
        else:
            rule = optimizers.leaving_out(self._rule, self.flat, trained)
            self.optimizer = optimizers.constrained(rule, variables)

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
            The loss (no axes) and the outputs ``(n, c)``, before the update; where several processes train together,
            of this one's share of the batch.
        """
        if self.ranks is None:
            loss, outputs = self.compute(*self.batcher(rows, labels, epoch))
        else:
            loss, outputs = self._together(self.ranks, rows, labels, epoch)
        if self.recipe.gradient_clip and not self.owns_rate:
            optimizers.clip(self.flat.gradients, self.recipe.gradient_clip)
        self.optimizer.update(0.0 if self.owns_rate else self.rate(step) * self.rate_factor, step + 1)
        self.averaging.after_step(step + 1)
        return loss, outputs

    def _together(self, ranks: Ranks, rows: Tensor, labels: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Compute this rank's share of a batch, and leave the gradients of the whole batch."""
        inputs, targets = self.batcher(rows, labels, epoch)
        if len(inputs):
            loss, outputs = self.compute(inputs, targets)
        else:  # of an epoch's last, small batch
            loss, outputs = self.flat.gradients.new_zeros(()), self.flat.gradients.new_zeros((0, 1))
        ranks.sum_gradients(self.flat.gradients, len(inputs), len(rows))
        return loss, outputs

    def reads(self, rows: Tensor) -> Tensor:
        """Return which of a batch's images this process reads: all, unless it computes a share that no chance alters.

        Args:
            rows: of the batch.
        """
        return rows if self.ranks is None or alters(self.recipe) else rows[self.ranks.share(len(rows))]

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
        if self.data.device.type == "cuda":
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


def is_compiled(functional: FunctionalModel) -> bool:
    """Say whether the model is a Keras model that its owner has compiled."""
    return functional.is_keras and bool(functional.model.compiled)


def trained_now(functional: FunctionalModel) -> tuple[bool, ...]:
    """Say of each of the parameters whether it is trained still: a callback may have frozen it.

    Raises:
        UsageError: one that was frozen when training began is trainable now; ``fit`` cannot train that either.
    """
    model = functional.model
    if functional.is_keras:
        living = {id(variable.value): variable.path for variable in model.trainable_variables}
    else:
        living = {id(value): name for name, value in model.named_parameters() if value.requires_grad}
    known = {id(parameter) for parameter in functional.parameters}
    new = [name for key, name in living.items() if key not in known]
    if new:
        raise UsageError(
            f"A callback made {new[0]} trainable, which was not when training began, so that the optimiser does not "
            "know it (model.fit refuses it too). Let it be trainable at first and freeze it in on_train_begin, or "
            "train twice."
        )
    return tuple(id(parameter) in living for parameter in functional.parameters)
