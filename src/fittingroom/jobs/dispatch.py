"""The client's side of a cluster: which worker gets which job, and what is done where one of them is lost.

One job at a time is given to each worker, and to it alone. A lost worker's job is given to another one here: Dask
leaves a task that prefers a lost worker waiting for ever. The job goes on from its last checkpoint (`worker.py`).
"""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import fittingroom.errors as errors
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.data.folder import CLASSES_FILE
from fittingroom.errors import RunError, UsageError
from fittingroom.jobs.archives import pack, unpack
from fittingroom.jobs.carrying_out import LOCKS
from fittingroom.jobs.job import Job, Work, find_data, read_row
from fittingroom.jobs.run_jobs import IsHopeless, JobLine, OnJob, Outcome, state_of
from fittingroom.jobs.worker import DISK, Setting, beginning, differences, do, greet, stop_sign, versions_here
from fittingroom.mapped_arrays import is_large
from fittingroom.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fittingroom.data import Dataset
    from fittingroom.jobs.places import Place
    from fittingroom.progress import Log

LOOK_SECONDS = 0.2  # how often progress is taken and new workers are seen; a job's end is seen at once
WAIT_SECONDS = 120.0  # for a worker to join, where there is none
LOSSES = 3  # workers that a job may lose without getting on
LOST = ("CancelledError", "FutureCancelledError", "FuturesCancelledError", "CommClosedError")


