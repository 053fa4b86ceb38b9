"""The training of a run replayed from its snapshots: how answers, confusion and weights changed, for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.errors import ModelError, RunError
from fittingroom.inference.inside import look_inside
from fittingroom.inference.model_files import IN_A_RUN, load_model
from fittingroom.judging import confusion_matrix
from fittingroom.models.front import behind_front
from fittingroom.pages.learned import KERNEL_SCALE, weight_sheet
from fittingroom.training.snapshots import replayed, snapshot_files, weights_at
from fittingroom.words import counted
from fittingroom.workflows.run_data import held_out_of, learned_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.data import Dataset, Split
    from fittingroom.runs import Run

ASKED = 2000  # images that every snapshot is asked about
SHOWN = 3  # of them whose bars are shown
BATCH = 1000
MOST = 24  # snapshots that a page shows: more than any training has that fits a day


def gather_replay(run: Run, data: Dataset | None) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return how a run's network changed on its way, as values and drawn; nothing where it kept no snapshots.

    Every snapshot is asked about the first images that the run held out, or that it learned from where it held out
    none; never about test images.

    Args:
        run: trained with ``--snapshots``.
        data: its dataset; None where it cannot be had, and then nothing is shown.

    Returns:
        Values: ``split``, ``n``, ``indices`` and ``labels`` of the images shown, ``bytes`` of the snapshots, and
        ``steps``, each with step, epoch, accuracy, confusion, and probabilities of the images shown. Drawn: the
        ``images`` shown, and of each step the ``sheets`` of weights, where these are pictures.

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
    steps, sheets = [], []
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
    facts = {
        "split": split.name,
        "n": len(split),
        "indices": [int(index) for index in split.indices[:SHOWN]],
        "labels": [int(label) for label in split.labels[:SHOWN]],
        "bytes": sum(file.stat().st_size for file in files),
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "steps": steps,
    }
    return facts, {"images": list(split.images[:SHOWN]), "sheets": sheets}


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
