"""Where the seconds of a training step go: a table by operation, each beside what this machine could do it in at best.

The floor of an operation is the larger of two times: its multiplications and additions at the speed of a large matrix
product, and the bytes it has to read and write at the speed of a large copy. Both speeds are measured in the same run.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fittingroom.models import build
from fittingroom.training.plan import Hooks, TrainingPlan
from fittingroom.training.trainer import fit
from fittingroom.training.whiten import SAMPLE, whiten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from fittingroom.data import Dataset
    from fittingroom.training.recipe import Recipe

STEPS = 60  # of an epoch
EPOCHS, WATCHED, COUNTED = 6, 3, 5  # in all; the one that is timed by operation; the one whose products are counted
WORDS = {  # an operation of PyTorch, without its `aten::`: what it is called here
    "mkldnn_convolution": "convolutions, forward",
    "convolution": "convolutions, forward",
    "convolution_backward": "convolutions, backward",
    "mm": "matrix products",
    "addmm": "matrix products",
    "bmm": "matrix products",
    "native_batch_norm": "batch normalisation, forward",
    "native_batch_norm_backward": "batch normalisation, backward",
    "max_pool2d_with_indices": "pooling, forward",
    "max_pool2d_with_indices_backward": "pooling, backward",
    "mean": "pooling, forward",
    "clamp_min": "activations, forward",
    "relu_": "activations, forward",
    "threshold_backward": "activations, backward",
    "index_select": "gathering the batch",
    "copy_": "copies and conversions",
    "clone": "copies and conversions",
    "fill_": "copies and conversions",
    "zero_": "copies and conversions",
}
WRAPPERS = ("convolution", "_convolution", "conv2d", "relu")  # they call what is counted
GATHERING = "gathering the batch"  # it touches a few rows of the whole dataset
PRODUCTS = ("convolutions, forward", "convolutions, backward", "matrix products")
OTHERS = "everything else, small operations"
BETWEEN = "between operations: Python and dispatch"


@dataclass(frozen=True)
class StepTable:
    """What one step of a recipe costs.

    Attributes:
        seconds: of a step, not watched: the median of epochs that were not.
        rows: by what is done: calls a step, seconds a step, floor in seconds a step.
        product_rate: of a large matrix product, in floating-point operations a second.
        copy_rate: of a large copy, in bytes a second, read and written.
    """

    seconds: float
    rows: dict[str, tuple[float, float, float]]
    product_rate: float
    copy_rate: float

    @property
    def products(self) -> float:
        """Seconds a step in convolutions and matrix products."""
        return sum(self.rows[name][1] for name in PRODUCTS if name in self.rows)

    def markdown(self, title: str) -> str:
        """Return it as Markdown.

        Args:
            title: what the step is of.
        """
        head = "| operation | calls a step | ms a step | share | floor, ms | times its floor |\n|" + " --- |" * 6 + "\n"
        lines = [
            f"| {name} | {calls:.0f} | {1e3 * taken:.3f} | {taken / self.seconds:.0%} | {1e3 * least:.3f} | "
            f"{'-' if least <= 0 else format(taken / least, '.1f')} |"
            for name, (calls, taken, least) in sorted(self.rows.items(), key=lambda row: -row[1][1])
        ]
        return (
            f"### A step of {title}\n\n{1e3 * self.seconds:.2f} ms, {self.seconds / self.products:.2f} x its "
            f"convolutions and matrix products. At best this machine multiplies at {self.product_rate / 1e9:.0f} "
            f"GFLOP/s and copies at {self.copy_rate / 1e9:.1f} GB/s.\n\n{head}" + "\n".join(lines) + "\n"
        )


def step_table(recipe: Recipe, data: Dataset, steps: int = STEPS) -> StepTable:
    """Train a few epochs of so many steps, watch one of them, and say where its time went.

    Args:
        recipe: what is trained, its model named.
        data: on what; the first images are taken.
        steps: of an epoch.

    Returns:
        The table. An operation's time is its own, as PyTorch's profiler sees it, scaled so that all rows together make
        the step that was not watched.

    Source: S. Williams, A. Waterman, D. Patterson, Roofline, CACM 52 (2009).
    """
    from torch.profiler import ProfilerActivity, profile
    from torch.utils.flop_counter import FlopCounterMode

    steps = min(steps, len(data.train.labels) // recipe.batch_size)
    images, labels = (part[: steps * recipe.batch_size] for part in (data.train.images, data.train.labels))
    model = build(recipe.model or "walkthrough", image_shape=images.shape[1:], classes=len(data.class_names))
    if recipe.whiten:
        whiten(model, images[:SAMPLE])
    profiler = profile(activities=[ProfilerActivity.CPU], record_shapes=True)
    counter = FlopCounterMode(display=False)
    watched: dict[int, AbstractContextManager[Any]] = {WATCHED: profiler, COUNTED: counter}
    plain: list[float] = []

    def on_epoch(line: dict[str, Any]) -> None:
        over = int(line["epoch"])
        if over in watched:
            watched[over].__exit__(None, None, None)
        elif over > 1:
            plain.append(float(line["seconds"]))
        if over + 1 in watched:
            watched[over + 1].__enter__()

    fit(model, TrainingPlan(images, labels, recipe.replace(epochs=EPOCHS)), Hooks(on_epoch=on_epoch))
    seconds = statistics.median(plain) / steps
    rates = rate_of_products(), rate_of_copies()
    flop = {
        str(operation).split(".")[-1]: count / steps for operation, count in counter.get_flop_counts()["Global"].items()
    }
    rows = _grouped(profiler.key_averages(group_by_input_shape=True), steps, flop, rates)
    seen = sum(taken for _, taken, _ in rows.values())
    if seen > seconds:  # watching costs time itself
        rows = {name: (calls, taken * seconds / seen, least) for name, (calls, taken, least) in rows.items()}
    else:
        rows[BETWEEN] = (0, seconds - seen, 0)
    return StepTable(seconds, rows, *rates)


def _grouped(
    events: Iterable[Any], steps: int, flop: dict[str, float], rates: tuple[float, float]
) -> dict[str, tuple[float, float, float]]:
    calls, taken, moved, multiplied = (defaultdict[str, float](float) for _ in range(4))
    for event in events:
        operation = event.key.removeprefix("aten::")
        if operation == event.key or operation in WRAPPERS:
            continue
        name = WORDS.get(operation, OTHERS)
        calls[name] += event.count / steps
        taken[name] += event.self_cpu_time_total / 1e6 / steps
        if operation in WORDS and name != GATHERING:
            moved[name] += event.count / steps * bytes_moved(event.input_shapes)
    for operation, count in flop.items():
        multiplied[WORDS.get(operation, OTHERS)] += count
    return {
        name: (calls[name], taken[name], max(multiplied[name] / rates[0], moved[name] / rates[1])) for name in calls
    }


def bytes_moved(shapes: Sequence[Any]) -> float:
    """Return the bytes of float32 that one call reads, and as many again as its largest tensor has, which it writes.

    Args:
        shapes: of its arguments; empty or of no whole numbers for what is no tensor.

    Example:
        >>> bytes_moved([[2, 3], [], [3]])
        60.0
    """
    sizes = [math.prod(shape) for shape in shapes if shape and all(isinstance(side, int) for side in shape)]
    return float(4 * (sum(sizes) + max(sizes, default=0)))


def rate_of_products(side: int = 2048, rounds: int = 5) -> float:
    """Return how many floating-point operations a second a large float32 matrix product does, the best of a few."""
    left, right = torch.rand(side, side), torch.rand(side, side)
    return 2.0 * side**3 / min(_seconds(lambda: torch.mm(left, right)) for _ in range(rounds))


def rate_of_copies(megabytes: int = 64, rounds: int = 5) -> float:
    """Return how many bytes a second a large copy reads and writes together, the best of a few."""
    source = torch.rand(megabytes * 250_000)
    target = torch.empty_like(source)
    return 2.0 * source.nbytes / min(_seconds(lambda: target.copy_(source)) for _ in range(rounds))


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
