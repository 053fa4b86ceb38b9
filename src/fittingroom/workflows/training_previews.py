"""`fittingroom train --preview` and `--find-lr`: what the network will get, and which learning rate suits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fittingroom.data import Log, no_log
from fittingroom.training.before_training import RateCurve, augmented_batches, find_rate
from fittingroom.training.plan import plan_of
from fittingroom.workflows.training import DEFAULT_DATASET, edited, found_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fittingroom.arrays import Array
    from fittingroom.training.recipe import Recipe


def find_learning_rate(
    model: Any = None,
    data: Any = DEFAULT_DATASET,
    *,
    recipe: Recipe | str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    seed: int = 0,
    validation: int | None = None,
    data_dir: str | Path | None = None,
    edits: str | Path | None = None,
    log: Log = no_log,
) -> RateCurve:
    """Train for some 200 steps with a learning rate that grows at each, and say which one suits.

    Nothing is kept: the model is left as it was. No held-out and no test image is looked at.

    Args:
        model: see `fittingroom.train`.
        data: likewise.
        recipe: likewise; its own rate and schedule are not used.
        settings: likewise.
        batch_size: likewise.
        device: likewise.
        seed: likewise.
        validation: how many training images to leave out, as `train` does.
        data_dir: likewise.
        edits: likewise.
        log: takes one line for the user.

    Raises:
        UsageError: an unknown name, or a compiled model's optimiser has a schedule.
        TrainingError: the loss falls at no rate.
    """
    shortcuts = {"batch_size": batch_size, "device": device}
    model, loaded, chosen, _ = found_by_name(model, data, recipe, settings, shortcuts, seed, data_dir, log)
    plan = plan_of(edited(loaded, edits, log), chosen, seed, validation, (), log)
    return find_rate(model, plan, log)


def preview(
    recipe: Recipe | str | Path | None = None,
    data: Any = DEFAULT_DATASET,
    *,
    settings: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    validation: int | None = None,
    epochs: int = 4,
    data_dir: str | Path | None = None,
    edits: str | Path | None = None,
    log: Log = no_log,
) -> list[Array]:
    """Return the first images of a training as they are, and as the network gets them in each epoch.

    Args:
        recipe: see `fittingroom.train`; its augmentation is what is seen.
        data: likewise.
        settings: likewise.
        batch_size: likewise.
        seed: likewise.
        validation: how many training images to leave out, as `train` does.
        epochs: how many.
        data_dir: likewise.
        edits: likewise.
        log: takes one line for the user.

    Returns:
        ``1 + epochs`` arrays of up to eight images ``(k, h, w)``, pixels in 0..255. The second is the beginning of the
        training's first batch, to the bit; the others are the same images as they may come in later epochs.
    """
    shortcuts = {"batch_size": batch_size}
    _, loaded, chosen, _ = found_by_name("walkthrough", data, recipe, settings, shortcuts, seed, data_dir, log)
    return augmented_batches(plan_of(edited(loaded, edits, log), chosen, seed, validation, (), log), epochs)
