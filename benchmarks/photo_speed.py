"""How long an answer takes: a cold command, a warm photo, a data picture, and the network alone against its rivals.

Usage: photo_speed.py [--network fashion-mnist/92]; run it alone on the machine. It prints medians of 5 to 200 rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
from PIL import Image

import fittingroom as fr
from fittingroom.backend import processor_name
from fittingroom.models.onnx_predict import open_onnx
from fittingroom.workflows.naming import open_namer
from fittingroom.workflows.predicting import name_data, name_photo

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 20


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median time of a piece of work; the first, cold one is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def a_photo(folder: Path) -> Path:
    """Write a photo of the usual size: a shirt of one colour on a floor of another, with a camera's noise."""
    rows, columns = np.mgrid[0:1600, 0:1200]
    shirt = (rows > 320) & (rows < 1330) & (abs(columns - 600) < np.where(rows < 640, 400, 210))
    pixels = np.where(shirt[..., None], (40, 60, 120), (200, 190, 175))
    noisy = pixels + np.random.default_rng(0).normal(0, 8, pixels.shape)
    path = folder / "shirt.jpg"
    Image.fromarray(np.uint8(np.clip(noisy, 0, 255))).save(path, quality=92)
    return path


def rivals(network: str) -> dict[str, Callable[[], object]]:
    """Return ways to ask a network about one picture."""
    import torch

    from fittingroom.models.load import find_onnx

    image = fr.load().test.images[:1]
    model = fr.load_model(network)
    tensor = torch.from_numpy(image.astype(np.float32))
    onnx = find_onnx(network)

    def eager() -> object:
        with torch.inference_mode():
            return model(tensor, training=False)

    found: dict[str, Callable[[], object]] = {
        "Keras predict": lambda: model.predict(image, verbose=0),
        "PyTorch, eager": eager,
    }
    if onnx is not None:
        predict = open_onnx(onnx).predict
        found["ONNX Runtime"] = lambda: predict(image)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="fashion-mnist/92")
    asked = parser.parse_args()
    print(f"{processor_name()}; medians of {ROUNDS} rounds\n\n| what | ms |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        photo, namer = a_photo(Path(name)), open_namer("fashion-mnist/photo")
        data = Path(name) / "data.png"
        Image.fromarray(fr.load().test.images[0]).save(data)
        command = [sys.executable, "-m", "fittingroom", "predict", str(photo)]
        cold = seconds(lambda: subprocess.run(command, check=True, capture_output=True), 5)
        rows = {
            "`fittingroom predict shirt.jpg`, cold, 1200 x 1600": cold,
            "one photo, warm, from file to answer": seconds(lambda: name_photo(photo, namer, "shirt.jpg")),
            "one data picture, warm, from file to answer": seconds(lambda: name_data(data, namer)),
        }
    rows |= {
        f"{asked.network}, one picture: {name}": seconds(work, 200) for name, work in rivals(asked.network).items()
    }
    for title, found in rows.items():
        print(f"| {title} | {found * 1e3:.3g} |")


if __name__ == "__main__":
    main()
