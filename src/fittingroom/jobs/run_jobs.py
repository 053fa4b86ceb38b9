"""The one seam: `run_jobs` does jobs in this process, in worker processes or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fittingroom.errors import FittingRoomError
from fittingroom.jobs.carrying_out import carry_out
from fittingroom.jobs.job import Job, Report, Row, Stopped, Work, read_row
from fittingroom.jobs.places import Place, connected
from fittingroom.progress import Log, OnProgress, Progress, no_log, no_progress

IsHopeless: TypeAlias = Callable[[Job, Progress], bool]
"""Says of a job, at the end of each of its epochs, whether it is not worth going on with."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: as it was given.
        row: what it came to; None where it failed or was stopped.
        error: why it failed; None where it did not.
        worker: who did it: a worker's address; empty for this process.
        was_there: it had been finished before.
    """

    job: Job
    row: Row | None
    error: FittingRoomError | None = None
    worker: str = ""
    was_there: bool = False

    @property
    def is_stopped(self) -> bool:
        """Whether it was ended before its end, since it was not worth going on with."""
        return self.row is None and self.error is None


@dataclass(frozen=True)
class JobLine:
    """Where a job stands, for a table of all of them.

    Attributes:
        key: the job's.
        state: "waiting", "training", "done", "failed" or "stopped".
        worker: who is at it; empty for this process.
        words: its last line, or its last progress as one.
        is_passing: told on the way, within an epoch: for a table that is drawn anew, not for a log.
    """

    key: str
    state: str
    worker: str = ""
    words: str = ""
    is_passing: bool = False


OnJob: TypeAlias = Callable[[JobLine], None]


def no_job_lines(line: JobLine) -> None:
    """Do nothing with where a job stands."""
    del line


def run_jobs(
    work: Work,
    jobs: Iterable[Job],
    place: Place | None = None,
    *,
    is_hopeless: IsHopeless | None = None,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
    on_job: OnJob = no_job_lines,
) -> Iterator[Outcome]:
    """Do jobs and give what each came to, in the order in which they end.

    A job that is finished is not done again. The next job is drawn from ``jobs`` when there is somebody to do it, so
    that what is asked next may follow from what came before. What a job's own error is, is for the caller to judge:
    closing the iterator begins no other job.

    Args:
        work: does a job: a function of a module that workers can import.
        jobs: each with a key of its own.
        place: of `find_place`; None for this process, one after another.
        is_hopeless: asked at the end of each epoch; None to do every job to its end.
        log: takes one line for the user.
        on_progress: takes the progress of the job that this process is at.
        on_job: takes where each job stands.

    Raises:
        UsageError: the cluster is not there, or its versions are others.
        RunError: the cluster was lost, or a folder holds another job's result.
        Interrupted: the user stopped it.
    """
    if place is None:
        yield from _one_after_another(work, jobs, is_hopeless, log, on_progress, on_job)
        return
    from fittingroom.jobs.dispatch import Dispatch

    with connected(place, log) as client:
        yield from Dispatch(client, place, work, is_hopeless, log, on_job).outcomes(jobs)


def _one_after_another(
    work: Work,
    jobs: Iterable[Job],
    is_hopeless: IsHopeless | None,
    log: Log,
    on_progress: OnProgress,
    on_job: OnJob,
) -> Iterator[Outcome]:
    for job in jobs:
        there = read_row(job)
        if there is not None:
            on_job(JobLine(job.key, "done", words="it was done before"))
            yield Outcome(job, there, was_there=True)
            continue
        on_job(JobLine(job.key, "training"))
        outcome = _here(work, job, Report(log, _watched(job, is_hopeless, on_progress)))
        on_job(JobLine(job.key, state_of(outcome), words=str(outcome.error or "")))
        yield outcome


def _watched(job: Job, is_hopeless: IsHopeless | None, on_progress: OnProgress) -> OnProgress:
    def watched(now: Progress) -> None:
        on_progress(now)
        if now.done and now.epoch < now.epochs and is_hopeless is not None and is_hopeless(job, now):
            raise Stopped

    return watched


def _here(work: Work, job: Job, report: Report) -> Outcome:
    try:
        return Outcome(job, carry_out(work, job, report))
    except Stopped:
        return Outcome(job, None)
    except FittingRoomError as error:
        if error.exit_code == 130:  # the user's Ctrl-C is for all of them
            raise
        return Outcome(job, None, error)


def state_of(outcome: Outcome) -> str:
    """Return how a job ended, as `JobLine` says it."""
    return "failed" if outcome.error else "stopped" if outcome.is_stopped else "done"
