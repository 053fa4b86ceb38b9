"""Runs in one folder that differ in their seed alone: found, opened, and told together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.errors import RunError
from fittingroom.runs import Run, list_runs

if TYPE_CHECKING:
    from fittingroom.judging import Seeds

MARK = "group.json"


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ in their seed alone.

    Attributes:
        folder: that holds them, each an ordinary run in a folder of its own.
        runs: one a seed, trained to their ends.
    """

    folder: Path
    runs: tuple[Run, ...]

    @property
    def training(self) -> Seeds:
        """The accuracies on the training images, in the last epoch."""
        n = self.runs[0].environment["train_images"]
        return _over_seeds([run.history[-1]["accuracy"] for run in self.runs], n)

    @property
    def validation(self) -> Seeds | None:
        """The accuracies on the held-out images, after the last epoch; None where none were held out."""
        n = self.runs[0].environment["validation_images"]
        return _over_seeds([run.history[-1]["val_accuracy"] for run in self.runs], n) if n else None

    @property
    def test(self) -> Seeds | None:
        """The accuracies on the test images; None unless every run was evaluated. Nothing is asked anew."""
        verdicts = [run.verdict or {} for run in self.runs]
        if any(verdict.get("split") != "test" for verdict in verdicts):
            return None
        return _over_seeds([verdict["accuracy"] for verdict in verdicts], verdicts[0]["n"])


def _over_seeds(accuracies: list[float], n: int) -> Seeds:
    from fittingroom.judging import over_seeds  # which a list of runs does without

    return over_seeds(accuracies, n)


def is_group(folder: str | Path) -> bool:
    """Say whether a folder is that of a group of runs."""
    return (Path(folder) / MARK).is_file()


def open_group(folder: str | Path) -> RunGroup:
    """Open the folder of a group, with those of its runs that were trained to their ends, in the order of the seeds.

    Raises:
        RunError: it is none, or none of its runs is finished.
    """
    path = Path(folder)
    if not is_group(path):
        raise RunError(f"{path}: expected the folder of a group of runs, but it holds no {MARK}.")
    done = sorted(
        (run for run in list_runs(path) if run.state in ("done", "evaluated")), key=lambda run: run.environment["seed"]
    )
    if not done:
        raise RunError(f"{path}: none of its runs is finished. Go on by the command that began it.")
    return RunGroup(path, tuple(done))
