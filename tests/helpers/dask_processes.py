"""A Dask scheduler and workers as processes of their own, to be killed; and workers without the client's disk."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import fittingroom

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(fittingroom.__file__).parent.parent
HIDING = """
import os
import sys

HIDDEN = tuple({hidden!r})
EVENTS = ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove")

def hide(event, arguments):
    if event in EVENTS and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
        if os.path.realpath(os.fsdecode(arguments[0])).startswith(HIDDEN):
            raise FileNotFoundError(2, "there is no such disk here", os.fsdecode(arguments[0]))

sys.addaudithook(hide)
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """One thread a process; with a home of its own, an empty cache as well."""
    own = {} if home is None else {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    words = {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "false"}
    return {**os.environ, **words, **own, **more}


class Processes:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = None
        self.workers: list[subprocess.Popen] = []

    def start_scheduler(self) -> None:
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._start("distributed.cli.dask_scheduler", *words)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError

    def start_worker(self, hidden: Sequence[Path] = ()) -> subprocess.Popen:
        """Start a worker; one from whom folders are hidden has a home and caches of its own too."""
        home = self.folder / f"home-{len(self.workers)}-{time.monotonic_ns()}"
        home.mkdir(parents=True)
        words = [self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(home)]
        if hidden:
            script = home / "hide.py"
            script.write_text(HIDING.format(hidden=[str(folder.resolve()) for folder in hidden]))
            words += ["--preload", str(script)]
        worker = self._start("distributed.cli.dask_worker", *words, home=home if hidden else None)
        self.workers.append(worker)
        return worker

    def _start(self, module: str, *words: str, home: Path | None = None) -> subprocess.Popen:
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *words],
                env=environment(home),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def dask_processes(folder: Path, workers: int = 0):
    folder.mkdir(parents=True, exist_ok=True)
    processes = Processes(folder)
    processes.start_scheduler()
    try:
        for _ in range(workers):
            processes.start_worker()
        yield processes
    finally:
        processes.stop()


def client(out: Path, address: str, data: Path, *words: str, cwd: Path) -> subprocess.Popen:
    """Start ``fittingroom train --seeds`` in a process of its own, on a cluster."""
    options = ["--dataset", str(data), "--out", str(out), "--on", address, *words]
    return subprocess.Popen(
        [sys.executable, "-m", "fittingroom", "train", *options],
        env=environment(),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
