"""A Debian package, downloaded and unpacked into a folder: no root, and the machine's package lists untouched.

``apt-get`` works on lists and a cache of its own below that folder, with the machine's sources, keys and proxies.
This is the way that works where only a distribution's mirror can be reached, as in many classrooms.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from fittingroom.data.idx import writing
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.progress import Log

TIMEOUT_SECONDS = 300.0
PROGRESS_SECONDS = 5.0

# The machine's hooks after an update (notifiers, cache cleaners) are not ours to run, and fail without root.
APT_CONFIG = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""


def is_possible() -> bool:
    """Whether this machine has the tools of a Debian-like system."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def apt_get(work: Path, *arguments: str) -> list[str]:
    """Return the ``apt-get`` command that keeps its lists and its cache in a folder of ours.

    Args:
        work: that folder.
        arguments: what to do: ``update``; ``download``, a package.

    Example:
        >>> from pathlib import Path
        >>> apt_get(Path("/tmp/w"), "update")[-3:]
        ['-o', 'Dir::Cache=/tmp/w/cache', 'update']
    """
    options = [
        "-q",
        "-c",
        f"{work}/apt.conf",
        "-o",
        f"Dir::State::Lists={work}/lists",
        "-o",
        f"Dir::Cache={work}/cache",
    ]
    return ["apt-get", *options, *arguments]


def unpack(package: str, work: Path, log: Log) -> Path:
    """Download a Debian package and unpack it.

    Args:
        package: its name.
        work: an empty folder, to be removed by the caller.
        log: told of each step.

    Returns:
        The root of the unpacked tree.

    Raises:
        DataError: no mirror has it, a step took too long, or the disk is full.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    _prepare(work)
    log("Debian: reading the package lists of this machine's sources, into a folder of our own.")
    updated = _run(apt_get(work, "update"), work, deadline, log)
    log(f"Debian: downloading the package {package}.")
    downloaded = _run(apt_get(work, "download", package), work, deadline, log)
    archive = next(iter(work.glob(f"{package}_*.deb")), None)
    if archive is None:
        raise DataError(f"Debian: {package} could not be downloaded ({_complaint(updated, downloaded)}).")
    log(f"Debian: unpacking {archive.name}.")
    unpacked = _run(["dpkg-deb", "-x", str(archive), str(work / "root")], work, deadline, log)
    if not any((work / "root").iterdir()):
        raise DataError(f"Debian: {archive.name} could not be unpacked ({_complaint(unpacked)}).")
    return work / "root"


def _prepare(work: Path) -> None:
    with writing(work):
        for folder in ("lists/partial", "cache/archives/partial", "root"):
            (work / folder).mkdir(parents=True)
        (work / "apt.conf").write_text(APT_CONFIG, encoding="utf-8")


def _run(command: list[str], work: Path, deadline: float, log: Log) -> str:
    """Run a step and return what it wrote: what it left on the disk shows whether it worked.

    Its exit code says too little: one source of many that does not answer makes ``apt-get update`` fail, though the
    package may well be had.
    """
    output = work / "log"
    with writing(output):
        _wait(_start(command, work, output), deadline, log)
        words = output.read_text(encoding="utf-8", errors="replace")
        if os.strerror(errno.ENOSPC) in words:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return words


def _start(command: list[str], work: Path, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as stream:
        return subprocess.Popen(
            command,
            cwd=work,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,  # so that its helpers can be ended with it
        )


def _wait(process: subprocess.Popen[bytes], deadline: float, log: Log) -> None:
    started = time.monotonic()
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise DataError(f"Debian: expected an end within {TIMEOUT_SECONDS:.0f} s, received none.")
            try:
                process.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                log(f"  {time.monotonic() - started:.0f} s")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _complaint(*logs: str) -> str:
    """Return the last error that apt or dpkg wrote: the others are mostly its causes, the last says what it means."""
    lines = [line for output in logs for line in output.splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith(("E:", "dpkg"))] or lines or ["it said nothing"]
    return faults[-1].removeprefix("E: ").rstrip(".")
