"""The training of a run replayed from its snapshots: how answers, confusion and weights changed, for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.errors import ModelError, RunError
from fittingroom.inference.inside import look_inside
from fittingroom.inference.model_files import IN_A_RUN, load_model
from fittingroom.judging import confusion_matrix
from fittingroom.models.feature_extractor import FeatureExtractor, feature_extractor
from fittingroom.models.front import behind_front
from fittingroom.pages.learned import KERNEL_SCALE, weight_sheet
from fittingroom.training.snapshots import replayed, snapshot_files, weights_at
from fittingroom.words import counted
from fittingroom.workflows.run_data import held_out_of, learned_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.data import Dataset, Split
    from fittingroom.runs import Run

ASKED = 2000  # images that every snapshot is asked about
SHOWN = 3  # of them whose bars are shown
BATCH = 1000
MAPPED = 400  # of them that are dots of the map
EDGE = 99.5  # per cent of the coordinates that are not at the edge of the map
MAP = 200  # width and height of the map
COLOURS = ("#2f7fc2", "#d1631f", "#2b9168", "#b04bc0", "#9c7c14", "#1f8aa0", "#d13d5e", "#6a72dd", "#6f8f22", "#8a7263")
"""Of classes, the first ones again where there are more: readable on light and on dark."""
MOST = 24  # snapshots that a page shows: more than any training has that fits a day


def gather_replay(run: Run, data: Dataset | None) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return how a run's network changed on its way, as values and drawn; nothing where it kept no snapshots.

    Every snapshot is asked about the first images that the run held out, or that it learned from where it held out
    none; never about test images.

    Args:
        run: trained with ``--snapshots``.
        data: its dataset; None where it cannot be had, and then nothing is shown.

    Returns:
        Values: ``split``, ``n``, ``indices`` and ``labels`` of the images shown, ``bytes`` of the snapshots,
        ``map_labels`` of the images on the map, and ``steps``, each with step, epoch, accuracy, confusion,
        probabilities of the images shown, and ``map``, where on it each image is, in 0..`MAP`; None where what the
        last layer is given cannot be reached. Drawn: the ``images`` shown, and of each step the ``sheets`` of weights,
        where these are pictures.

    Raises:
        RunError: a snapshot is of another network, or cannot be read.
    """
    files = snapshot_files(run.folder)[:MOST]
    if not files or data is None or not (run.folder / IN_A_RUN).is_file():
        return None, {}
    try:
        split = _asked(run, data)
        network = load_model(run.folder)
        core = behind_front(network)
    except (ModelError, RunError):
        return None, {}
    places = weights_at(core, data.image_shape, run.resolved["pixels"])
    extract = _extractor(network, data)
    steps: list[dict[str, Any]] = []
    sheets: list[Any] = []
    features: list[Any] = []
    for step, epoch in replayed(places, files):
        probabilities = _answers(network, split.images)
        predicted = probabilities.argmax(axis=1)
        steps.append(
            {
                "step": step,
                "epoch": round(epoch, 4),
                "accuracy": float(np.mean(predicted == split.labels)),
                "confusion": confusion_matrix(split.labels, predicted, data.classes).tolist(),
                "probabilities": [[round(float(value), 4) for value in row] for row in probabilities[:SHOWN]],
            }
        )
        sheets.append(_sheet(network, split.images[:1]))
        features.append(None if extract is None else extract(split.images[:MAPPED]).astype(np.float32))
    for one, placed in zip(steps, places_on_map(features) if extract else [None] * len(steps), strict=True):
        one["map"] = placed
    facts = {
        "split": split.name,
        "n": len(split),
        "indices": [int(index) for index in split.indices[:SHOWN]],
        "labels": [int(label) for label in split.labels[:SHOWN]],
        "bytes": sum(file.stat().st_size for file in files),
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "map_labels": [int(label) for label in split.labels[:MAPPED]],
        "steps": steps,
    }
    return facts, {"images": list(split.images[:SHOWN]), "sheets": sheets}


def _extractor(network: Any, data: Dataset) -> FeatureExtractor | None:
    try:
        return feature_extractor(network, data.image_shape)
    except ModelError:  # what its last layer is given cannot be reached
        return None


