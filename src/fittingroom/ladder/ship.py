"""Ship a rung: its first seed's weights, with a card and a temperature, where `load_model` finds them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import hold_out
from fittingroom.export.export import checked_onnx
from fittingroom.ladder.measure import run_folder
from fittingroom.models.load import IN_A_RUN
from fittingroom.recipes import load_recipe, recipe_sha256
from fittingroom.runs import Run, open_run, write_atomically
from fittingroom.training import train
from fittingroom.workflows.training import make, valid_for

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.arrays import Labels, Probabilities
    from fittingroom.data import Dataset, Say
    from fittingroom.ladder.table import Row

HELD_OUT = 10_000
PROBE = 1000  # test images whose answers the quick test compares
SEED = 0  # the first, whatever it scored: nothing is picked
TEMPERATURES = np.geomspace(0.2, 5.0, 321)
INPUT = "Takes pixels 0..255 of shape (n, 28, 28), dark background; gives probabilities (n, classes), not tempered."


def temperature(labels: Labels, probabilities: Probabilities) -> float:
    """Return the temperature that gives held-out labels the least log loss, of 321 between 0.2 and 5.

    Args:
        labels: int ``(n,)``.
        probabilities: float ``(n, classes)``.

    Source: C. Guo and others, arXiv 1706.04599.
    """
    logits = np.log(np.clip(probabilities.astype(np.float64), 1e-12, 1))
    right = np.arange(len(labels)), labels.astype(int)

    def loss(value: float) -> float:
        scaled = logits / value
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[right]))

    return float(min(TEMPERATURES, key=loss))


def validated(rung: str, root: Path, data: Dataset, *, say: Say) -> Run:
    """Return a run of the rung's recipe that held out 10,000 images, trained now where there is none yet."""
    folder = root / f"{rung}-{recipe_sha256(rung)[:8]}-validation"
    if (folder / IN_A_RUN).exists():
        return open_run(folder)
    recipe = valid_for(load_recipe(rung), data, say)
    return train(
        make(recipe.model, data, SEED), data, recipe=recipe, seed=SEED, validation=HELD_OUT, out=folder, say=say
    )


def ship(row: Row, root: Path, to: Path, data: Dataset, *, say: Say) -> Path:
    """Copy the weights of a rung's first seed and write their card.

    Args:
        row: the rung as measured.
        root: where the ladder's run folders are.
        to: folder of the weights; ``RUNG.keras``, ``RUNG.onnx`` and ``RUNG.json`` are written in it.
        data: what the rung was measured on.
        say: takes one line for the user.
    """
    run = open_run(run_folder(root, row.rung, SEED))
    held = hold_out(data.train, HELD_OUT, seed=0)[1]
    value = temperature(held.labels, validated(row.rung, root, data, say=say).predict(held.images))
    to.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run.folder / IN_A_RUN, to / f"{row.rung}.keras")
    checked_onnx(run.model(), to / f"{row.rung}.onnx", data.test.images, data.class_names)
    text = json.dumps(card(row, run, data, value), indent=1) + "\n"
    write_atomically(to / f"{row.rung}.json", text.encode())
    return to / f"{row.rung}.keras"


def card(row: Row, run: Run, data: Dataset, value: float) -> dict[str, Any]:
    """Return the model card: how to use it, what it was made from, what it scores, where it is weak."""
    answers = run.predictions
    right = answers.probabilities[:PROBE].argmax(axis=1) == answers.labels[:PROBE]
    return {
        "input": INPUT,
        "schema": "fittingroom/card/1",
        "name": f"{data.name}/{row.rung}",
        "data": {"name": data.name, "fingerprint": data.fingerprint, "classes": list(data.class_names)},
        "protocol": f"Trained on all {len(data.train.labels)} training images, last epoch, seed {SEED}, the first.",
        "recipe": load_recipe(row.rung).as_dict(),
        "recipe_sha256": recipe_sha256(row.rung),
        "temperature": round(value, 4),
        "temperature_fitted_on": f"{HELD_OUT} held-out training images, with the recipe trained on the others",
        "test": {
            "this": run.verdict,
            f"right_of_first_{PROBE}": int(right.sum()),
            "seeds": row.n,
            "mean": row.mean,
            "sd": row.sd,
        },
        "cost": {"parameters": row.parameters, "mflop": row.mflop, "training_seconds": row.seconds},
        "limits": "Made for 28x28 grey pictures of single articles, light on black, as the dataset has them. On photos "
        "of clothes it is wrong more often than right unless they are prepared in the same way.",
        "licence": "MIT, as the package; the data are Zalando's, MIT.",
    }
