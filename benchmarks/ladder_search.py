"""What the search for the ladder's recipes tried: networks and recipes together, judged on images held out.

    python benchmarks/ladder_search.py                       # prints what benchmarks/ladder_search.jsonl holds
    python benchmarks/ladder_search.py --trials mine.jsonl   # trains what it lacks of a file's trials, and keeps them

A trial is a line: ``network`` (see `built`), ``recipe`` (settings of `fittingroom.Recipe`), ``seed``, and, where the
optimiser is changed, ``muon`` (see `changed_muon`). It is trained on 50,000 images by one thread and judged on 10,000
held out of the training images. Test images play no part.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import fittingroom as fr
import fittingroom.training.optimizers as optimizers
from fittingroom.backend import import_keras
from fittingroom.cli.output import emit, log
from fittingroom.data import hold_out
from fittingroom.files import append_json_line, read_json_lines
from fittingroom.models.residual import residual
from fittingroom.models.stem_conv import dirac
from fittingroom.training.recipe import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from fittingroom.training.optimizers import Flat

LOG = Path(__file__).parent / "ladder_search.jsonl"
HELD_OUT = 10_000
IDENTITY = ("network", "recipe", "seed", "muon")
COMMON = {"optimizer": "muon", "schedule": "linear", "whiten": True}  # of nearly every trial: not told again


def main() -> None:
    """Train what is asked for and lacks, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=Path)
    asked = parser.parse_args()
    done = {identity(trial) for trial in read_json_lines(LOG)}
    for trial in read_json_lines(asked.trials) if asked.trials else []:
        if identity(trial) not in done:
            found = tried(trial)
            append_json_line(LOG, trial | found)
            log(f"{found['accuracy']:.4f} in {found['processor_seconds']:.0f} s: {identity(trial)}")
    emit(table())


def identity(trial: Mapping[str, Any]) -> str:
    """Return what tells a trial from others."""
    return json.dumps({name: trial[name] for name in IDENTITY if trial.get(name)}, sort_keys=True)


