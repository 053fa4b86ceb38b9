"""One job, carried out by whichever process is at it: alone at its folder, with its threads, its row written last."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fittingroom.errors import DataError, RunError
from fittingroom.jobs.job import Job, Report, Row, Work, find_data, read_row, write_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.data import Dataset
    from fittingroom.progress import Log

LOCKS = ".locks"  # beside the folders of jobs: a file each, held by the process that is at it
FOREVER = -1.0


def carry_out(work: Work, job: Job, report: Report, data: Dataset | None = None, *, patient: bool = False) -> Row:
    """Return what a job comes to: as it was kept, or by doing it.

    Args:
        work: does it.
        job: what is to be done.
        report: whom to tell.
        data: the job's, where the caller has them; looked for on this machine where it is None.
        patient: whether to wait where another process is at this job, and then take what it came to; else that is an
            error.

    Raises:
        RunError: another process is at it, or the folder holds something else.
        DataError: its data are not on this machine.
        FittingRoomError: what the work raises.
    """
    with _alone(job, report.log, patient):
        row = read_row(job)
        if row is not None:
            return row
        if data is None and job.data is not None:
            data = find_data(job.data, report.log)
            if data is None:
                raise DataError(
                    f"{job.key}: the data {job.data.fingerprint} ({job.data.name}) are not on this machine."
                )
        with threads_set(job.threads):
            row = work(job, data, report)
        write_row(job, row)
    return row


@contextmanager
def _alone(job: Job, log: Log, patient: bool) -> Iterator[None]:
    """Hold a job's folder for this process; the lock goes with the process, however that ends."""
    if job.folder is None:
        yield
        return
    import filelock

    place = job.folder.parent / LOCKS
    place.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(place / job.folder.name, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if not patient:
            raise RunError(f"{job.folder}: another process is training this run. Wait for it, or stop it.") from None
        log(f"{job.key}: another process is at it; waiting for what it comes to.")
        lock.acquire(timeout=FOREVER)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """Have torch use so many threads of the processor in this thread of Python, for as long as the block lasts."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
