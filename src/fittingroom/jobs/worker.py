"""What a worker of a cluster does for a job, in a process that may share nothing with the one that sent it.

It looks for the data on its machine before they are sent; it works in the job's own folder where it sees that folder,
and otherwise in one of its own, which goes back as an archive. Where a beginning of the job is known, that is gone on
with.
"""

from __future__ import annotations

import platform
import random
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.backend import package_digest, versions
from fittingroom.data import Dataset, load
from fittingroom.data.cache import cache_folder
from fittingroom.errors import DataError, FittingRoomError
from fittingroom.jobs.archives import pack, unpack
from fittingroom.jobs.carrying_out import LOCKS, carry_out
from fittingroom.jobs.job import DataPlace, Job, Report, Stopped, Work, find_data, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fittingroom.progress import Progress

DISK = "disk"  # beside the locks: what it says tells a worker that it sees the very folder of the client
CHECKPOINT = "checkpoint"  # in a job's folder: where a training leaves what it goes on from
SENT = "sent"  # in our cache: datasets that were sent here, by fingerprint
EVERY_SECONDS = 1.0  # between two lines of progress of one job, but for those of whole epochs
_one_at_a_time = threading.Lock()  # Keras and Torch have one state a process


@dataclass(frozen=True)
class Setting:
    """What a worker is told beside the job.

    Attributes:
        topic: under which it tells its progress.
        disk: what the file `DISK` says on the disk of the client.
        versions: of the client, as `versions_here` has them.
        may_stop: whether the client may want to stop a job before its end.
    """

    topic: str
    disk: str
    versions: dict[str, str | None]
    may_stop: bool = False


def versions_here() -> dict[str, str | None]:
    """Return what must be the same wherever jobs of one command are done."""
    known = versions(("fittingroom", "torch", "keras", "numpy"))
    return {"Python": platform.python_version(), **known, "fittingroom's source": package_digest()}


def greet() -> dict[str, str | None]:
    """Return a worker's versions to the client that wants to give it jobs."""
    return versions_here()


def beginning(job: Job) -> str:
    """Return the name under which the scheduler keeps the last checkpoint of a job that is done without its disk."""
    return f"fittingroom-beginning-{job.digest}"


def stop_sign(job: Job) -> str:
    """Return the name of the event that asks a job to stop."""
    return f"fittingroom-stop-{job.digest}"


def do(work: Work, job: Job, content: bytes | None, begun: bytes | None, setting: Setting) -> dict[str, Any]:
    """Do a job on this worker; the function that the cluster is given.

    Args:
        work: does it.
        job: with the folder that the client has.
        content: the dataset as an archive, where a worker has said that it lacks it.
        begun: the job's folder as the client has it, as an archive, where a worker does not see it.
        setting: what else is to be known.

    Returns:
        One of: ``row``, with ``archive`` where the client is to unpack the folder; ``lacks``, a dataset's fingerprint;
        ``stopped``; ``error``, the name of an exception of ours and its message.
    """
    with _one_at_a_time, random_of_its_own():
        try:
            return _done(work, job, content, begun, setting)
        except Stopped:
            return {"stopped": True}
        except FittingRoomError as error:
            return {"error": [type(error).__name__, str(error)]}
        except MemoryError:
            return {"error": ["TrainingError", f"{job.key}: memory ran out on {_where()}."]}
        except OSError as error:
            return {"error": ["RunError", f"{error.filename or job.key}: {error.strerror or error} (on {_where()})."]}


@contextmanager
def random_of_its_own() -> Iterator[None]:
    """Give this thread's calls of Python's `random` a generator that no other thread draws from.

    Dask's own thread in a worker draws from the process's one. Between seeding and drawing starting weights that gives
    other weights, which was seen; between two looks at its state it would make a network look as if it drew by itself,
    which is then trained without a trace.
    """
    own, owner = random.Random(), threading.get_ident()
    functions = {name: getattr(random, name) for name in dir(random)}
    shared = {
        name: each for name, each in functions.items() if isinstance(getattr(each, "__self__", None), random.Random)
    }

    def of_thread(name: str) -> Callable[..., Any]:
        def draw(*values: Any, **named: Any) -> Any:
            chosen = getattr(own, name) if threading.get_ident() == owner else shared[name]
            return chosen(*values, **named)

        return draw

    for name in shared:
        setattr(random, name, of_thread(name))
    try:
        yield
    finally:
        for name, function in shared.items():
            setattr(random, name, function)


