"""What can be asked of the walk-through; kept apart so that reading it loads nothing heavy."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


EPOCHS = 5
PALETTE = "classic-marked"


@dataclass(frozen=True)
class TutorialPlan:
    """What is asked of a tutorial.

    Attributes:
        dataset: a known dataset's name, or a folder.
        against: another to train the same network on, or None.
        seed: of the starting weights and of the order of the images.
        epochs: how often the training images are seen.
        out: the run folder, or None for one of the default name.
        palette: of right and wrong.
        data_dir: where the dataset's files are, or None to look.
    """

    dataset: str = "fashion-mnist"
    against: str | None = None
    seed: int = 0
    epochs: int = EPOCHS
    out: Path | None = None
    palette: str = PALETTE
    data_dir: Path | None = None

    @property
    def command(self) -> str:
        """The command that does it again."""
        words = ["fittingroom", "tutorial", "--dataset", self.dataset]
        words += ["--data-dir", str(self.data_dir)] if self.data_dir else []
        words += ["--seed", str(self.seed), "--epochs", str(self.epochs)]
        return shlex.join([*words, *(["--against", self.against] if self.against else [])])
