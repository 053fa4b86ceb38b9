"""A checkpoint: one safetensors file that holds tensors and, in its header, the rest as JSON. Never pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.errors import RunError, TrainingError
from fittingroom.files import atomic_write, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

FILE = "state.safetensors"
FORMAT = "fittingroom/checkpoint/1"
FACTS = {  # what a training goes on from: `fittingroom.files.KINDS`
    "recipe": "dict",
    "seed": "int",
    "architecture": "str | None",
    "epoch": "int",
    "step": "int",
    "seconds": "float",
    "history": "list",
    "stopped": "str | None",
    "rate_factor": "float",
    "callbacks": "list",
    "changed": "list | None",
}


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on as if nothing had happened.

    Attributes:
        tensors: weights, optimiser, averages, random states, and what the epoch under way has recorded, by name; living
            ones, to be written before training goes on.
        facts: what fits in JSON: epoch, step, history, recipe, seed.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in the place of the one before it, whole or not at all.

    Args:
        folder: made where it is missing.
        checkpoint: its tensors may be on any device and are copied.

    Raises:
        TrainingError: the disk is full or the folder cannot be written; one made before is still there.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in checkpoint.tensors.items()}
    content = save(tensors, metadata={"format": FORMAT, "facts": json.dumps(checkpoint.facts)})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / FILE, content)
    except OSError as error:
        if (folder / FILE).exists():
            rest = "The one before is kept; make room and go on with --resume."
        else:
            rest = "There is none before it; make room and begin again."
        raise TrainingError(f"{folder}: the checkpoint cannot be written: {error.strerror}. {rest}") from error


def read(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        RunError: there is none, or it is not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        raise RunError(f"{path}: no checkpoint to go on from. Has the training ended, or not yet begun?")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    except SafetensorError as error:
        raise RunError(f"{path}: expected a checkpoint, cannot read it: {error}.") from None
    if metadata.get("format") != FORMAT:
        raise RunError(f"{path}: expected format {FORMAT}, found {metadata.get('format')}.")
    facts = parse_object(metadata.get("facts", ""), FACTS, str(path), RunError, all_numbers=True)
    return Checkpoint(tensors, facts)


def grouped(groups: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return groups of named tensors as one, ``group/name`` each."""
    return {f"{group}/{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}


def group(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return one group of what ``grouped`` put together.

    Example:
        >>> import torch
        >>> list(group({"a/x": torch.zeros(1), "b/x": torch.zeros(1)}, "a"))
        ['x']
    """
    prefix = f"{name}/"
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def restore(places: Mapping[str, Tensor], values: Mapping[str, Tensor], what: str) -> None:
    """Copy saved tensors into the living ones of the same names.

    Args:
        places: living tensors, written in place.
        values: saved tensors.
        what: for the message.

    Raises:
        RunError: the names or shapes differ: the checkpoint is of another model or recipe.
    """
    import torch

    if places.keys() != values.keys() or any(places[name].shape != values[name].shape for name in places):
        raise RunError(f"The checkpoint's {what} do not fit: it is of another model or another recipe.")
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(values[name])
