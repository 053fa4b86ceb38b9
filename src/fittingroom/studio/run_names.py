"""From a name in a request to a run folder: checked before it reaches the disk."""

from __future__ import annotations

import re
from pathlib import Path

from fittingroom.lookup import suggest
from fittingroom.runs import Run, is_run, list_runs
from fittingroom.studio.problems import Problem

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


def is_own(folder: Path, root: Path) -> bool:
    """Say whether a run folder truly lies in the folder of runs, and is not a link to elsewhere."""
    return NAME.fullmatch(folder.name) is not None and folder.resolve().parent == root.resolve()


def runs_of(root: Path) -> list[Run]:
    """Return the runs that the studio shows, the newest name last; links to elsewhere are left out."""
    return [run for run in list_runs(root) if is_own(run.folder, root)]


def find_run(root: Path, name: str) -> Run:
    """Return the run of a name.

    Raises:
        Problem: 404, no such run, or a name that no run may have.
    """
    folder = root / name if NAME.fullmatch(name) else None
    if folder is None or not is_run(folder) or not is_own(folder, root):
        raise Problem(404, f"No run '{name[:80]}'. {_hint(name, root)}")
    return Run(folder)


def _hint(name: str, root: Path) -> str:
    names = [run.name for run in runs_of(root)]
    return suggest(name[:80], names[-5:]) if names else "There are none yet."


def own_file(run: Run, name: str) -> Path | None:
    """Return a run's file, or None where it is missing or a link to elsewhere."""
    path = run.folder / name
    return path if path.is_file() and path.resolve().parent == run.folder.resolve() else None
