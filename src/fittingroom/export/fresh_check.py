"""Hold an exported file against the model it came from: in a fresh process, which loads neither Keras nor Torch."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fittingroom.arrays import Images, Probabilities
from fittingroom.errors import ModelError

LARGEST_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Agreement:
    """How an exported file compares with its model.

    Attributes:
        n: images compared.
        same_label: how many got the same label.
        largest_difference: between two probabilities.
    """

    n: int
    same_label: int
    largest_difference: float

    @property
    def is_close(self) -> bool:
        """Whether all labels are the same and no probability differs by more than 1e-4."""
        return self.same_label == self.n and self.largest_difference <= LARGEST_DIFFERENCE


def agreement(path: Path, images: Images, expected: Probabilities) -> Agreement:
    """Run an ONNX file in a fresh process and compare.

    Args:
        path: of the ONNX file.
        images: uint8 ``(n, h, w)``.
        expected: what the model gives for them, float ``(n, classes)``.

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
        answers = np.load(answers_file)
    same = answers.argmax(axis=1) == expected.argmax(axis=1)
    return Agreement(len(images), int(same.sum()), float(np.abs(answers - expected).max(initial=0)))


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
