"""Where jobs are done: the words after ``--on``, how many workers and threads they mean, and the way to a cluster."""

from __future__ import annotations

import ast
import asyncio
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fittingroom.errors import UsageError
from fittingroom.extras import install_line, missing
from fittingroom.files import KINDS, read_toml
from fittingroom.lookup import suggest
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from fittingroom.progress import Log

LOCAL = re.compile(r"local(?::([0-9]+))?")
SLURM = re.compile(r"slurm(?::(.+))?", re.DOTALL)
SLURM_KEYS: Mapping[str, str] = {  # of its settings file
    "jobs": "int",
    "memory": "str",
    "walltime": "str",
    "queue": "str | None",
    "account": "str | None",
    "gpus": "int | None",
    "python": "str | None",
    "interface": "str | None",
    "logs": "str | None",
    "prologue": "list[str] | None",
    "directives": "list[str] | None",
    "skip": "list[str] | None",
}
MOST_WORKERS = 1000
MOST_THREADS = 1024  # of one job
SLURM_LOGS = "slurm-logs"
ADDRESS = re.compile(r"(?:tcp|tls)://[^\s/]+:[0-9]+")
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """Where jobs are done.

    Attributes:
        address: of a Dask scheduler; None for worker processes that are started by us.
        workers: how many of those; None for as many as the cluster has.
        threads: of each job.
        slurm: how SLURM is to start them, see `SLURM_KEYS`; None for processes of this machine.
    """

    address: str | None
    workers: int | None
    threads: int
    slurm: Mapping[str, Any] | None = None

    @property
    def is_local(self) -> bool:
        """Whether the workers are processes of this machine, which share its disk."""
        return self.address is None and self.slurm is None


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_place(on: str | None, threads: int | None) -> Place | None:
    """Return where jobs are to be done; None for this process.

    Args:
        on: ``local``, ``local:4``, the address of a Dask scheduler such as ``tcp://10.0.0.1:8786``, or ``slurm:FILE``
            with a TOML file that says how SLURM is to start workers; None for here.
        threads: of each job; None for a fair share of the cores, on a cluster for one.

    Raises:
        UsageError: other words, Dask is not installed, or a script asks for worker processes outside its
            ``if __name__ == "__main__":``, which each of them would carry out again.
    """
    if on is None:
        return None
    local, slurm = LOCAL.fullmatch(on), SLURM.fullmatch(on)
    if slurm is not None:
        return _slurm_place(slurm[1], threads)
    if local is None and not ADDRESS.fullmatch(on):
        raise UsageError(
            f"--on: expected local, local:4, slurm:FILE.toml or the address of a Dask scheduler such as "
            f"tcp://10.0.0.1:8786, received {on!r}."
        )
    if local and local[1] is not None and not 1 <= int(local[1]) <= MOST_WORKERS:
        raise UsageError(f"--on: expected 1 to 1000 worker processes, received {on!r}.")
    if missing("cluster"):
        raise UsageError(f"--on needs Dask, which is not installed: {install_line('cluster')}")
    if local is None:
        return Place(on, None, threads or 1)
    _refuse_unguarded_script()
    workers = int(local[1]) if local[1] else max(1, cores() // (threads or 1))
    return Place(None, workers, threads or max(1, cores() // workers))


def _slurm_place(file: str | None, threads: int | None) -> Place:
    """Return where SLURM is to start workers, by its settings file.

    Raises:
        UsageError: no file, one with an unknown or missing setting, or no SLURM or Dask here.
    """
    if file is None:
        raise UsageError("--on slurm needs a file that says how to start workers: --on slurm:FILE.toml (docs/many.md).")
    found = read_toml(Path(file), raises=UsageError)
    for key in found:
        if key not in SLURM_KEYS:
            raise UsageError(f"{file}: unknown key '{key}'. {suggest(key, SLURM_KEYS)}")
    for key, kind in SLURM_KEYS.items():
        words, fits = KINDS[kind.removesuffix(" | None")]
        value = found.get(key)
        if not (fits(value) or (value is None and kind.endswith("None"))):
            raise UsageError(
                f"{file}: {key}: expected {words}, received {'nothing' if value is None else repr(value)}."
            )
    if not 1 <= found["jobs"] <= MOST_WORKERS or (found.get("gpus") or 0) < 0:
        raise UsageError(f"{file}: expected 1 to {MOST_WORKERS} jobs, and gpus 0 or more.")
    if missing("slurm"):
        raise UsageError(f"--on slurm needs dask-jobqueue, which is not installed: {install_line('slurm')}")
    if shutil.which("sbatch") is None:
        raise UsageError(
            "--on slurm: expected SLURM's sbatch here, found none. Run this on a machine that submits jobs."
        )
    return Place(None, found["jobs"], threads or 1, found)


def _refuse_unguarded_script() -> None:
    """Raise where a worker process, which reads the script again, would come to the line that starts it."""
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    spec_name = getattr(getattr(main, "__spec__", None), "name", "")
    if path is None or spec_name.endswith("__main__") or not Path(path).is_file():
        return
    frame: FrameType | None = sys._getframe()
    while frame is not None and not (frame.f_globals is vars(main) and frame.f_code.co_name == "<module>"):
        frame = frame.f_back
    if frame is not None and not is_guarded(Path(path).read_bytes(), frame.f_lineno):
        raise UsageError(
            f'{path}, line {frame.f_lineno}: worker processes read the script again, so what asks for on="local" must '
            'stand below a line that says: if __name__ == "__main__":'
        )


def is_guarded(source: bytes, line: int) -> bool:
    r"""Say whether a line of a script is left out where the script is read again by another process.

    Args:
        source: of the script.
        line: from 1.

    Example:
        >>> script = b"import fittingroom\nif __name__ == '__main__':\n    fittingroom.sweep('space.toml')\n"
        >>> is_guarded(script, 3), is_guarded(script, 1)
        (True, False)
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return True
    for node in ast.walk(tree):
        names = isinstance(node, ast.Compare) and any(
            isinstance(each, ast.Name) and each.id == "__name__" for each in (node.left, *node.comparators)
        )
        if names and _is_below(tree, node, line):
            return True
    return False


def _is_below(tree: ast.Module, test: ast.AST, line: int) -> bool:
    """Say whether a test of ``__name__`` decides about a line: it is inside, or the test ends the script before it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.If | ast.IfExp | ast.BoolOp) or not any(each is test for each in ast.walk(node)):
            continue
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            return True
        leaves = isinstance(node, ast.If) and any(isinstance(each, ast.Raise | ast.Call) for each in ast.walk(node))
        if leaves and isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotEq) and line > node.lineno:
            return True
    return False


@contextmanager
def connected(place: Place, log: Log) -> Iterator[Any]:
    """Lend a Dask client of the place; worker processes of this machine end with the block.

    Args:
        place: where jobs are done.
        log: takes one line for the user: where the dashboard is.

    Raises:
        UsageError: no scheduler answers there.
    """
    with _quiet_dask(), TemporaryDirectory(prefix="fittingroom-", ignore_cleanup_errors=True) as scratch:
        if place.slurm is not None:
            with _slurm_cluster(place) as cluster, cluster.get_client() as client:
                cluster.adapt(minimum_jobs=place.workers, maximum_jobs=place.workers)
                log(
                    f"{counted(place.workers or 1, 'job')} of SLURM, {counted(place.threads, 'thread')} each; they "
                    f"begin when it gives them room. Dask's dashboard: {client.dashboard_link}"
                )
                yield client
            return
        if place.address is None:
            with _local_cluster(place, scratch) as cluster, cluster.get_client() as client:
                log(
                    f"{counted(place.workers or 1, 'worker process', 'worker processes')} of "
                    f"{counted(place.threads, 'thread')} on this machine. Dask's dashboard: {client.dashboard_link}"
                )
                yield client
            return
        with _client(place.address) as client:
            log(f"The cluster at {place.address}. Dask's dashboard: {client.dashboard_link}")
            yield client


def check_reachable(place: Place | None) -> None:
    """Raise where a cluster is not there, before anything is written for it.

    Args:
        place: of `find_place`.

    Raises:
        UsageError: no scheduler answers there, or SLURM would not take such a job.
    """
    if place is not None and place.slurm is not None:
        with _quiet_dask(), _slurm_cluster(place):
            pass
    elif place is not None and place.address is not None:
        with _quiet_dask(), _client(place.address):
            pass


def _local_cluster(place: Place, scratch: str) -> Any:
    from distributed import LocalCluster

    with _deaf_to_interrupts():
        return LocalCluster(
            n_workers=place.workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            local_directory=scratch,
        )


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let processes and threads that begin here never see the terminal's Ctrl-C, which stops the client: it ends them.

    A blocked signal stays blocked in what is started, later starts of Dask's own thread among it, and one that comes
    meanwhile is not lost to this thread. Python's resource tracker, which unblocks it, is started before.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _slurm_cluster(place: Place) -> Any:
    """Return a cluster whose workers SLURM starts, one a job; those that it ends are asked for anew.

    Raises:
        UsageError: SLURM would not take such a job; says what it says.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dask_jobqueue import SLURMCluster

    assert place.slurm is not None
    asked, gpus = place.slurm, place.slurm.get("gpus") or 0
    named = {"queue": "queue", "account": "account", "python": "python", "interface": "interface"}
    cluster = SLURMCluster(
        cores=1,
        processes=1,
        job_cpu=place.threads,
        memory=asked["memory"],
        walltime=asked["walltime"],
        job_script_prologue=asked.get("prologue") or [],
        job_extra_directives=[*([f"--gres=gpu:{gpus}"] if gpus else []), *(asked.get("directives") or [])],
        job_directives_skip=asked.get("skip") or [],
        worker_extra_args=["--resources", f"GPU={gpus}"] if gpus else [],
        log_directory=asked.get("logs") or SLURM_LOGS,
        scheduler_options={"dashboard_address": ":0"},
        **{theirs: asked[ours] for ours, theirs in named.items() if asked.get(ours)},
    )
    try:
        _refuse_what_slurm_refuses(cluster.job_script())
    except BaseException:
        cluster.close()
        raise
    return cluster


def _refuse_what_slurm_refuses(script: str) -> None:
    with NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(["sbatch", "--test-only", file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"--on slurm: SLURM would not take such a job: {' '.join(done.stderr.split())[:300]}")


def _client(address: str) -> Any:
    from distributed import Client

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that differ, a page long: each worker is asked for ours
            _shake_hands(address)
            return Client(address, timeout=CONNECT_SECONDS)
    except Exception as error:  # Dask has many ways to say that it is not there, or is no scheduler
        is_silent = isinstance(error, OSError | TimeoutError)
        why = type(error).__name__ if is_silent else " ".join(f"{type(error).__name__}: {error}".split())[:200]
        asked = "has Dask its certificates" if address.startswith("tls:") else "is the address right"
        raise UsageError(
            f"No Dask scheduler answers at {address} ({why}). Is it started (dask scheduler), and {asked}? "
            "docs/many.md tells how."
        ) from None


def _shake_hands(address: str) -> None:
    """Raise where what listens at an address does not answer as Dask does within `CONNECT_SECONDS`.

    Dask 2026.8 bounds the time to connect, and then waits for ever for an answer, whatever it is that listens there. In
    a thread, since the caller's may have an event loop of its own, as a notebook's has.

    Raises:
        OSError: nothing listens there, or something else does.
        TypeError: certificates are missing.
    """
    from distributed import Security
    from distributed.comm.core import connect

    async def shaken() -> None:
        given = Security().get_connection_args("client")
        comm = await asyncio.wait_for(connect(address, timeout=CONNECT_SECONDS, **given), CONNECT_SECONDS)
        comm.abort()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, shaken()).result()


@contextmanager
def _quiet_dask() -> Iterator[None]:
    """Keep Dask's own lines off the terminal: what the user is to know, we say."""
    import dask
    import distributed

    del distributed  # its loggers have levels of their own, set when it is imported
    theirs = [name for name in logging.root.manager.loggerDict if name.startswith(("distributed", "tornado"))]
    names = (*theirs, "asyncio")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s"}):
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
