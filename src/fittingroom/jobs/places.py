"""Where jobs are done: the words after ``--on``, how many workers and threads they mean, and the way to a cluster."""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fittingroom.errors import UsageError
from fittingroom.extras import install_line, missing
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.progress import Log

LOCAL = re.compile(r"local(?::([0-9]+))?")
ADDRESS = re.compile(r"(?:tcp|tls)://[^\s/]+:[0-9]+")
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """Where jobs are done.

    Attributes:
        address: of a Dask scheduler; None for worker processes of this machine.
        workers: how many of those; None for as many as the cluster has.
        threads: of each job.
    """

    address: str | None
    workers: int | None
    threads: int


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_place(on: str | None, threads: int | None) -> Place | None:
    """Return where jobs are to be done; None for this process.

    Args:
        on: ``local``, ``local:4``, or the address of a Dask scheduler such as ``tcp://10.0.0.1:8786``; None for here.
        threads: of each job; None for a fair share of the cores, on a cluster for one.

    Raises:
        UsageError: other words, or Dask is not installed.
    """
    if on is None:
        return None
    local = LOCAL.fullmatch(on)
    if local is None and not ADDRESS.fullmatch(on):
        raise UsageError(
            f"--on: expected local, local:4 or the address of a Dask scheduler such as tcp://10.0.0.1:8786, received "
            f"{on!r}."
        )
    if local and local[1] is not None and not 1 <= int(local[1]) <= 1000:
        raise UsageError(f"--on: expected 1 to 1000 worker processes, received {on!r}.")
    if missing("cluster"):
        raise UsageError(f"--on needs Dask, which is not installed: {install_line('cluster')}")
    if local is None:
        return Place(on, None, threads or 1)
    workers = int(local[1]) if local[1] else max(1, cores() // (threads or 1))
    return Place(None, workers, threads or max(1, cores() // workers))


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
        UsageError: no scheduler answers there.
    """
    if place is not None and place.address is not None:
        with _quiet_dask(), _client(place.address):
            pass


def _local_cluster(place: Place, scratch: str) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=place.workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        local_directory=scratch,
    )


def _client(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}). Is it started (dask scheduler), and is "
            "the address right? docs/many.md tells how."
        ) from None


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
