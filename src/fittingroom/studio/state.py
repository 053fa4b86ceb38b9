"""What the studio's parts share: settings, the datasets, the folder of runs and their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fittingroom.runs import ROOT
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.jobs import TaskQueue
from fittingroom.studio.model_process import ModelProcess
from fittingroom.studio.sweep_jobs import Sweeps
from fittingroom.studio.training_jobs import Trainings
from fittingroom.web.limits import LIMITS, Limits
from fittingroom.web.security import Access


@dataclass(frozen=True)
class Studio:
    """The studio's settings and what it holds open.

    Attributes:
        access: where it listens and who may come in.
        runs: the folder of run folders.
        registry: the datasets that may be opened.
        limits: bounds on requests.
        audits_dir: the folder of audits and sheets to label; None for ``audits`` beside the folder of runs.
    """

    access: Access = field(default_factory=Access)
    runs: Path = ROOT
    registry: DatasetRegistry = field(default_factory=DatasetRegistry)
    limits: Limits = LIMITS
    audits_dir: Path | None = None

    @property
    def audits(self) -> Path:
        """The folder of audits and sheets to label, each a folder in it."""
        return self.runs.parent / "audits" if self.audits_dir is None else self.audits_dir

    @cached_property
    def tasks(self) -> TaskQueue:
        """Long work in other processes."""
        return TaskQueue(self.limits.jobs, self.limits.job_seconds)

    @cached_property
    def models(self) -> ModelProcess:
        """The process in which models are opened and asked about photos and drawings."""
        return self.new_model_process()

    def new_model_process(self) -> ModelProcess:
        """Return another such process, for one task: what it took is given back with it."""
        return ModelProcess(self.limits.model_bytes, [self.runs, self.audits, *self.registry.folders.values()])

    def close(self) -> None:
        """End what is under way in other processes; trainings and sweeps go on."""
        self.tasks.close()
        self.models.close()

    @cached_property
    def trainings(self) -> Trainings:
        """The trainings started here; they go on when the studio is closed."""
        return Trainings(self.runs, self.limits.trainings)

    @property
    def sweeps_dir(self) -> Path:
        """The folder of sweeps, each a folder in it."""
        return self.runs.parent / "sweeps"

    @cached_property
    def sweeps(self) -> Sweeps:
        """The sweeps started here; they go on when the studio is closed."""
        return Sweeps(self.sweeps_dir, self.work_dir / "sweeps", self.limits.sweeps)

    @property
    def work_dir(self) -> Path:
        """The folder for work under way and what it found, inside the folder of runs."""
        return self.runs / ".studio"
