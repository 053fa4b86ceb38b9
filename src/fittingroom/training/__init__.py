"""Training: the recipe, the traced step, the loop and its checkpoints. It is never given the test split."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fittingroom.training.recipe import Recipe
    from fittingroom.training.trainer import resume, train_model

_HOMES = {"Recipe": "recipe", "resume": "trainer", "train_model": "trainer"}

__all__ = ["Recipe", "resume", "train_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fittingroom.training' has no attribute '{name}'")
    value = getattr(import_module(f"fittingroom.training.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
