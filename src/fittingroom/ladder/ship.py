"""Ship a rung: its first seed's weights, with a card and a temperature, where `load_model` finds them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fittingroom.data import hold_out
from fittingroom.export.model_export import checked_onnx
from fittingroom.files import atomic_write, write_json
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.judging import fit_temperature
from fittingroom.ladder.measure import done_or_gone_on, run_folder
from fittingroom.models.keras_file import copy_portable
from fittingroom.recipes import load_recipe, recipe_sha256
from fittingroom.runs import Run, open_run
from fittingroom.words import counted
from fittingroom.workflows.training import train

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.data import Dataset, Log
    from fittingroom.ladder.ladder_table import Row

HELD_OUT = 10_000
PROBE = 1000  # test images whose answers the quick test compares
ONNX_PARAMETERS = 300_000  # at most, for an ONNX file beside the Keras file: all weights together may take 12 MB
TWIN_EPOCHS = 28  # at most, for the temperature: it hardly depends on the length (docs/design-notes.md)
SEED = 0  # the first, whatever it scored: nothing is picked
INPUT = "Takes pixels 0..255 of shape (n, 28, 28), dark background; gives probabilities (n, classes), not tempered."


def validated(rung: str, root: Path, data: Dataset, *, log: Log) -> Run:
    """Return a run of the rung's recipe that held out 10,000 images, trained now where there is none yet.

    A long recipe is trained for `TWIN_EPOCHS` only, its schedule compressed.
    """
    folder = root / f"{rung}-{recipe_sha256(rung)[:8]}-validation"
    epochs = min(load_recipe(rung).epochs, TWIN_EPOCHS)
    options: dict[str, Any] = {"seed": SEED, "validation": HELD_OUT, "out": folder, "onnx": False, "log": log}
    start = partial(train, data=data, recipe=rung, epochs=epochs, **options)
    return done_or_gone_on(folder, data, start, log)


def ship(row: Row, root: Path, to: Path, data: Dataset, *, log: Log) -> Path:
    """Copy the weights of a rung's first seed and write their card.

    Args:
        row: the rung as measured.
        root: where the ladder's run folders are.
        to: folder of the weights, for ``RUNG.keras``, ``RUNG.json`` and, but for large ones, ``RUNG.onnx``.
        data: what the rung was measured on.
        log: takes one line for the user.
    """
    run = open_run(run_folder(root, row.rung, SEED))
    held = hold_out(data.train, HELD_OUT, seed=0)[1]
    value = fit_temperature(held.labels, validated(row.rung, root, data, log=log).predict(held.images, tempered=False))
    to.mkdir(parents=True, exist_ok=True)
    atomic_write(to / f"{row.rung}.keras", partial(copy_portable, run.folder / IN_A_RUN))
    model = run.model()
    if model.count_params() <= ONNX_PARAMETERS:
        checked_onnx(model, to / f"{row.rung}.onnx", data.test.images, data.class_names)
    write_json(to / f"{row.rung}.json", card(row, run, data, value))
    return to / f"{row.rung}.keras"


def card(row: Row, run: Run, data: Dataset, value: float) -> dict[str, Any]:
    """Return the model card: how to use it, what it was made from, what it scores, where it is weak."""
    answers, recipe = run.predictions, load_recipe(row.rung)
    shortened = f", for {TWIN_EPOCHS} of its {counted(recipe.epochs, 'epoch')}" if recipe.epochs > TWIN_EPOCHS else ""
    right = answers.probabilities[:PROBE].argmax(axis=1) == answers.labels[:PROBE]
    return {
        "input": INPUT,
        "schema": "fittingroom/card/1",
        "name": f"{data.name}/{row.rung}",
        "data": {"name": data.name, "fingerprint": data.fingerprint, "classes": list(data.class_names)},
        "protocol": f"Trained on all {counted(len(data.train.labels), 'training image')}, last epoch, "
        f"seed {SEED}, the first.",
        "recipe": recipe.as_dict(),
        "recipe_sha256": recipe_sha256(row.rung),
        "temperature": round(value, 4),
        "temperature_fitted_on": f"{HELD_OUT} held-out training images, with the recipe trained on the others"
        + shortened,
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
