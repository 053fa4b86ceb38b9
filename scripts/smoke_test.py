"""Try what the package is for, in whatever Python runs this, and print what went well as one line of JSON.

Usage: smoke_test.py FOLDER [OTHER], where FOLDER is for what is written, and OTHER one that an earlier call wrote: its
runs and its answers are held against what this Python makes of them.
"""

from __future__ import annotations

import json
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fittingroom as fr
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.inference.model_files import shipped_names

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSE = 1e-4  # between two probabilities
MODELS = ("walkthrough", "thin-conv")


def bars(folder: Path) -> fr.Dataset:
    """Return a dataset of four classes that a network learns at once: a bright bar in its own column, in noise."""
    folder.mkdir(parents=True)
    for part, names in enumerate((FILE_NAMES[:2], FILE_NAMES[2:])):
        labels = (np.arange(400) % 4).astype(np.uint8)
        images = np.random.default_rng(part).integers(0, 90, (400, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 5 * label + 4 : 5 * label + 8] += 150
        for name, array in zip(names, (images, labels), strict=True):
            write_idx(folder / name, array)
    return fr.load(folder)


def trains(folder: Path, data: fr.Dataset) -> str:
    """Train, and say whether all was traced; it has to learn."""
    eager = []
    for name in MODELS:
        said: list[str] = []
        run = fr.train(name, data, epochs=8, batch_size=20, out=folder / name, onnx=False, log=said.append)
        eager += [name for line in said if "eagerly" in line]
        fr.evaluate(run, data)  # keeps the answers, which another version is held against
        assert run.history[-1]["accuracy"] > 0.9, f"{name} learned too little: {run.history[-1]}"
    return f"yes, {', '.join(eager)} without a trace" if eager else "yes, traced"


def opens_shipped(folder: Path, other: Path | None) -> str:
    """Ask every shipped network, and hold the answers against those of the other Python."""
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)
    answers = {name.replace("/", "-"): fr.predict(name, images) for name in shipped_names()}
    np.savez(folder / "answers.npz", **answers)
    if other is not None:
        with np.load(other / "answers.npz") as theirs:
            apart = max(float(np.abs(theirs[name] - answers[name]).max()) for name in answers)
        assert apart < CLOSE, f"answers differ by {apart:.1e}"
    return f"yes, {len(answers)}"


def opens_run(data: fr.Dataset, other: Path | None) -> str:
    """Open the other Python's runs, and hold the answers against what was kept there."""
    for name in MODELS if other is not None else ():
        run = fr.open_run(other / name)
        kept = run.predictions.probabilities
        assert np.abs(fr.predict(run, data.test.images) - kept).max() < CLOSE, f"{name} answers otherwise"
    return "yes" if other is not None else "its own"


def exports(folder: Path, data: fr.Dataset) -> str:
    """Write a run as ONNX and as Keras; both are checked as they are written."""
    for ending in ("onnx", "keras"):
        fr.export_model(folder / "thin-conv", folder / f"as-{ending}.{ending}", data=data)
    return "yes"


def pages(folder: Path) -> str:
    """Write a run's page."""
    return "yes" if Path(fr.report(fr.open_run(folder / "thin-conv"))).is_file() else "no"


def tried(step: Callable[..., str], *arguments: Any) -> str:
    """Carry out a step, and return its words or what went wrong."""
    try:
        return step(*arguments)
    except Exception as error:
        words = str(error).strip().split("\n", 1)[0][:160]
        return f"no: {type(error).__name__}: {words}"


def main() -> None:
    """Try everything and print the outcome."""
    warnings.simplefilter("default")
    folder, other = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    data = bars(folder / "bars")
    outcome = {
        "python": platform.python_version(),
        **{package: version(package) for package in ("keras", "torch", "numpy")},
        "trains": tried(trains, folder, data),
        "opens what ships": tried(opens_shipped, folder, other),
        "opens a run of the pinned": tried(opens_run, data, other),
        "exports": tried(exports, folder, data),
        "writes the page": tried(pages, folder),
    }
    sys.stdout.write(f"\n{json.dumps(outcome)}\n")


if __name__ == "__main__":
    main()
