"""Other processes, as each system tells of them: what they hold, what they were called with, how they are stopped.

Linux tells in ``/proc``, macOS and other Unix systems by ``ps``, Windows by its own library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PROC = Path("/proc")
ANSWER_SECONDS = 10.0  # that another program may take to tell of a process
STOPS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
"""What asks a process to stop: Windows has SIGBREAK for it, since SIGTERM ends a process there without asking."""
ASKS_TO_STOP: signal.Signals = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200)
MAY_QUERY = 0x1000 | 0x0010  # PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_VM_READ


def is_windows() -> bool:
    """Say whether this is Windows; a function, so that a test can say yes."""
    return os.name == "nt"


def own_session() -> dict[str, Any]:
    """Return what `subprocess.Popen` is given so that Ctrl-C in the terminal is not for the new process too."""
    return {"creationflags": NEW_GROUP} if is_windows() else {"start_new_session": True}


def ask_to_stop(pid: int) -> None:
    """Ask a process that was started in its `own_session` to stop; it may finish what it does.

    Raises:
        OSError: there is no such process, or it is somebody else's.
    """
    os.kill(pid, ASKS_TO_STOP)


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds; 0 where the system does not tell."""
    try:
        return int((PROC / f"{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError, IndexError, ValueError):  # AttributeError: Windows has no sysconf
        pass
    if is_windows():
        return _windows_memory(pid)[0]
    kibibytes = _told(["ps", "-o", "rss=", "-p", str(pid)])
    return int(kibibytes) * 1024 if kibibytes.isdigit() else 0


def peak_bytes_of_child(pid: int) -> int:
    """Return the most memory that a child, which has ended, held; 0 where the system does not tell.

    Args:
        pid: of the one child of this process; Windows tells as long as its `Popen` is kept.
    """
    return _windows_memory(pid)[1] if find_spec("resource") is None else _peak("RUSAGE_CHILDREN")


def peak_bytes() -> int:
    """Return the most memory that this process has held; 0 where the system does not tell."""
    return _windows_memory(os.getpid())[1] if find_spec("resource") is None else _peak("RUSAGE_SELF")


def _peak(whose: str) -> int:
    resource = import_module("resource")
    peak: int = resource.getrusage(getattr(resource, whose)).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)  # what ru_maxrss counts in


def command_line(pid: int) -> str:
    """Return what a process was called with, its words set apart by spaces; empty where the system does not tell."""
    try:
        return (PROC / f"{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "surrogateescape").strip()
    except OSError:
        pass
    if is_windows():
        ask = f'(Get-CimInstance Win32_Process -Filter "ProcessId={pid}").CommandLine'
        return _told(["powershell", "-NoProfile", "-Command", ask])
    return _told(["ps", "-ww", "-o", "command=", "-p", str(pid)])


def _told(command: list[str]) -> str:
    """Return what another program says; nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _windows_memory(pid: int) -> tuple[int, int]:
    """Return what a process holds and the most that it held, in bytes, as Windows tells.

    Source: PROCESS_MEMORY_COUNTERS of psapi.h.
    """
    names = ("peak", "now", "paged_peak", "paged", "other_peak", "other", "file", "file_peak")

    class Counters(ctypes.Structure):
        _fields_ = [
            ("size", ctypes.c_uint32),
            ("faults", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in names),
        ]

    counters = Counters(size=ctypes.sizeof(Counters))
    try:
        kernel: Any = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel.OpenProcess(MAY_QUERY, False, pid))
        told = kernel.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.size)
        kernel.CloseHandle(handle)
    except (OSError, AttributeError):
        return 0, 0
    return (int(counters.now), int(counters.peak)) if told else (0, 0)
