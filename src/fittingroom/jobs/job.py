"""A job: plain values that say what is to be trained or fitted, and the row that comes out of it.

A job's result is its folder. What it came to is ``job.json`` there, written last: a folder that has it is finished, and
is never done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fittingroom.data import Dataset, Log, load, locate, no_log
from fittingroom.data.catalog import DATASETS
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import DataError, RunError, UsageError
from fittingroom.files import read_json, write_json
from fittingroom.progress import OnProgress, no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping

ROW = "job.json"
FIELDS = {"digest": "str", "key": "str", "threads": "int", "row": "dict"}

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class DataPlace:
    """Where a job's data are, and what they are.

    Attributes:
        name: the dataset's.
        fingerprint: of the data; whatever is found elsewhere must have the same.
        path: of a folder or file of one's own; None for a dataset that is known by name.
        data_dir: where a known dataset's files are; None to look.
    """

    name: str
    fingerprint: str
    path: str | None = None
    data_dir: str | None = None


@dataclass(frozen=True)
class Job:
    """What is to be done, as plain values that travel.

    Attributes:
        key: a name of its own among the jobs that are done together.
        folder: where the result goes; None for a job that only returns a row, which its owner keeps.
        arguments: what decides the result, as JSON has it.
        threads: of the processor; part of what the job is, since sums in another order end in other digits.
        data: what it is done on; None for a job that finds its own.
        notes: what the result's record is to hold besides, and what does not decide it: the command, a name.
        needs: Dask resources, such as ``{"GPU": 1}``; used where workers declare them.
    """

    key: str
    folder: Path | None
    arguments: Mapping[str, Any]
    threads: int
    data: DataPlace | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Return 16 hex digits that stand for all that decides the result."""
        fingerprint = self.data.fingerprint if self.data else None
        decides = [self.key, self.arguments, self.threads, fingerprint]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]

    def at(self, folder: Path) -> Job:
        """Return the same job with its result in another folder."""
        return replace(self, folder=folder)


@dataclass(frozen=True)
class Report:
    """What a job tells whoever watches it.

    Attributes:
        log: takes one line.
        on_progress: takes the progress of a training; raises `Stopped` where the job is not worth going on with.
    """

    log: Log = no_log
    on_progress: OnProgress = no_progress


class Stopped(BaseException):
    """Ends a job that is not worth going on with; no error, and so no `Exception` that something might catch."""


Work: TypeAlias = Callable[[Job, Dataset | None, Report], Row]
"""What does a job: a function of a module, so that a worker can import it, that goes on where its folder has a
beginning. It is given the job, its data, and whom to tell; it returns the row, plain values as JSON has them."""


def read_row(job: Job) -> Row | None:
    """Return what a finished job came to; None where it is not finished.

    Raises:
        RunError: the folder holds the result of another job.
    """
    if job.folder is None or not (job.folder / ROW).exists():
        return None
    found = read_json(job.folder / ROW, FIELDS, RunError)
    if found["digest"] != job.digest:
        threads = f" with threads {found['threads']}, and now {job.threads}" if found["threads"] != job.threads else ""
        raise RunError(f"{job.folder} holds the result of another job{threads}. Choose another --out.")
    row: Row = found["row"]
    return row


def write_row(job: Job, row: Row) -> None:
    """Keep what a job came to: from here on it is finished.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    if job.folder is not None:
        job.folder.mkdir(parents=True, exist_ok=True)
        write_json(job.folder / ROW, {"digest": job.digest, "key": job.key, "threads": job.threads, "row": row})


_loaded: dict[str, Dataset] = {}  # the dataset that this process used last, by its fingerprint


def place_of(data: Dataset, name: str | Path, data_dir: str | Path | None = None) -> DataPlace:
    """Return where a dataset is, for jobs on it; this process keeps it for those that it does itself.

    Args:
        data: as it was loaded.
        name: what it was loaded by.
        data_dir: likewise.
    """
    remember(data)
    path = None if name in DATASETS or name in KIN else str(Path(name).expanduser().resolve())
    where = None if data_dir is None else str(Path(data_dir).expanduser().resolve())
    return DataPlace(data.name, data.fingerprint, path, where)


def remember(data: Dataset) -> None:
    """Keep a dataset for the jobs of this process, in the place of the one before."""
    _loaded.clear()
    _loaded[data.fingerprint] = data


def find_data(place: DataPlace, log: Log = no_log) -> Dataset | None:
    """Return a job's data from this machine; None where they are not here, or what is here is something else.

    Nothing is fetched: who sends the job has the data.

    Args:
        place: where they are on the machine that sends the job.
        log: takes one line for the user.
    """
    if place.fingerprint in _loaded:
        return _loaded[place.fingerprint]
    name: str | Path = place.name if place.path is None else Path(place.path)
    data_dir = None if place.data_dir is None or not Path(place.data_dir).is_dir() else Path(place.data_dir)
    try:
        if locate(name, data_dir=data_dir) is None:
            return None
        data = load(name, data_dir=data_dir, log=log)
    except (DataError, UsageError):
        return None
    if data.fingerprint != place.fingerprint:
        return None
    remember(data)
    return data
