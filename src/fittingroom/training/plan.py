"""What is trained on and how, checked and put together before anything is made: `TrainingPlan`, and where it tells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, check_whole
from fittingroom.data import Dataset
from fittingroom.data.accepting import accept_pair
from fittingroom.data.dataset import divided
from fittingroom.errors import UsageError
from fittingroom.mapped_arrays import first_rows, is_large, pieces
from fittingroom.progress import Log, OnProgress, audible, no_log, no_progress
from fittingroom.training.callbacks import callback_list
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from fittingroom.training.checkpoint import Checkpoint
    from fittingroom.training.ranks import Ranks
    from fittingroom.training.recipe import Recipe

Line = dict[str, Any]
AT_ONCE = 10_000  # images that are hashed together


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained on, and how.

    Attributes:
        images: uint8 ``(n, h, w)``.
        labels: whole numbers ``(n,)``; of the rows alone, where there are some.
        recipe: how.
        seed: of shuffling, augmentation and dropout; the weights are the model's own when it comes.
        validation: images and labels to look at after every epoch, or None.
        callbacks: Keras callbacks.
        facts: what a run and its checkpoints remember of data and model besides.
        rows: int64, which of the images are trained on, where they stay in their file; None for all of them.
        ranks: this process's place where several train together; None for one alone.
    """

    images: Array
    labels: Array
    recipe: Recipe
    seed: int = 0
    validation: tuple[Array, Array] | None = None
    callbacks: Sequence[Any] = ()
    facts: Line = field(default_factory=dict)
    rows: Array | None = None
    ranks: Ranks | None = None

    def first_images(self, count: int) -> Array:
        """Return the first images that are trained on, uint8 ``(k, h, w)``."""
        return first_rows(self.images, count) if self.rows is None else next(pieces(self.images, count, self.rows))


@dataclass(frozen=True)
class Hooks:
    """Where what happens goes; by default nowhere.

    Attributes:
        log: takes one line for the user.
        on_progress: takes the progress, about twenty times an epoch.
        on_epoch: takes one line of the history an epoch.
        save: takes a checkpoint, or None to make none.
        snapshot: takes how many steps have been taken, how many epochs these are, and the weights to look at later,
            see `fittingroom.training.snapshots`; None to take none.
    """

    log: Log = no_log
    on_progress: OnProgress = no_progress
    on_epoch: Callable[[Line], None] = lambda _: None
    save: Callable[[Checkpoint], None] | None = None
    snapshot: Callable[[int, float, Sequence[Tensor]], None] | None = None


def plan_of(
    data: object,
    recipe: Recipe,
    seed: int,
    validation: object,
    callbacks: Any,
    log: Log,
    ranks: Ranks | None = None,
) -> TrainingPlan:
    """Check the data at the border, hold out validation images, and put together what is trained on and how.

    Images of a large file stay there: what is trained on and what is held out are then told by their rows.

    Args:
        data: a dataset, or images and labels in any form that `data.accepting` knows.
        recipe: how to train.
        seed: of shuffling, augmentation and dropout.
        validation: None, how many images to hold out, or images and labels.
        callbacks: Keras callbacks.
        log: takes one line for each choice that was made.
        ranks: this process's place where several train together.

    Raises:
        UsageError: an argument of the wrong kind.
        DataError: images or labels that are not what they should be.
    """
    log = audible(log)
    images, labels = accept_pair(data, "training", log)
    held_out = check_whole(validation, "validation", most=None) if isinstance(validation, int | np.integer) else None
    rows = held = None
    pair = images, labels
    if held_out is not None:
        kept, apart = divided(labels, held_out, seed=0)
        held = np.concatenate([*pieces(images, AT_ONCE, apart)]), labels[apart]
        if is_large(images):
            rows, pair = kept, (images, labels[kept])
        else:
            pair = images[kept], labels[kept]
    elif validation is not None:
        looked_at = accept_pair(_not_a_test_set(validation), "validation", log)
        held = (
            np.concatenate([*pieces(looked_at[0], AT_ONCE)]) if is_large(looked_at[0]) else looked_at[0],
            looked_at[1],
        )
    facts = {
        "dataset": data.name if isinstance(data, Dataset) else "arrays",
        "fingerprint": data.fingerprint if isinstance(data, Dataset) else _fingerprint(*pair, rows),
        "train_images": len(pair[1]),
        "validation_images": 0 if held is None else len(held[1]),
        "held_out": held_out,
        "class_names": list(data.class_names) if isinstance(data, Dataset) else None,
        "edits": data.edits.facts() if isinstance(data, Dataset) and data.edits is not None else None,
    }
    return TrainingPlan(*pair, recipe, seed, held, callback_list(callbacks), facts, rows, ranks)


def _fingerprint(images: Array, labels: Array, rows: Array | None) -> str:
    """Return 16 hex digits that name what is trained on, read in parts."""
    digest = hashlib.sha256()
    for part in pieces(images, AT_ONCE, rows):
        digest.update(np.ascontiguousarray(part).data)
    digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()[:16]


def _not_a_test_set(validation: object) -> object:
    """Return what is to validate on, or say why not: a share of the images, or a dataset whose part is not said."""
    if isinstance(validation, float):
        raise UsageError(
            f"validation: expected how many images to hold out, received {validation}. For a share pass "
            "validation=round(share * len(labels))."
        )
    if isinstance(validation, Dataset):
        raise UsageError(
            "validation: expected images and labels, received a Dataset. Pass a number to hold out, or a pair."
        )
    return validation


def refuse_alone(model: Any, plan: TrainingPlan) -> None:
    """Raise where what is to be trained by several ranks works in one process alone.

    Args:
        model: a Keras model or torch module.
        plan: of several ranks.

    Raises:
        UsageError: a compiled model, callbacks, or batches with fewer images than there are ranks.
    """
    assert plan.ranks is not None
    size, images = plan.ranks.size, min(plan.recipe.batch_size, len(plan.labels))
    if getattr(model, "compiled", False):
        raise UsageError(
            f"Model '{model.name}' is compiled, and several ranks are trained by the recipe's loss and optimizer "
            "alone. Pass it without compiling it, or train it in one process."
        )
    if plan.callbacks:
        raise UsageError("Expected no callbacks with several ranks: they know of one process. Leave them out.")
    if images < size:
        raise UsageError(
            f"Expected batches of at least {counted(size, 'image')}, one for each rank, received {images}. Choose a "
            "larger batch_size, or fewer ranks."
        )