def _done(work: Work, job: Job, content: bytes | None, begun: bytes | None, setting: Setting) -> dict[str, Any]:
    differing = differences(setting.versions, versions_here(), _where())
    if differing:
        return {"error": ["UsageError", differing]}
    data = None
    if job.data is not None:
        data = find_data(job.data) or _sent(job.data, content)
        if data is None:
            return {"lacks": job.data.fingerprint}
    if job.folder is None or _sees_folder(job.folder, setting.disk):
        return {"row": carry_out(work, job, _report(job, setting), data, patient=True)}
    return _in_a_folder_of_its_own(work, job, begun, setting, data)


def differences(client: dict[str, str | None], worker: dict[str, str | None], where: str) -> str:
    """Return in a sentence which versions differ; empty where none does."""
    names = [name for name in client if client[name] != worker.get(name)]
    if not names:
        return ""
    told = ", ".join(f"{name} {worker.get(name) or 'missing'} (here {client[name] or 'missing'})" for name in names)
    return (
        f"The worker {where} has {told}. Install the same on both, so that a job comes to the same wherever it is done."
    )


def _where() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def _sees_folder(folder: Path, disk: str) -> bool:
    try:
        return (folder.parent / LOCKS / DISK).read_text("ascii") == disk
    except (OSError, ValueError):
        return False


def _sent(place: DataPlace, content: bytes | None) -> Dataset | None:
    """Return a dataset that was sent to this machine, now or before; None where it was not."""
    import filelock

    folder = cache_folder(SENT) / place.fingerprint
    if not folder.is_dir():
        if content is None:
            return None
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                unpack(content, folder)
    data = replace(load(folder), name=place.name, source="what was sent with the jobs")
    if data.fingerprint != place.fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(
            f"{place.name}: expected the data {place.fingerprint}, received {data.fingerprint} in {folder}."
        )
    remember(data)
    return data


def sent_before(place: DataPlace) -> Dataset | None:
    """Return a dataset that was sent to this machine for a job before; None where it was not."""
    return _sent(place, None)


def _in_a_folder_of_its_own(
    work: Work, job: Job, begun: bytes | None, setting: Setting, data: Dataset | None
) -> dict[str, Any]:
    from distributed import Variable, get_worker

    folder = Path(get_worker().local_directory) / "fittingroom" / job.digest / "result"
    if not folder.exists():
        kept = _kept_beginning(job) or begun
        if kept is not None:
            unpack(kept, folder)
    sent = {"checkpoint": _written(folder)}

    def send() -> None:
        if _written(folder) != sent["checkpoint"]:
            Variable(beginning(job)).set(pack(folder))
            sent["checkpoint"] = _written(folder)
            get_worker().log_event(setting.topic, {"key": job.key, "begun": True})

    row = carry_out(work, job.at(folder), _report(job, setting, send), data)
    archive = pack(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)
    return {"row": row, "archive": archive}


def _kept_beginning(job: Job) -> bytes | None:
    from distributed import Variable

    try:
        kept: bytes = Variable(beginning(job)).get(timeout="200ms")
    except TimeoutError:
        return None
    return kept


def _written(folder: Path) -> int:
    """Return when the checkpoint in a folder was written, in nanoseconds; 0 where there is none."""
    try:
        return max((path.stat().st_mtime_ns for path in (folder / CHECKPOINT).iterdir()), default=0)
    except OSError:
        return 0


def _report(job: Job, setting: Setting, send: Any = None) -> Report:
    """Return what tells the client of a job's progress, sends its checkpoints, and asks whether to stop."""
    from distributed import Event, get_worker

    worker, told = get_worker(), {"at": 0.0}

    def log(line: str) -> None:
        worker.log_event(setting.topic, {"key": job.key, "where": worker.address, "line": line})

    def on_progress(now: Progress) -> None:
        if send is not None:
            send()
        if not now.done and time.monotonic() - told["at"] < EVERY_SECONDS:
            return
        told["at"] = time.monotonic()
        worker.log_event(setting.topic, {"key": job.key, "where": worker.address, "progress": asdict(now)})
        if setting.may_stop and Event(stop_sign(job)).is_set():
            raise Stopped

    return Report(log, on_progress)