def tried(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Train once; return accuracy on the images held out, processor seconds, parameters."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    usual = optimizers.OPTIMIZERS["muon"], optimizers.MUON_STEPS
    train, held = hold_out(fr.load("fashion-mnist").train, HELD_OUT)
    import_keras().utils.set_random_seed(trial["seed"])
    try:
        if trial.get("muon"):
            change_muon(trial["muon"])
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            run = fr.train(
                built(trial["network"]),
                (train.images, train.labels),
                recipe=fr.Recipe(**trial["recipe"]),
                seed=trial["seed"],
                out=Path(folder) / "run",
                onnx=False,
            )
            seconds = time.process_time() - start
            right = run.predict(held.images, tempered=False).argmax(axis=1) == held.labels
            parameters = run.model().count_params()
    finally:
        optimizers.OPTIMIZERS["muon"], optimizers.MUON_STEPS = usual
    return {"accuracy": float(right.mean()), "processor_seconds": round(seconds, 1), "parameters": parameters}


def built(network: Mapping[str, Any]) -> keras.Model:
    """Build a network with more choices than the package's.

    ``residual``: its channels, and ``blocks``. Otherwise ``stem`` (filters, window, stride) and ``groups``, each with
    ``width``, ``depth`` (2) and whether it is pooled ``before`` its first convolution; ``head`` (max, mean, flat);
    ``momentum`` of the batch norms (0.9); ``activation`` (relu).
    """
    layers = import_keras().layers
    if "residual" in network:
        return residual((28, 28), 10, channels=tuple(network["residual"]), blocks=network.get("blocks", 2))
    filters, window, stride = network["stem"]
    activation = network.get("activation", "relu")
    inputs = import_keras().Input((28, 28, 1))
    x = layers.Conv2D(filters, window, strides=stride, padding="same", activation="relu", name="stem")(inputs)
    for group in network["groups"]:
        depth = group.get("depth", 2)
        for index in range(depth):
            x = layers.MaxPooling2D(2)(x) if not index and group.get("before") else x
            x = layers.Conv2D(group["width"], 3, padding="same", use_bias=False)(x)
            x = layers.MaxPooling2D(2)(x) if not index and not group.get("before") else x
            x = layers.BatchNormalization(scale=False, momentum=network.get("momentum", 0.9))(x)
            if not index:
                x = short = layers.Activation(activation)(x)
                continue
            x = layers.Add()([x, short]) if depth > 2 and index == depth - 1 else x
            x = layers.Activation(activation)(x)
    heads = {"max": layers.GlobalMaxPooling2D, "mean": layers.GlobalAveragePooling2D, "flat": layers.Flatten}
    x = heads[network.get("head", "max")]()(x)
    model = import_keras().Model(inputs, layers.Dense(10, activation="softmax", name="head")(x), name="trial")
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and layer.name != "stem":
            layer.kernel.assign(dirac(np.asarray(layer.kernel.numpy())))
    return model


def change_muon(change: Mapping[str, Any]) -> None:
    """Change the optimiser of a trial.

    ``rest``: Adam's share of the rate for what is no kernel (0.1); ``norm``: kernels are kept at this times the root of
    their outputs' number; ``head``: "adam" for a last kernel that Adam moves; ``steps`` of orthogonalisation (5).
    """
    optimizers.MUON_STEPS = change.get("steps", optimizers.MUON_STEPS)

    def muon(flat: Flat, recipe: fr.Recipe) -> optimizers.Optimizer:
        share = float(resolved(recipe).momentum)
        rest, momentum = optimizers._adam(flat, flat.parameters, flat.gradients), flat.like_parameters()
        views = zip(flat.parameter_views, flat.gradient_views, flat.views_of(momentum), flat.kernel_axes, strict=True)
        kernels = [each for each in views if each[-1] is not None]
        if change.get("head") == "adam":
            kernels.pop()

        def update(rate: float, step: int) -> None:
            for weights, gradient, mean, axis in kernels:
                mean.lerp_(gradient, 1 - share)
                matrix = gradient.lerp(mean, share).movedim(axis, -1).reshape(-1, weights.shape[axis])
                scale = math.sqrt(max(1.0, matrix.shape[1] / matrix.shape[0]))
                if "norm" in change:
                    weights.mul_(math.sqrt(weights.shape[axis]) * change["norm"] / weights.norm())
                moved = optimizers.orthogonalised(matrix).view(weights.movedim(axis, -1).shape).movedim(-1, axis)
                weights.sub_(moved, alpha=rate * scale)
                gradient.zero_()
            rest.update(rate * change.get("rest", 0.1), step)

        return optimizers.Optimizer({**rest.state, "kernel_momentum": momentum}, update)

    optimizers.OPTIMIZERS["muon"] = muon


def table() -> str:
    """Return every setting that was tried, the best first."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for trial in read_json_lines(LOG):
        groups[identity({**trial, "seed": None})].append(trial)
    count = sum(map(len, groups.values()))
    lines = [
        "<!-- Written by `make ladder-search`; do not edit. -->",
        "",
        "# What the search for rungs 90, 92 and micro tried",
        "",
        f"{count} short trainings on 50,000 images, judged on the same 10,000 held out of the training images; test",
        "images played no part. Accuracy is the mean over n seeds: a single one is uncertain by a quarter of a point",
        "from its images, and about as much from its seed. Seconds are one thread's processor time on a machine that",
        "was shared: they tell twice from once. `depth 1` is a group of one convolution, `16-4/2` a stem of 16 windows",
        "of 4 x 4 at stride 2; the optimiser is Muon, and the last column says how it was changed",
        "(`benchmarks/ladder_search.py`).",
        "",
        "| accuracy | n | seconds | parameters | network | recipe | optimiser |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for trials in sorted(groups.values(), key=lambda trials: -statistics.fmean(one["accuracy"] for one in trials)):
        accuracy, seconds = (
            statistics.fmean(one[name] for one in trials) for name in ("accuracy", "processor_seconds")
        )
        first = trials[0]
        changes = words(first.get("muon") or {})
        lines.append(
            f"| {accuracy:.4f} | {len(trials)} | {seconds:.0f} | {first['parameters']:,} | "
            f"{network_words(first['network'])} | {words(first['recipe'])} | {changes} |"
        )
    return "\n".join(lines)


def network_words(network: Mapping[str, Any]) -> str:
    """Return a network on one line.

    Example:
        >>> network_words({"stem": [16, 4, 2], "groups": [{"width": 24, "depth": 1}, {"width": 64}], "head": "flat"})
        '16-4/2, 24 depth 1, 64, flat'
    """
    if "residual" in network:
        return "residual " + "-".join(map(str, network["residual"]))
    filters, window, stride = network["stem"]
    groups = [" ".join([f"{group.pop('width')}", words(group)]).strip() for group in map(dict, network["groups"])]
    rest = words({name: value for name, value in network.items() if name not in ("stem", "groups", "head")})
    return ", ".join([f"{filters}-{window}/{stride}", *groups, network.get("head", "max"), *([rest] if rest else [])])


def words(settings: Mapping[str, Any]) -> str:
    """Return settings on one line, without what nearly every trial has."""
    return ", ".join(f"{name} {value}" for name, value in settings.items() if COMMON.get(name) != value)


if __name__ == "__main__":
    main()
