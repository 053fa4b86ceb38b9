"""Long work in processes of its own, told of by lines of JSON: asking a model about every image, laying out a map."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import DataError, FittingRoomError
from fittingroom.files import atomic_write, read_arrays
from fittingroom.web.problems import Problem, without_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fittingroom.arrays import Array


def tell(share: float, words: str) -> None:
    """Print how far the work is.

    Args:
        share: done, 0 to 1.
        words: what is being done.
    """
    print(json.dumps({"share": round(share, 4), "words": words}), flush=True)


@contextmanager
def told_errors() -> Iterator[None]:
    """Print an error that the user can mend as a line too, and exit with 2."""
    try:
        yield
    except (FittingRoomError, OSError, MemoryError) as error:
        words = (error.strerror or "an error of the system") if isinstance(error, OSError) else str(error)
        print(json.dumps({"error": " ".join((words or "Memory ran out.").split())}), flush=True)
        sys.exit(2)


def save_arrays(path: Path, **arrays: Array) -> None:
    """Write arrays whole or not at all.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, lambda temporary: np.savez(temporary, allow_pickle=False, **arrays))


def arrays_of(path: Path, *names: str) -> list[Array]:
    """Return arrays by name from a file that `save_arrays` wrote.

    Raises:
        DataError: it is damaged; the message says what to do.
    """
    arrays = read_arrays(path)
    if not isinstance(arrays, dict) or not arrays.keys() >= set(names):
        raise DataError(
            f"{path}: expected the arrays {', '.join(names)}, found others. Remove the file, and ask again."
        )
    return [arrays[name] for name in names]


STOPPED = "Stopped."
DIED = "The process that did this ended without an answer. Perhaps memory ran out; the terminal may tell more."


@dataclass
class Job:
    """One piece of work under way or over.

    Attributes:
        share: done, 0 to 1.
        words: what is being done.
        error: why it failed, or None.
        is_over: whether it has ended.
        process: that does it.
        title: what it is, in words.
    """

    share: float = 0.0
    words: str = ""
    error: str | None = None
    is_over: bool = False
    process: subprocess.Popen[str] | None = None
    title: str = ""

    def state(self) -> dict[str, Any]:
        """Return it as plain values."""
        name = "failed" if self.error else "ready" if self.is_over else "working"
        return {"state": name, "share": self.share, "words": self.words, "error": self.error}

    def follow(self) -> None:
        """Take up the lines of the process until it ends."""
        process = self.process
        if process is None or process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                self.note(line)
        code = process.wait()
        if code != 0 and self.error is None:
            self.error = DIED
        self.is_over = True

    def end(self, why: str) -> None:
        """End the process, and keep why; nothing where it has ended already."""
        if self.process is not None and self.process.poll() is None:
            self.error = why
            self.process.terminate()

    def note(self, line: str) -> None:
        """Take up one line; what is no JSON object is not for us."""
        try:
            told = json.loads(line)
        except json.JSONDecodeError:
            return
        if isinstance(told, dict):
            self.share, self.words = float(told.get("share", self.share)), str(told.get("words", self.words))
            self.error = without_paths(str(told["error"])) if told.get("error") else self.error


class TaskQueue:
    """All such work of a studio, by key; one key is never worked on twice at once.

    Attributes:
        most: jobs at once.
        seconds: after which a job is ended.
    """

    def __init__(self, most: int, seconds: float = 3600.0) -> None:
        self.most, self.seconds = most, seconds
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def find(self, key: str) -> Job | None:
        """Return the last job of a key, or None."""
        return self._jobs.get(key)

    def state_of(self, key: str) -> dict[str, Any]:
        """Return the state of the work for what is not there: absent, too, where what was once made is gone since."""
        job = self.find(key)
        return {"state": "absent"} if job is None or job.state()["state"] == "ready" else job.state()

    def under_way(self) -> dict[str, Job]:
        """Return the jobs that have not ended, by key."""
        with self._lock:
            return {key: job for key, job in self._jobs.items() if not job.is_over}

    def stop(self, key: str) -> None:
        """End a job.

        Raises:
            Problem: 404, no job of that key is under way.
        """
        job = self.under_way().get(key)
        if job is None:
            raise Problem(404, "This job is not under way any more.")
        job.end(STOPPED)

    def start(self, key: str, module: str, arguments: Sequence[str | Path], title: str = "") -> Job:
        """Begin a job, or return the one that is under way.

        Args:
            key: names what comes of it.
            module: run as ``python -m``; prints lines of JSON with share, words and error.
            arguments: of that module.
            title: what it is, for the list of what is under way.

        Raises:
            Problem: 429, too many are under way.
        """
        with self._lock:
            known = self._jobs.get(key)
            if known is not None and not known.is_over:
                return known
            if sum(not job.is_over for job in self._jobs.values()) >= self.most:
                raise Problem(429, f"{self.most} other jobs are under way. Try again when one has ended.", self.most)
            command = [sys.executable, "-m", module, *(str(argument) for argument in arguments)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
            job = self._jobs[key] = Job(process=process, title=title)
        threading.Thread(target=self._follow, args=(job,), daemon=True).start()
        return job

    def _follow(self, job: Job) -> None:
        late = f"This took longer than {self.seconds / 60:g} minutes, so it was ended."
        timer = threading.Timer(self.seconds, job.end, [late])
        timer.daemon = True
        timer.start()
        job.follow()
        timer.cancel()

    def close(self) -> None:
        """End what is under way."""
        for job in self._jobs.values():
            if job.process is not None and job.process.poll() is None:
                job.process.terminate()
