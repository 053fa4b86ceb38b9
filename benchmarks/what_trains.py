"""Does each model of the tests train as in its framework's own loop, and is each container of images taken?

Prints a page of tables, docs/what-trains.md. Exit code 1 where something differs.
"""

from __future__ import annotations

import contextlib
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import torch

sys.path.append(str(Path(__file__).parent.parent / "tests"))

from fittingroom.data import no_log
from fittingroom.data.accepting import accept_pair
from fittingroom.errors import FittingRoomError
from helpers import containers
from helpers.framework_loops import BATCH, EPOCHS, Comparison, compare_keras, compare_torch, keras
from helpers.odd_models import KERAS, TORCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGES = 70
INTRO = f"""<!-- Written by `make what-trains`; do not edit. -->

# What trains, and how exactly

`fittingroom` does not run a model's own code at every step. Where it can, it records the calculation once and plays it
back (*traced*); where that would not be the same calculation, it runs the model's own code, slower, and says why
(*eager*). Either way the result must be the one of the framework's own loop: this page holds both against each
other, on models that are off the beaten track.

Each row is one training of {EPOCHS} epochs on {IMAGES} images of 12x12 in batches of {BATCH}, in float64, here and in
the framework's own loop, from the same weights, in the same order and with the same random numbers. *Loss*, *weights*
and *answers* are the largest differences between the two: of an epoch's mean loss (relative), of any parameter or
buffer (norm of the difference, over the larger of 1 and the norm), of any probability. Answers are given in float32,
hence the 1e-8 there. Some models choose among kernels by the machine: such a row may say *eager* on one machine and
*traced* on another.

Print it anew with `make what-trains`; the same cases are tests (`make test`). How the two ways work:
[how-the-trainer-works.md](how-the-trainer-works.md).
"""


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Images of 12x12 in four classes, which differ in where a stripe is, and labels."""
    labels = (np.arange(IMAGES) % 4).astype(np.uint8)
    pixels = np.random.default_rng(0).integers(0, 80, (IMAGES, 12, 12), dtype=np.uint8)
    for label, image in zip(labels, pixels, strict=True):
        image[3 * label : 3 * label + 3] += 120
    return pixels, labels


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Let Keras compute in float64: outside of TensorFlow it lowers every product to float32."""
    from keras.src.backend.common import dtypes

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    with patch.dict(dtypes.BIT64_TO_BIT32_DTYPE, {"float64": "float64"}):
        yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def way(said: list[str]) -> str:
    """How a model trained, and where it was not traced, why, in the trainer's words."""
    if not said:
        return "traced"
    reason = re.sub(r"\s+", " ", said[0]).partition("without a trace: ")[2].rstrip(".")
    return f"eager: {reason}".replace("|", "\\|")


def rows(title: str, compare: Callable[[str], Comparison], names: list[str]) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a table, each with whether it is as it should be."""
    yield f"\n## {title}\n\n| model | trained | loss | weights | answers |\n| --- | --- | --- | --- | --- |", True
    for name in names:
        found = compare(name)
        figures = (found.losses, found.weights, found.answers)
        trained = way(found.said) if found.holds() else f"**DIFFERS** {way(found.said)}"
        yield f"| {name} | {trained} | " + " | ".join(f"{figure:.0e}" for figure in figures) + " |", found.holds()


def container_rows() -> Iterator[tuple[str, bool]]:
    """Yield the lines of the table of what holds images and labels."""
    yield (
        "\n## What may hold images and labels\n\n`fr.train(model, data)` takes each of these as the same 40 images and "
        "labels, or says in a sentence what it expected.\n\n| given | verdict |\n| --- | --- |",
        True,
    )
    for name, make in containers.CONTAINERS.items():
        try:
            images, labels = accept_pair(make(), "training", no_log)
        except ImportError:
            continue  # polars or datasets, which the tests look at where they are installed
        same = np.array_equal(images, containers.IMAGES) and np.array_equal(labels, containers.LABELS)
        yield f"| {name} | {'the same images and labels' if same else '**DIFFERS**'} |", same
    for name, (make, _, _) in containers.REFUSED.items():
        try:
            accept_pair(make(), "training")
            yield f"| {name} | **taken** |", False
        except FittingRoomError as refused:
            yield f"| {name} | refused: {str(refused).replace('|', chr(92) + '|')} |", True


def main() -> int:
    """Print the page; return 1 where a row differs."""
    torch.set_num_threads(1)
    images, labels = pictures()
    all_well = True
    print(INTRO, end="")
    torch_rows = rows("PyTorch modules", lambda name: compare_torch(TORCH[name][0], images, labels), list(TORCH))
    keras_rows = rows(
        "Keras models that their owner compiled",
        lambda name: compare_keras(KERAS[name][0], images, labels, one_hot=len(KERAS[name]) > 2),
        list(KERAS),
    )
    for context, table in (
        (contextlib.nullcontext, torch_rows),
        (float64, keras_rows),
        (contextlib.nullcontext, container_rows()),
    ):
        with context(), warnings.catch_warnings(action="ignore"):
            for line, well in table:
                print(line, flush=True)
                all_well = all_well and well
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