def places_on_map(features: Sequence[Array]) -> list[list[list[int]]]:
    """Return where images are on a map at each step, by what the network makes of them before its last layer.

    They are seen along the two principal components of the last step, so that the way there can be followed; each step
    is moved and enlarged so that it fills the map.

    Args:
        features: of each step ``(n, d)``.

    Returns:
        Of each step and image x and y, whole numbers 0 to `MAP`.

    Example:
        >>> ends = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
        >>> places_on_map([ends, 0.5 * ends])[0] == places_on_map([ends, 0.5 * ends])[1]
        True
    """
    last = features[-1] - features[-1].mean(axis=0)
    _, _, axes = np.linalg.svd(last, full_matrices=False)
    found = []
    for each in features:
        spread = (each - each.mean(axis=0)) @ axes[:2].T
        spread = np.pad(spread, [(0, 0), (0, 2 - spread.shape[1])])
        widest = float(np.percentile(np.abs(spread), EDGE)) or 1.0
        found.append(np.rint(MAP / 2 * (1 + 0.97 * np.clip(spread / widest, -1, 1))).astype(int).tolist())
    return found


def map_paths(step: Mapping[str, Any], labels: Sequence[int]) -> list[tuple[str, str]]:
    """Return the dots of a step's map as paths of an ``<svg>``, with a colour for each class."""
    found: dict[str, str] = {}
    for label, (x, y) in zip(labels, step["map"], strict=True):
        colour = COLOURS[label % len(COLOURS)]
        found[colour] = f"{found.get(colour, '')}M{x} {y}h0"
    return [(path, colour) for colour, path in found.items()]


def _asked(run: Run, data: Dataset) -> Split:
    """Return the first images that a run held out; of one that held out none, those that it learned from."""
    held_out = held_out_of(run, data)
    chosen, name = (learned_from(run, data), "training") if held_out is None else (held_out, "validation")
    return chosen.take(np.arange(min(ASKED, len(chosen))), name)


def _answers(network: Any, images: Images) -> Array:
    """Return what a network as it is saved for use says now, its weights having been changed in place."""
    import torch

    found = []
    with torch.inference_mode():
        device = next(network.parameters()).device
        for start in range(0, len(images), BATCH):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH])).float().to(device)
            found.append(network(part, training=False).float().cpu().numpy())
    return np.concatenate(found)


def _sheet(network: Any, images: Images) -> tuple[str, tuple[int, int]] | None:
    """Return the first layer's weights as one picture with its size; None where they are no pictures."""
    try:
        inside = look_inside(network, images)
    except ModelError:
        return None
    if inside.kind == "other":
        return None
    uri, size, _ = weight_sheet(inside.weights, scale=KERNEL_SCALE if inside.kind == "kernels" else 1, below=0)
    return uri, size


def step_words(step: Mapping[str, Any]) -> str:
    """Return what a snapshot is called.

    Example:
        >>> step_words({"step": 0, "epoch": 0}), step_words({"step": 16, "epoch": 0.034})
        ('start', '16')
    """
    return f"{step['step']:,}" if step["step"] else "start"


def replay_sentence(facts: Mapping[str, Any]) -> str:
    """Say what the snapshots are of, and how the accuracy went."""
    first, last = facts["steps"][0], facts["steps"][-1]
    half = next(one for one in facts["steps"] if one["accuracy"] - first["accuracy"] >= _half(facts))
    kinds = f"{facts['split']} image"
    return (
        f"With --snapshots {counted(len(facts['steps']), 'state')} of the network were kept, {facts['megabytes']} MB "
        f"in all. Of the first {counted(facts['n'], kinds)} it classified {first['accuracy']:.4f} correctly "
        f"{'before it had learned anything' if not first['step'] else f'after step {step_words(first)}'}, and "
        f"{last['accuracy']:.4f} at the end; half of the way was behind it by step {half['step']:,}."
    )


def _half(facts: Mapping[str, Any]) -> float:
    accuracies = [one["accuracy"] for one in facts["steps"]]
    return float(accuracies[-1] - accuracies[0]) / 2 - 1e-12
