"""The models that can be asked: runs that hold one, and those that come with the package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import RunError
from fittingroom.models.load import IN_A_RUN, find_model, shipped_names
from fittingroom.studio.problems import Problem
from fittingroom.studio.run_names import own_file, runs_of

if TYPE_CHECKING:
    from fittingroom.studio.studio import Studio


@dataclass(frozen=True)
class ModelEntry:
    """A model by the key that requests use.

    Attributes:
        key: "run/NAME" or "shipped/NAME".
        title: what the user reads.
        kind: "run" or "shipped".
        model: what `fittingroom.load_model` takes.
        fingerprint: of the data it was trained on; None for a shipped one.
        dataset: that data's name.
    """

    key: str
    title: str
    kind: str
    model: str
    fingerprint: str | None
    dataset: str

    @property
    def file(self) -> Path:
        """Its ``.keras`` file."""
        return find_model(self.model)

    def mark(self, fingerprint: str) -> str:
        """Return 16 hex digits that name this model, as it is now, together with a dataset."""
        stat = self.file.stat()
        words = f"{self.key} {stat.st_mtime_ns} {stat.st_size} {fingerprint}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def row(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"key": self.key, "title": self.title, "kind": self.kind, "dataset": self.dataset}


def model_entries(studio: Studio) -> list[ModelEntry]:
    """Return every model that can be asked: the newest run first, then those that come with the package."""
    runs = [found for run in reversed(runs_of(studio)) if (found := _of_run(run)) is not None]
    shipped = [
        ModelEntry(f"shipped/{name}", name, "shipped", name, None, name.split("/")[0]) for name in shipped_names()
    ]
    return [*runs, *shipped]


def _of_run(run: Any) -> ModelEntry | None:
    if own_file(run, IN_A_RUN) is None:
        return None
    try:
        environment = run.environment
    except RunError:
        return None
    name, mark = str(environment.get("dataset")), environment.get("fingerprint")
    return ModelEntry(f"run/{run.name}", run.name, "run", str(run.folder), mark, name)


def find_entry(studio: Studio, key: str) -> ModelEntry:
    """Return the model of a key.

    Raises:
        Problem: 404, there is none.
    """
    for found in model_entries(studio):
        if found.key == key:
            return found
    raise Problem(404, f"No model '{key[:80]}' that can be asked. A run has one once its training has ended.")