class Dispatch:
    """The jobs of one call, on one cluster.

    Args:
        client: of Dask.
        place: where it is, for messages.
        work: does a job.
        is_hopeless: see `run_jobs`.
        log: takes one line for the user.
        on_job: takes where each job stands.
    """

    def __init__(
        self, client: Any, place: Place, work: Work, is_hopeless: IsHopeless | None, log: Log, on_job: OnJob
    ) -> None:
        self.client, self.place, self.work = client, place, work
        self.is_hopeless, self.log, self.on_job = is_hopeless, log, on_job
        self.setting = Setting(f"fittingroom-{token_hex(8)}", token_hex(16), versions_here(), is_hopeless is not None)
        self.jobs: dict[Any, Job] = {}  # by future
        self.given: dict[Any, str] = {}  # the worker that a future was given to
        self.begun: dict[str, Progress] = {}  # by key
        self.at_submission: dict[str, tuple[int, int]] = {}  # by key: how far a job was when it was given out
        self.last_workers: dict[str, Any] = {}  # as the scheduler last told, by address
        self.greeted: set[str] = set()  # workers that have our versions
        self.taken_back: list[Job] = []  # of workers that were lost
        self.losses: dict[str, int] = {}  # by key: how many were lost since it last got on
        self.sent: dict[str, Any] = {}  # by fingerprint: the future that holds a dataset
        self.told: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Give what each job came to, in the order in which they end; see `run_jobs`."""
        self.client.subscribe_topic(self.setting.topic, lambda event: self.told.put(event[1]))
        waiting, is_more, alone_since = iter(jobs), True, time.monotonic()
        try:
            while is_more or self.jobs or self.taken_back:
                free = self._free_workers()
                while (is_more or self.taken_back) and free:
                    job = self.taken_back.pop() if self.taken_back else next(waiting, None)
                    is_more = is_more and job is not None
                    if job is not None and (there := read_row(job)) is not None:
                        self.on_job(JobLine(job.key, "done", words="it was done before"))
                        yield Outcome(job, there, was_there=True)
                    elif job is not None:
                        self._give(job, free.pop(0))
                yield from self._ended()
                self._take_progress()
                yield from self._of_lost_workers()
                alone_since = self._look_for_workers(alone_since)
        finally:
            self._let_go()

    def _look_for_workers(self, alone_since: float) -> float:
        """Return since when there has been no worker; raise where that is too long, or the scheduler is gone."""
        if self.client.status != "running":
            raise self._lost()
        if self._workers():
            return time.monotonic()
        if time.monotonic() - alone_since > WAIT_SECONDS and self.place.slurm is None:  # its queue may be long
            raise RunError(
                f"No worker has joined {self._name()} for {WAIT_SECONDS:.0f} seconds. Start one: dask worker "
                f"{self.place.address or ''} --nthreads 1. What is finished is kept: the same command goes on."
            )
        time.sleep(LOOK_SECONDS)
        return alone_since

    def _name(self) -> str:
        if self.place.slurm is not None:
            return "SLURM's workers"
        return f"the cluster at {self.place.address}" if self.place.address else "the worker processes"

    def _lost(self) -> RunError:
        return RunError(
            f"The scheduler of {self._name()} is gone. What is finished is kept: start it again, and the same command "
            "goes on."
        )

    def _workers(self) -> Mapping[str, Any]:
        """Return the workers that the scheduler has, by address; those it had last where it does not answer.

        Asked of the scheduler itself: what the client remembers (`Client.scheduler_info`) is overwritten every two
        seconds by an answer without workers, which then look lost; on a busy machine that was seen.
        """
        if self.client.status == "running":
            try:
                identity = self.client.sync(self.client.scheduler.identity, n_workers=-1)
            except (OSError, TimeoutError):
                return self.last_workers
            self.last_workers = dict(identity["workers"])
        return self.last_workers

    def _free_workers(self) -> list[str]:
        """Return the workers that have no job of ours, each after it was greeted."""
        busy = set(self.given.values())
        return [worker for worker in self._workers() if worker not in busy and self._is_greeted(worker)]

    def _is_greeted(self, worker: str) -> bool:
        """See that a worker has our versions; False where it is gone already.

        Raises:
            UsageError: it has not.
        """
        if worker in self.greeted:
            return True
        try:
            found = self.client.run(greet, workers=[worker])[worker]
        except ImportError as error:
            raise UsageError(
                f"The worker {worker} has no fittingroom of this version ({error}). Install the same there as here."
            ) from None
        except Exception as error:  # Dask has many ways to say that a worker left
            if type(error).__name__ in LOST or isinstance(error, OSError | TimeoutError | KeyError | ValueError):
                return False
            raise
        told = differences(self.setting.versions, found, worker)
        if told:
            raise UsageError(told)
        self.greeted.add(worker)
        return True

    def _give(self, job: Job, worker: str, content: Any = None) -> None:
        """Give a job to a worker."""
        from distributed import Event

        folder, begun = job.folder, None
        if folder is not None:
            folder = folder.resolve()
            (folder.parent / LOCKS).mkdir(parents=True, exist_ok=True)
            (folder.parent / LOCKS / DISK).write_text(self.setting.disk, "ascii")
            begun = pack(folder) if not self.place.is_local and folder.exists() else None
        declared = self._workers().get(worker, {}).get("resources", {})
        needs = {name: count for name, count in job.needs.items() if name in declared}
        if self.setting.may_stop:
            Event(stop_sign(job), client=self.client).clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of arguments that are large: a run's beginning is
            future = self.client.submit(
                do,
                self.work,
                replace(job, folder=folder),
                content,
                begun,
                self.setting,
                key=f"{job.key}-{token_hex(8)}",
                workers=[worker],
                resources=needs or None,
                pure=False,
            )
        self.jobs[future], self.given[future] = job, worker
        self.at_submission[job.key] = self._far(job.key)
        self.on_job(JobLine(job.key, "training", worker))

    def _far(self, key: str) -> tuple[int, int]:
        now = self.begun.get(key)
        return (0, 0) if now is None else (now.epoch, now.images)

    def _ended(self) -> Iterator[Outcome]:
        """Wait a little for a job to end, and give what those that have ended came to."""
        from distributed import wait

        if self.jobs:
            try:
                wait(list(self.jobs), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
            except TimeoutError:
                return
            except Exception as error:
                raise self._as_lost(error) from None
        for future in [each for each in self.jobs if each.done()]:
            job, worker = self.jobs.pop(future), self.given.pop(future)
            outcome = self._outcome(future, job, worker)
            if outcome is not None:
                self.on_job(JobLine(job.key, state_of(outcome), outcome.worker, str(outcome.error or "")))
                yield outcome

    def _as_lost(self, error: Exception) -> Exception:
        return self._lost() if type(error).__name__ in LOST or self.client.status != "running" else error

    def _outcome(self, future: Any, job: Job, worker: str) -> Outcome | None:
        """Return what a job came to; None where it was given out again."""
        from distributed import KilledWorker

        try:
            answer = future.result()
        except KilledWorker:
            return self._after_loss(job)
        except Exception as error:
            raise self._as_lost(error) from None
        if "lacks" in answer:
            self._give(job, worker, self._content(job))
            return None
        if "error" in answer:
            kind, words = answer["error"]
            return Outcome(job, None, getattr(errors, kind, RunError)(words), worker)
        if "stopped" in answer:
            return Outcome(job, None, worker=worker)
        if "archive" in answer and job.folder is not None:
            unpack(answer["archive"], job.folder)
            self._forget_beginning(job)
        return Outcome(job, answer["row"], worker=worker)

    def _of_lost_workers(self) -> Iterator[Outcome]:
        """Take back the jobs of workers that are gone, and give them to others; those that never got on have failed."""
        there = self._workers()
        lost = [future for future, worker in self.given.items() if worker not in there and not future.done()]
        for future in lost:
            job, worker = self.jobs.pop(future), self.given.pop(future)
            future.cancel()
            outcome = self._after_loss(job)
            if outcome is None:
                self.on_job(JobLine(job.key, "waiting", words=f"the worker {worker} is gone; another goes on with it"))
            else:
                self.on_job(JobLine(job.key, "failed", worker, str(outcome.error)))
                yield outcome

    def _after_loss(self, job: Job) -> Outcome | None:
        """Have a job wait for another worker, where it has got on since the last was lost, or not been lost often."""
        got_on = self._far(job.key) > self.at_submission[job.key]
        self.losses[job.key] = 1 if got_on else self.losses.get(job.key, 0) + 1
        if self.losses[job.key] < LOSSES:
            self.taken_back.append(job)
            return None
        told = (
            f"{job.key}: {LOSSES} workers that were given it were lost, one after another. Most often memory has run "
            "out: take fewer workers, or a smaller batch_size. What is finished is kept."
        )
        return Outcome(job, None, RunError(told))

    def _content(self, job: Job) -> Any:
        """Return the future that holds a job's dataset; it travels to the scheduler once, and to each worker once."""
        assert job.data is not None
        if job.data.fingerprint not in self.sent:
            data = find_data(job.data)
            if data is None:
                raise RunError(
                    f"{job.key}: the data {job.data.fingerprint} are no longer here, and a worker needs them."
                )
            if is_large(data.train.images) or is_large(data.test.images):
                raise RunError(
                    f"{job.key}: a worker lacks the data {data.name}, and files of 256 MiB and more are not sent to "
                    f"workers. Put them where the worker finds them too, as {job.data.path or job.data.name}."
                )
            content = packed_dataset(data)
            self.log(f"Sending the data {data.name} ({len(content) / 1e6:.1f} MB) to workers that lack them.")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                key = f"fittingroom-data-{job.data.fingerprint}"
                self.sent[job.data.fingerprint] = self.client.submit(bytes, content, key=key)
        return self.sent[job.data.fingerprint]

    def _take_progress(self) -> None:
        """Take what workers have told, and keep the beginnings that they have sent."""
        while True:
            try:
                event = self.told.get_nowait()
            except Empty:
                return
            job = next((each for each in self.jobs.values() if each.key == event["key"]), None)
            if job is None:
                continue
            if "begun" in event:
                self._keep_beginning(job)
            elif "line" in event:
                self.on_job(JobLine(job.key, "training", event["where"], event["line"]))
            else:
                self._told_progress(job, event["where"], Progress(**event["progress"]))

    def _told_progress(self, job: Job, worker: str, now: Progress) -> None:
        self.begun[job.key] = now
        self.on_job(JobLine(job.key, "training", worker, now.line(), is_passing=not now.done))
        if now.done and now.epoch < now.epochs and self.is_hopeless is not None and self.is_hopeless(job, now):
            from distributed import Event

            Event(stop_sign(job), client=self.client).set()

    def _keep_beginning(self, job: Job) -> None:
        """Keep on our own disk what a job without it has come to so far."""
        from distributed import Variable

        try:
            content = Variable(beginning(job), client=self.client).get(timeout="2s")
        except (TimeoutError, OSError):
            return
        if job.folder is not None and read_row(job) is None:
            unpack(content, job.folder)

    def _forget_beginning(self, job: Job) -> None:
        from distributed import Variable

        Variable(beginning(job), client=self.client).delete()

    def _let_go(self) -> None:
        if self.client.status == "running":
            self.client.unsubscribe_topic(self.setting.topic)
            self.client.cancel(list(self.jobs))


def packed_dataset(data: Dataset) -> bytes:
    """Return a dataset as an archive of its four files and ``classes.txt``."""
    with TemporaryDirectory() as folder:
        arrays = (data.train.images, data.train.labels, data.test.images, data.test.labels)
        for name, array in zip(FILE_NAMES, arrays, strict=True):
            write_idx(Path(folder) / name, array)
        (Path(folder) / CLASSES_FILE).write_text("\n".join(data.class_names) + "\n", "utf-8")
        return pack(Path(folder))
