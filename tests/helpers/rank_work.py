"""What ranks do in the tests: small trainings, whole or disturbed."""

from __future__ import annotations

import os
import signal
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import fittingroom  # noqa: F401  (chooses the backend)

if TYPE_CHECKING:
    from pathlib import Path


def arrays(count: int = 81) -> tuple[np.ndarray, np.ndarray]:
    """As many images of 12x12 that the last batch of 20 holds one: of two ranks one has none of it."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, 12, 12), dtype=np.uint8), (np.arange(count) % 4).astype(np.uint8)


def in_float64() -> None:
    import keras
    from keras.src.backend.common import dtypes

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


def network(normalised: bool = False, dropout: float = 0.0) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    parts = [keras.Input((12, 12, 1)), layers.Conv2D(3, 3)]
    parts += [layers.BatchNormalization()] if normalised else []
    parts += [layers.ReLU(), layers.Flatten()]
    parts += [layers.Dropout(dropout)] if dropout else []
    return keras.Sequential([*parts, layers.Dense(4, "softmax")])


def fitted(float64: bool, normalised: bool, dropout: float, settings: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Train in memory; return the weights and the history."""
    from fittingroom.training.plan import plan_of
    from fittingroom.training.ranks import join
    from fittingroom.training.recipe import Recipe
    from fittingroom.training.trainer import fit

    warnings.simplefilter("error")
    if float64:
        in_float64()
    model = network(normalised, dropout)
    plan = plan_of(arrays(), Recipe(batch_size=20, **settings), 3, 16, (), print, join())
    state = fit(model, plan)
    return [np.asarray(weight) for weight in model.get_weights()], state.history


def command(words: list[str], trouble: str = "", rank: int = 0, step: int = 0) -> int:
    """Run the command line on this rank; where it is the one named, with trouble at a step."""
    from fittingroom.cli.app import main

    if int(os.environ["RANK"]) == rank and trouble:
        globals()[trouble](step)
    return main([word.replace("RANK", os.environ["RANK"]) for word in words])


def _at_step(step: int, act: Any) -> None:
    from fittingroom.training.step import Session

    take = Session.take_step

    def taken(self: Any, rows: Any, labels: Any, epoch: int, number: int) -> Any:
        loss, outputs = take(self, rows, labels, epoch, number)
        return act(loss, outputs) if number == step else (loss, outputs)

    Session.take_step = taken  # type: ignore[method-assign]


def kill(step: int) -> None:
    _at_step(step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))


def terminate(step: int) -> None:
    def act(loss: Any, outputs: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return loss, outputs

    _at_step(step, act)


def not_a_number(step: int) -> None:
    _at_step(step, lambda loss, outputs: (loss * float("nan"), outputs))


def full_disk(step: int) -> None:
    import fittingroom.training.checkpoint as checkpoints

    write, written = checkpoints.atomic_write, []

    def atomic_write(path: Path, content: Any) -> None:
        written.append(path)
        if len(written) > step:
            raise OSError(28, "No space left on device")
        write(path, content)

    checkpoints.atomic_write = atomic_write  # type: ignore[assignment]


def other_version(step: int) -> None:
    import fittingroom.training.ranks as ranks

    facts = ranks.facts_here
    import fittingroom.training.trainer as trainer

    trainer.facts_here = lambda: {**facts(), "version of torch": f"2.{step}.0"}  # type: ignore[assignment]
