"""Other processes, as each system tells of them; systems that this machine is not are imitated."""

import ctypes
import os
import signal
import subprocess
import sys

import pytest

from fittingroom import processes
from fittingroom.processes import ask_to_stop, command_line, own_session, peak_bytes_of_child, resident_bytes

SLEEPS = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)", "größe 2"]


@pytest.fixture
def sleeper():
    process = subprocess.Popen(SLEEPS, stdout=subprocess.PIPE, **own_session())
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def no_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "PROC", tmp_path)


@pytest.fixture
def windows(monkeypatch, no_proc):
    """Windows: no /proc, no sysconf, no resource; its library tells of memory."""

    class Kernel:
        def __getattr__(self, name):
            return getattr(self, f"_{name.lower()}")

        def __init__(self, name):
            assert name == "kernel32"

            def opened(rights, inherits, pid):
                return pid

            def told(handle, counters, size):
                counters._obj.now, counters._obj.peak = 5_000_000, 7_000_000
                return handle.value == 42

            self._openprocess, self._k32getprocessmemoryinfo = opened, told
            self._closehandle = lambda handle: True

    monkeypatch.setattr(processes, "is_windows", lambda: True)
    monkeypatch.setattr(ctypes, "WinDLL", Kernel, raising=False)
    monkeypatch.setattr(processes, "find_spec", lambda name: None)


def test_memory_and_command_line_of_a_process_are_told(sleeper):
    assert 1_000_000 < resident_bytes(sleeper.pid) < 500_000_000
    assert command_line(sleeper.pid).endswith(" größe 2")


def test_without_proc_ps_tells_them(sleeper, no_proc, monkeypatch):
    said = {"rss=": "2048", "command=": "python größe 2"}
    monkeypatch.setattr(processes, "_told", lambda command: said[command[command.index("-o") + 1]])
    assert resident_bytes(sleeper.pid) == 2048 * 1024
    assert command_line(sleeper.pid) == "python größe 2"


def test_where_nothing_tells_it_is_nothing_and_no_error(no_proc, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert resident_bytes(os.getpid()) == 0
    assert command_line(os.getpid()) == ""


def test_on_windows_its_library_tells_of_memory(windows):
    assert resident_bytes(42) == 5_000_000
    assert peak_bytes_of_child(42) == 7_000_000
    assert resident_bytes(43) == 0


def test_on_windows_a_process_gets_a_group_of_its_own(windows):
    assert own_session() == {"creationflags": 0x200}


def test_a_process_that_is_asked_to_stop_may_finish(tmp_path):
    code = (
        "import signal, sys, time\n"
        "from fittingroom.processes import STOPS\n"
        "def stop(*_): print('finished', flush=True); sys.exit(0)\n"
        "for number in STOPS: signal.signal(number, stop)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **own_session())
    assert process.stdout.readline() == "ready\n"
    ask_to_stop(process.pid)
    assert process.communicate()[0] == "finished\n"
    assert process.returncode == 0


def test_a_process_of_its_own_session_does_not_hear_the_terminals_ctrl_c(sleeper):
    assert os.getsid(sleeper.pid) == sleeper.pid
    assert signal.SIGTERM in processes.STOPS


def test_the_most_memory_of_a_child_is_told():
    process = subprocess.Popen([sys.executable, "-c", "b = bytearray(50_000_000)"])
    process.wait()
    assert peak_bytes_of_child(process.pid) > 50_000_000
