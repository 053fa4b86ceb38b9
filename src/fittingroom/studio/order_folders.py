"""Orders that are carried out by processes of their own, which outlive the page and the studio.

An order is a folder: ``order.json`` says what was asked, ``process.json`` which process is at it or was last, and
``log.txt`` has what that printed. Its process is ``python -m MODULE FOLDER``.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import traceback
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fittingroom.errors import DataError, FittingRoomError
from fittingroom.files import read_json, write_json
from fittingroom.processes import STOPS, ask_to_stop, command_line, own_session
from fittingroom.studio.run_table import is_name
from fittingroom.web.problems import Problem, without_paths
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ORDER, PROCESS, LOG = "order.json", "process.json", "log.txt"
OUR_FAULT = "This is our mistake, not yours; its log.txt in the folder of runs tells more."


class OrderFolders:
    """All orders of one kind: begin them, see which are under way, ask them to stop.

    Attributes:
        root: the folder that holds a folder for each.
        module: that carries one out.
        kind: what one is called: "training".
        most: under way at once.
        processes: that this studio has started, by the names of their orders.
        lock: held while orders are begun or stopped.
    """

    def __init__(self, root: Path, module: str, kind: str, most: int) -> None:
        self.root, self.module, self.kind, self.most = root, module, kind, most
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.lock = threading.RLock()
        self._stopping: set[str] = set()

    def names(self) -> list[str]:
        """Return the names of all orders, the newest first."""
        if not self.root.is_dir():
            return []
        return sorted((folder.name for folder in self.root.iterdir() if (folder / ORDER).is_file()), reverse=True)

    def folder(self, name: str) -> Path:
        """Return an order's folder.

        Raises:
            Problem: 404, there is no such order.
        """
        if not is_name(name) or not (self.root / name / ORDER).is_file():
            raise Problem(404, f"No {self.kind} '{name[:80]}' was started here.")
        return self.root / name

    def order(self, name: str) -> dict[str, Any]:
        """Return what was asked; nothing where it was not asked here.

        Raises:
            DataError: its file is damaged.
        """
        path = self.root / name / ORDER
        return read_json(path) if path.exists() else {}

    def check_room(self) -> None:
        """Raise where as many are under way as may be.

        Raises:
            Problem: 429.
        """
        if sum(self.is_running(name) for name in self.names()) >= self.most:
            are = "is" if self.most == 1 else "are"
            raise Problem(
                429,
                f"{counted(self.most, self.kind)} {are} under way, and more would only slow each other. Stop one, or "
                "wait.",
                self.most,
            )

    def free_name(self, title: str, results: Path) -> str:
        """Return a name for an order of now that neither an order nor a result has.

        Args:
            title: what it ends in.
            results: the folder in which its result will have this name.

        Raises:
            Problem: 429, there are too many of this second.
        """
        wanted = f"{datetime.now():%Y%m%d-%H%M%S}-{title}"
        for number in range(1, 100):
            name = wanted if number == 1 else f"{wanted}-{number}"
            if not (self.root / name).exists() and not (results / name).exists():
                return name
        raise Problem(429, f"Too many {self.kind}s were started in the same second. Try again.")

    def launch(self, name: str, order: dict[str, Any]) -> None:
        """Have an order carried out, for the first time or again.

        Args:
            name: of the order.
            order: what is asked, as JSON has it.

        Raises:
            OSError: the disk is full; a new order has left nothing there.
        """
        folder = self.root / name
        is_new = not folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / ORDER, order)
            with (folder / LOG).open("ab") as log:
                command = [sys.executable, "-m", self.module, str(folder)]
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **own_session())
            write_json(folder / PROCESS, {"pid": process.pid})
        except OSError:
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        self.processes[name] = process
        self._stopping.discard(name)

    def is_running(self, name: str) -> bool:
        """Say whether an order's process is alive."""
        process = self.processes.get(name)
        if process is not None:
            return process.poll() is None
        pid = _pid(self.root / name)
        return pid is not None and _is_ours(pid, self.root / name)

    def stop(self, name: str) -> None:
        """Ask an order's process to stop when it can; asking again changes nothing.

        Raises:
            Problem: 404, no such order; 409, it is not under way.
        """
        folder = self.folder(name)
        with self.lock:
            pid = _pid(folder)
            if pid is None or not self.is_running(name):
                raise Problem(409, f"'{name}' is not under way.")
            if name not in self._stopping:  # a second signal would interrupt the step itself
                self._stopping.add(name)
                ask_to_stop(pid)


def _pid(folder: Path) -> int | None:
    try:
        return int(read_json(folder / PROCESS, {"pid": "int"})["pid"])
    except DataError:
        return None


def _is_ours(pid: int, folder: Path) -> bool:
    """Say whether a process is at the order of a folder, and is not another that got its number after it."""
    words = command_line(pid).removesuffix('"')  # Windows quotes what has spaces
    return words.endswith((f" {folder}", f'"{folder}'))


def interrupt_on_stop() -> None:
    """Have a request to stop end what this process does as Ctrl-C would."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in STOPS:
        signal.signal(number, interrupt)


def deaf_to_stops() -> None:
    """Have this process finish what it does now, whoever asks it to stop."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def failures_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell in one sentence, without paths, of whatever ends the block; a stop is passed on.

    Args:
        tell: takes the sentence.
    """
    try:
        yield
    except (FittingRoomError, OSError, MemoryError) as error:
        words = f"The disk: {error.strerror}." if isinstance(error, OSError) else str(error)
        tell(without_paths(words or "Memory ran out."))
    except Exception:
        traceback.print_exc()
        tell(OUR_FAULT)
