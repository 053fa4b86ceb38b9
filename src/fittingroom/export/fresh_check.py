"""Hold an exported file against the model it came from: in a fresh process, which loads neither Keras nor Torch."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fittingroom.arrays import Images, Probabilities
from fittingroom.errors import ModelError


def answers_in_fresh_process(path: Path, images: Images) -> Probabilities:
    """Return what an ONNX file gives for images in a process that has nothing else loaded.

    Args:
        path: of the ONNX file.
        images: uint8 ``(n, h, w)``.

    Raises:
        ModelError: the fresh process cannot run the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        images_file, answers_file = Path(folder) / "images.npy", Path(folder) / "answers.npy"
        np.save(images_file, images)
        words = [sys.executable, "-m", "fittingroom.export.fresh_check", str(path), str(images_file), str(answers_file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ModelError(f"{path}: a fresh process could not run the exported file: {last}")
        return np.asarray(np.load(answers_file))


def main() -> None:
    """Answer one file of images with one ONNX file: what the fresh process runs."""
    from fittingroom.inference.onnx_engine import open_onnx

    model, images, answers = map(Path, sys.argv[1:])
    np.save(answers, open_onnx(model).predict(np.load(images)))
    heavy = {"keras", "torch"} & set(sys.modules)
    if heavy:
        raise SystemExit(f"the fresh process loaded {heavy}, so it shows nothing")


if __name__ == "__main__":
    main()
