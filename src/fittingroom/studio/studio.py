"""What the studio's parts share: settings, the datasets, the folder of runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fittingroom.runs import ROOT
from fittingroom.studio.collection import Shelf
from fittingroom.studio.jobs import Bench
from fittingroom.studio.limits import LIMITS, Limits
from fittingroom.studio.security import Door
from fittingroom.studio.trainings import Trainings


@dataclass(frozen=True)
class Studio:
    """The studio's settings and what it holds open.

    Attributes:
        door: where it listens and who may come in.
        runs: the folder of run folders.
        shelf: the datasets that may be opened.
        limits: bounds on requests.
        bench: long work in other processes.
    """

    door: Door = field(default_factory=Door)
    runs: Path = ROOT
    shelf: Shelf = field(default_factory=Shelf)
    limits: Limits = LIMITS
    bench: Bench = field(default_factory=Bench)

    @cached_property
    def trainings(self) -> Trainings:
        """The trainings started here; they go on when the studio is closed."""
        return Trainings(self.runs, self.limits.trainings)

    @property
    def desk(self) -> Path:
        """The folder for work under way and what it found, inside the folder of runs."""
        return self.runs / ".studio"
